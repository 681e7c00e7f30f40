import { expect, test } from "bun:test";
import { runLimited } from "../../../src/broker/logins/limited-command.ts";
import { waitFor } from "../../support/wait.ts";

const never = new AbortController().signal;
const shell = (line: string, limitMs = 20_000) => ({
  words: ["/bin/sh", "-c", line],
  environment: { PATH: process.env["PATH"] ?? "" },
  cwd: "/",
  limitMs,
});

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("gives what it printed, and how it ended", async () => {
  const end = await runLimited({ ...shell("cat; echo oops >&2; exit 4"), input: "in" }, never);
  expect(end).toEqual({ how: "ended", status: 4, stdout: "in", stderr: "oops\n" });
});

test("one that is too slow is ended, with what it started", async () => {
  const end = await runLimited(shell("sleep 300 & echo $!; wait", 300), never);
  expect(end).toMatchObject({ how: "slow" });
  await waitFor(() => !isAlive(Number(end.stdout)), { what: "the end of its child" });
});

test("what it leaves behind is not waited for, and goes on", async () => {
  const end = await runLimited(shell("sleep 300 & echo $!; echo oops >&2; exit 4", 5_000), never);
  const pid = Number(end.stdout);
  expect(end).toMatchObject({ how: "ended", status: 4, stdout: expect.stringMatching(/^\d+\n$/), stderr: "oops\n" });
  expect(isAlive(pid)).toBe(true);
  process.kill(pid, "SIGKILL");
});

test("all that it printed arrives, also when it is much", async () => {
  const line = "sleep 300 & head -c 1000000 /dev/zero | tr '\\0' x; echo $! >&2";
  const end = await runLimited(shell(line), never);
  expect(end).toMatchObject({ how: "ended", status: 0 });
  expect(end.stdout.length).toBe(1_000_000);
  process.kill(Number(end.stderr), "SIGKILL");
});

test("one that is not wanted any more is ended", async () => {
  const stop = new AbortController();
  const ended = runLimited(shell("sleep 300"), stop.signal);
  stop.abort();
  expect(await ended).toMatchObject({ how: "canceled" });
});

test.each([
  { what: "a program that is not there", words: ["/no/such/program"], cwd: "/" },
  { what: "a folder that is not there", words: ["/bin/true"], cwd: "/no/such/folder" },
])("$what starts nothing", async ({ words, cwd }) => {
  expect(await runLimited({ ...shell(""), words, cwd }, never)).toMatchObject({ how: "missing", status: "ENOENT" });
});
