import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../support/cleanup.ts";
import { startProgram } from "../support/program.ts";
import { tempDir } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { program, readLog, start } from "./driver.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const statuses = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

for (const [name, status] of Object.entries(statuses) as [keyof typeof statuses, number][]) {
  test(`${name} stops the command in order: status ${status}`, async () => {
    const running = start(["exec", "h", "forever"]);
    await running.waitForStdout("ready");
    running.signal(name);
    expect(await running.exit()).toMatchObject({
      status,
      stderr: "ssh-mcp: the command was canceled; stopped: confirmed [CANCELED]\n",
    });
  });
}

test("a document is still a document", async () => {
  const running = start(["exec", "--json", "h", "forever"], { env: { FAKE_READY: "1" } });
  await running.waitForStderr("ready");
  running.signal("SIGINT");
  const { status, stdout } = await running.exit();
  expect(status).toBe(130);
  expect(JSON.parse(stdout)).toMatchObject({ outcome: "canceled", stopped: "confirmed", stdout: "ready\n" });
});

describe("a command that does not end", () => {
  test("a person is told what a second Ctrl-C does, and it does so at once", async () => {
    const running = start(["exec", "h", "stubborn"]);
    await running.waitForStdout("ready");
    running.signal("SIGINT");
    await running.waitForStderr("ssh-mcp: stopping; Ctrl-C again leaves at once\n");
    running.signal("SIGINT");
    expect(await running.exit(2000)).toMatchObject({ status: 130, signal: null });
  });

  test.concurrent("after 8 s it is left behind, and that is said", async () => {
    const running = start(["exec", "h", "stubborn"]);
    await running.waitForStdout("ready");
    running.signal("SIGTERM");
    expect(await running.exit()).toMatchObject({
      status: 143,
      stderr: "ssh-mcp: nothing was heard of what runs for 8s after it was to stop [OUTCOME_UNKNOWN]\n",
    });
  });
});

test("a signal that was ignored at the start stays ignored, as nohup wants it", async () => {
  const script = `trap '' HUP; exec ${program.join(" ")} exec h cat`;
  const running = startProgram(["sh", "-c", script]);
  await running.write("before\n");
  await running.waitForStdout("before");
  running.signal("SIGHUP");
  await running.write("after\n");
  await running.waitForStdout("after");
  await running.end();
  expect(await running.exit()).toMatchObject({ status: 0, stderr: "" });
});

describe("a reader that has stopped reading does not hold up the end", () => {
  const blocked = async (redirections: string): Promise<void> => {
    const command = `${program.join(" ")} exec h flood 1000 ${redirections}`;
    const line = `exec 3> >(exec sleep 60); reader=$!; ${command} & echo pid=$!; wait $!; echo status=$?; kill $reader`;
    const file = join(tempDir("log"), "log");
    const running = startProgram(["bash", "-c", line], { env: { FAKE_LOG: file } });
    const [, pid] = await running.waitForStdout(/pid=(\d+)/);
    await waitFor(() => existsSync(file) && readLog(file).some((entry) => "exec" in entry), { what: "the command" });
    process.kill(Number(pid), "SIGTERM");
    await running.waitForStdout("status=143", 15_000);
    await running.stop();
  };

  test.concurrent("of standard output", () => blocked(">&3"));
  test.concurrent("of both", () => blocked(">&3 2>&3"));
});
