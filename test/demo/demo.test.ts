/** `ssh-mcp demo`, as a person runs it: everything it shows is real, and nothing of it is left. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildOnce, run, start } from "../support/binary.ts";
import { cleanup, onCleanup } from "../support/cleanup.ts";
import { runCommand } from "../support/command.ts";
import { withEnvironment } from "../support/processes.ts";
import type { ProgramOptions } from "../support/program.ts";
import { makeSmallDisk } from "../support/small-disk.ts";
import { tempDir } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

/** A demo in a folder for temporary files of its own. */
const setting = (folder = tempDir("tmp")) => {
  const options: ProgramOptions = { env: { TMPDIR: folder }, timeout: 40_000 };
  return {
    folder,
    options,
    /** Everything that was started for it has this folder in its environment. */
    processes: () => withEnvironment((variable) => variable.includes(folder)),
  };
};

/** What nobody can foresee: numbers, times, paths, and how wide columns become by them. */
const normal = (text: string, folder: string): string =>
  text
    .replaceAll(folder, "TMP")
    .replace(/ssh-mcp-\w{6}/g, "HOME")
    .replace(/port \d+/g, "port PORT")
    .replace(/SHA256:\S+/g, "FINGERPRINT")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/opened demo: \S+@/, "opened demo: USER@")
    .replace(/\bo[0-9a-f]{10}\b/g, "OUTPUT")
    .replace(/\b\d+(\.\d+)? ?(ms|s|m)\b/g, "DURATION")
    .replace(/kill -9 \d+/, "kill -9 PID")
    .replace(/ {2,}(?=\S)(?<=\S {2,})/g, "  ");

test("shows the main job, step by step, and leaves nothing", async () => {
  const { folder, options, processes } = setting();
  const { status, stdout, stderr } = await run(["demo"], options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(normal(stdout, folder)).toBe(`For the moment, an SSH server listens on 127.0.0.1, port PORT.
In a home of the demo's own, TMP/HOME, the ssh configuration
calls it \`demo\`, and its host key is known, as it is after a person has
accepted it once. What follows a $ is really run.

Log in once. A password or a code would be asked for here, and nowhere else.
$ ssh-mcp connect demo
opened demo: USER@127.0.0.1 port PORT, live
destination demo, authenticated by publickey, host key FINGERPRINT
created TIME, disconnects TIME unless used

Run a command: its output, its errors and its status are yours.
$ ssh-mcp exec demo 'echo to stdout; echo to stderr >&2; exit 3'
to stdout
to stderr
  (exit status 3)

The session is there for every program of yours.
$ ssh-mcp ls
NAME  DESTINATION  STATE  AGE  IDLE  LEFT  LENT  OPENED BY  TITLE
demo  demo  live  DURATION  DURATION  DURATION  yes  cli

An AI agent uses the same session, through MCP. It never sees a secret.
$ ssh-mcp serve
--> ssh_exec {"target":"demo","command":"echo hello from the agent"}
<-- exit status 0 on demo, DURATION, output OUTPUT
    stdout (21 bytes):
    hello from the agent

    stderr: empty
  (the server has seen 1 login, and 2 commands on it)

The process that keeps the sessions may die: what needs no person comes back by itself.
$ kill -9 PID
$ ssh-mcp exec demo 'echo back again'
back again
  (the server has seen a second login, with the key of the first)

Close it.
$ ssh-mcp close demo
closed demo

All of it took DURATION, and nothing of it is left. Now with a host of yours:

$ ssh-mcp connect HOST
`);
  expect(readdirSync(folder)).toEqual([]);
  expect(processes()).toEqual([]);
});

test("reaches nothing of the user's: not the home, not the agent, not the broker", async () => {
  const { folder, options, processes } = setting();
  const home = tempDir("home");
  let asked = 0;
  const socket = join(home, "agent");
  const agent = Bun.listen({ unix: socket, socket: { open: () => void asked++, data: () => undefined } });
  onCleanup(() => agent.stop(true));
  // A configuration that would fail every command, and a folder that must not be made.
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  writeFileSync(join(home, ".ssh/config"), "Nonsense yes\n", { mode: 0o600 });
  const env = { ...options.env, SSH_AUTH_SOCK: socket, SSH_MCP_DIR: join(home, "never-made") };
  expect(await run(["demo"], { ...options, home, env, cwd: "/" })).toMatchObject({ status: 0, stderr: "" });
  expect(asked).toBe(0);
  expect(readdirSync(home).sort()).toEqual([".ssh", "agent"]);
  expect(readdirSync(join(home, ".ssh"))).toEqual(["config"]);
  expect(readdirSync(folder)).toEqual([]);
  expect(processes()).toEqual([]);
});

test("runs without HOME, and with nothing else in its environment", async () => {
  const { folder } = setting();
  const argv = ["env", "-i", "PATH=/usr/bin:/bin", `TMPDIR=${folder}`, buildOnce(), "demo"];
  expect(await runCommand(argv, { timeout: 40_000 })).toMatchObject({ status: 0, stderr: "" });
  expect(readdirSync(folder)).toEqual([]);
});

test("a folder for temporary files whose path is too long for a socket is not used", async () => {
  const { folder, options } = setting(join(tempDir("tmp"), "long".repeat(20)));
  mkdirSync(folder);
  const { status, stdout } = await run(["demo"], options);
  expect(status).toBe(0);
  const home = /home of the demo's own, (\S+), the/.exec(stdout)?.[1] ?? "";
  expect(home).toStartWith("/tmp/ssh-mcp-");
  expect(existsSync(home)).toBe(false);
});

test.each([
  ["SIGINT", "$ ssh-mcp connect", 130],
  ["SIGTERM", "$ ssh-mcp serve", 143],
  ["SIGINT", "--> ssh_exec", 130],
  ["SIGHUP", "$ kill -9", 129],
] as const)("%s after %p ends it in order, with all it has started", async (name, moment, status) => {
  const { folder, options, processes } = setting();
  const program = start(["demo"], options);
  await program.waitForStdout(moment);
  // As Ctrl-C does, and twice, as people do.
  program.signal(name, "group");
  program.signal(name, "group");
  const outcome = await program.exit(40_000);
  expect({ status: outcome.status, stderr: outcome.stderr }).toEqual({ status, stderr: "" });
  expect(outcome.stdout).not.toContain("All of it");
  expect(readdirSync(folder)).toEqual([]);
  expect(processes()).toEqual([]);
});

test("ends when nobody reads it", async () => {
  const { folder, processes } = setting();
  const { stdout } = await runCommand(["/bin/sh", "-c", '"$0" demo | head -1', buildOnce()], {
    env: { TMPDIR: folder },
    timeout: 40_000,
  });
  expect(stdout).toStartWith("For the moment");
  await waitFor(() => processes().length === 0 && readdirSync(folder).length === 0, { what: "the end of it" });
});

describe("what keeps it from being shown is said, with status 1 and nothing left", () => {
  const failing = async (argv: readonly string[], folder: string) => {
    const outcome = await runCommand(argv, { env: { TMPDIR: folder }, timeout: 40_000 });
    expect(outcome).toMatchObject({ status: 1, stdout: "" });
    return outcome.stderr;
  };

  test("no folder for temporary files", async () => {
    const stderr = await failing([buildOnce(), "demo"], "/proc/nowhere");
    expect(stderr).toMatch(
      /^ssh-mcp: .*"\/proc\/nowhere" \(ENOENT\) \[LOCAL_IO\]\n {2}try: TMPDIR=\/var\/tmp ssh-mcp demo\n$/,
    );
  });

  test("a full disk", async () => {
    const disk = await makeSmallDisk(8192);
    expect(await failing([buildOnce(), "demo"], disk.path)).toMatch(/\(ENOSPC\) \[LOCAL_IO\]/);
    expect(readdirSync(disk.path)).toEqual([]);
  });

  test("no loopback", async () => {
    const { folder } = setting();
    const stderr = await failing(["unshare", "--net", buildOnce(), "demo"], folder);
    expect(stderr).toMatch(/no server can be reached at 127\.0\.0\.1 here \(E\w+\).* \[SANDBOX_BLOCKED\]/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("no shell", async () => {
    const { folder } = setting();
    const hidden = `mount --bind /dev/null ${realpathSync("/bin/sh")} && exec ${buildOnce()} demo`;
    const stderr = await failing(["unshare", "--mount", "bash", "-c", hidden], folder);
    expect(stderr).toContain("there is no /bin/sh to run commands with (EACCES) [UNSUPPORTED]");
    expect(readdirSync(folder)).toEqual([]);
  });
});

test("takes no words", async () => {
  expect(await run(["demo", "db1"])).toMatchObject({ status: 2, stdout: "" });
});
