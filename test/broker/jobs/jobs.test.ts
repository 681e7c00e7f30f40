/** Jobs by the compiled binary on a real server: they outlive what started them, and everything that is said of them is looked at. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { crash, type Place, startPlace } from "../../acceptance/place.ts";
import { cleanup } from "../../support/cleanup.ts";
import { commandLineOf, descendantsOf, isAlive, signal } from "../../support/processes.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);

let place: Place;
let folder: string;

beforeAll(async () => {
  place = await startPlace();
  const { stdout } = await place.run(["exec", place.at, "--", "echo $HOME"]);
  folder = join(stdout.trim(), ".ssh-mcp/jobs");
  expect(folder).not.toContain(homedir());
});

interface Shown {
  id: string;
  state: string;
  exitCode: number | null;
  signal: string | null;
  reason: string | null;
  pid: number | null;
  [field: string]: unknown;
}

const start = async (command: string, ...flags: string[]): Promise<string> => {
  const { job } = await place.document(["job", "start", place.at, "--json", ...flags, "--", command]);
  return (job as Shown).id;
};

const show = async (id: string): Promise<Shown> => {
  const { jobs } = await place.document(["job", "show", place.at, id, "--json"]);
  return (jobs as Shown[])[0] as Shown;
};

const job = (verb: string, id: string, ...flags: string[]) => place.run(["job", verb, place.at, id, ...flags]);

describe("a job", () => {
  test("has its folder for itself, its status, its outputs, and no value of a variable", async () => {
    const id = await start(
      'printf "%s|" "$SECRET" "$PWD"; echo err >&2; exit 7',
      "--env",
      "SECRET=a b'c",
      "--cwd",
      "/usr",
    );
    expect((await job("wait", id)).status).toBe(7);
    expect(await show(id)).toMatchObject({
      state: "failed",
      exitCode: 7,
      cwd: "/usr",
      stdoutBytes: 11,
      stderrBytes: 4,
    });
    expect((await job("logs", id)).stdout).toBe("a b'c|/usr|");
    expect((await job("logs", id, "--stderr")).stdout).toBe("err\n");
    expect((await job("logs", id, "--offset", "6")).stdout).toBe("/usr|");
    for (const file of ["command", "began", "title", "pid", "status"]) {
      expect(readFileSync(join(folder, id, file), "utf8")).not.toContain("a b");
    }
    expect((await job("rm", id)).status).toBe(0);
    expect(existsSync(join(folder, id))).toBe(false);
    expect((await job("show", id)).stderr).toContain("[NOT_FOUND]");
  });

  test("outlives the broker and the connection it was started on", async () => {
    const id = await start("echo one; sleep 2; echo two");
    await crash(place.home.path);
    expect((await job("wait", id)).status).toBe(0);
    expect((await job("logs", id)).stdout).toBe("one\ntwo\n");
  });

  test("outlives the server's processes of its connection, and whoever waits hears of its end", async () => {
    const id = await start("echo one; sleep 3; echo two; exit 6");
    const waiting = job("wait", id);
    const looking = await waitFor(
      () => {
        // The waiter is a shell of ours beside sshd's own processes: without one, nothing waits yet.
        const ofConnections = descendantsOf(place.sshd.pid).filter((pid) => isAlive(pid));
        return ofConnections.some((pid) => commandLineOf(pid)[0]?.endsWith("sh") === true) ? ofConnections : false;
      },
      { what: "the wait to be on the server" },
    );
    for (const pid of looking.filter((each) => /^sshd/.test(commandLineOf(each)[0] ?? ""))) signal(pid, "SIGKILL");
    expect((await waiting).status).toBe(6);
    expect(await show(id)).toMatchObject({ state: "failed", exitCode: 6 });
    expect((await job("logs", id)).stdout).toBe("one\ntwo\n");
  });

  test("is waited for by several at once, and a wait has its own limit", async () => {
    const id = await start("sleep 1; exit 3");
    expect(await job("wait", id, "--timeout", "0.2")).toMatchObject({
      status: 124,
      stderr: expect.stringContaining(id),
    });
    const waits = await Promise.all([1, 2, 3].map(() => job("wait", id)));
    expect(waits.map(({ status }) => status)).toEqual([3, 3, 3]);
  });

  test("that ignores INT and TERM is killed with its children, and rm waits for that", async () => {
    const id = await start('trap "" INT TERM; sleep 321 & echo $!; while :; do sleep 1; done');
    const child = Number(await waitFor(async () => (await job("logs", id)).stdout, { what: "the child's number" }));
    expect(isAlive(child)).toBe(true);
    expect(await job("rm", id)).toMatchObject({ status: 1, stderr: expect.stringContaining("PRECONDITION_FAILED") });
    expect((await job("kill", id)).stdout).toStartWith("stopped: confirmed");
    expect(isAlive(child)).toBe(false);
    expect(await show(id)).toMatchObject({ state: "killed", signal: "KILL" });
    expect((await job("kill", id)).stdout).toStartWith("it had ended before");
  });

  test("is lost when its processes went without a status, or its machine was restarted", async () => {
    const vanished = await start("sleep 100");
    const { pid } = await show(vanished);
    process.kill(-(pid ?? 0), "SIGKILL");
    await waitFor(async () => (await show(vanished)).state === "lost", { what: "the job to be lost" });
    expect((await job("wait", vanished)).status).toBe(255);

    const rebooted = await start("sleep 100");
    const file = join(folder, rebooted, "pid");
    const said = readFileSync(file, "utf8");
    writeFileSync(file, said.replace(/[0-9a-f-]{36}/, "00000000-0000-0000-0000-000000000000"));
    expect(await show(rebooted)).toMatchObject({ state: "lost", reason: expect.stringContaining("restarted") });
    expect((await job("kill", rebooted)).stdout).not.toContain("stopped: confirmed");
    expect(isAlive(Number(said.split(" ")[0]))).toBe(true);
    writeFileSync(file, said);
    expect((await job("kill", rebooted)).stdout).toStartWith("stopped: confirmed");
  });

  test("is no other process that got its number", async () => {
    const id = await start("sleep 100");
    const file = join(folder, id, "pid");
    const said = readFileSync(file, "utf8");
    const [pid = ""] = said.split(" ");
    writeFileSync(file, said.replace(/^(\d+ \d+) \d+/, "$1 12345"));
    expect((await show(id)).state).toBe("lost");
    await job("kill", id);
    expect(isAlive(Number(pid))).toBe(true);
    writeFileSync(file, said);
    await job("kill", id);
    expect(isAlive(Number(pid))).toBe(false);
  });

  test("is followed to its end, bytes as they are", async () => {
    const id = await start("printf 'a\\000\\377'; sleep 1; head -c 3000000 /dev/zero | tr '\\000' x; printf end");
    const { status, stdout } = await job("logs", id, "--follow", "--raw");
    expect(status).toBe(0);
    expect(stdout).toHaveLength(3 + 3_000_000 + 3);
    expect(stdout).toEndWith("xend");
  });
});

test("what others have written into a folder is data", async () => {
  const id = await start("true");
  await job("wait", id);
  for (const text of [
    "",
    "exit",
    "exit x y .",
    `exit ${"9".repeat(400)} 9999999999 .`,
    "exit 0 99999999999999999999 .",
    "\0\x1b[31m$(id)`id` .",
  ]) {
    writeFileSync(join(folder, id, "status"), text);
    expect(["lost", "finished"]).toContain((await show(id)).state);
  }
  rmSync(join(folder, id, "status"));
  symlinkSync("/dev/zero", join(folder, id, "status"));
  expect((await show(id)).state).toBe("lost");
  rmSync(join(folder, id, "status"));
  writeFileSync(join(folder, id, "status"), "exit 0 1 .\n");
  const planted = join(folder, id, "pid");
  writeFileSync(planted, "1 1 1 $(touch /tmp/no) x .\n");
  expect((await job("kill", id)).stdout).toStartWith("it had ended before");
  expect(existsSync("/tmp/no")).toBe(false);
  expect((await place.run(["job", "ls", place.at])).status).toBe(0);
});

describe("exec that goes on in the background", () => {
  const background = (...words: string[]) => place.run(["exec", "--on-timeout", "background", place.at, ...words]);

  test("is an exec when it ends in time, and leaves nothing", async () => {
    const { status, stdout, stderr } = await place.run(
      ["exec", "--on-timeout", "background", "--timeout", "20", place.at, "--", "cat; echo err >&2; exit 5"],
      { stdin: "input\0x" },
    );
    expect({ status, stdout, stderr }).toEqual({ status: 5, stdout: "input\0x", stderr: "err\n" });
    const { jobs } = await place.document(["job", "ls", place.at, "--json"]);
    expect((jobs as { command: string }[]).filter(({ command }) => command.startsWith("cat;"))).toEqual([]);
  });

  test("goes on as a job when its time is over", async () => {
    const { status, stdout, stderr } = await background("--timeout", "1", "--", "x");
    expect(status).toBe(127);
    expect({ stdout, stderr: stderr.includes("[USAGE]") }).toEqual({ stdout: "", stderr: false });
    const ended = await place.run([
      "exec",
      "--on-timeout",
      "background",
      "--timeout",
      "1",
      place.at,
      "--",
      "echo on; sleep 3; exit 9",
    ]);
    expect(ended).toMatchObject({ status: 124, stdout: "on\n" });
    const id = /job ([a-z0-9]{10})/.exec(ended.stderr)?.[1] ?? "";
    expect((await job("wait", id)).status).toBe(9);
  });
});

test("bad input is refused before anything is sent", async () => {
  for (const words of [
    ["job", "show", place.at, "../x"],
    ["job", "start", place.at, "--env", "1A=x", "--", "true"],
    ["job", "start", place.at],
    ["exec", "--on-timeout", "background", "--pty", place.at, "--", "true"],
  ]) {
    expect((await place.run(words)).status).toBe(2);
  }
  const gone = await place.run(["job", "start", place.at, "--cwd", "/no/such", "--", "true"]);
  expect(gone).toMatchObject({ status: 1, stderr: expect.stringContaining("[NOT_FOUND]") });
});
