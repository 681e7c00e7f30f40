/** The demo's server, as OpenSSH's own client sees it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DemoServer, startServer } from "../../src/demo/server.ts";
import { cleanup, onCleanup } from "../support/cleanup.ts";
import { type CommandOutcome, cleanEnv, runCommand } from "../support/command.ts";
import { type KeyPair, makeKey } from "../support/keys.ts";
import { isAlive } from "../support/processes.ts";
import { startProgram } from "../support/program.ts";
import { tempDir } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

afterAll(cleanup);

let key: KeyPair;
let server: DemoServer;
let home: string;
beforeAll(async () => {
  key = await makeKey();
  home = tempDir("home");
  const env = { PATH: cleanEnv.PATH, WHO: "the demo" };
  server = await startServer({ user: "tester", authorizedKey: key.line, env, cwd: home });
  onCleanup(() => server.stop());
  writeFileSync(join(home, "known_hosts"), `[127.0.0.1]:${server.port} ${server.hostKey}\n`);
});

const sshWords = (options: readonly string[], command: string, identity = key.path): string[] => [
  ...[
    "ssh",
    "-F",
    "none",
    "-p",
    String(server.port),
    "-i",
    identity,
    "-o",
    "IdentitiesOnly=yes",
    "-o",
    "BatchMode=yes",
  ],
  ...[
    "-o",
    `UserKnownHostsFile=${home}/known_hosts`,
    "-o",
    "GlobalKnownHostsFile=/dev/null",
    "-o",
    "StrictHostKeyChecking=yes",
  ],
  ...[...options, "127.0.0.1", command],
];

const ssh = (options: readonly string[], command: string, stdin = ""): Promise<CommandOutcome> =>
  runCommand(sshWords(["-l", "tester", ...options], command), { stdin });

test("runs a command in its folder and environment, with both streams and the status", async () => {
  const before = { ...server.seen };
  const outcome = await ssh([], 'pwd; echo "$WHO"; cat; echo to stderr >&2; exit 7', "to stdin\n");
  expect(outcome).toMatchObject({ status: 7, stdout: `${home}\nthe demo\nto stdin\n`, stderr: "to stderr\n" });
  expect(server.seen).toEqual({ logins: before.logins + 1, commands: before.commands + 1 });
});

test("passes a megabyte each way", async () => {
  const outcome = await ssh([], "cat", "0123456789abcdef".repeat(65_536));
  expect(outcome.stdout).toBe("0123456789abcdef".repeat(65_536));
});

test("says by which signal a command ended", async () => {
  // 255 is what ssh(1) makes of an exit-signal.
  expect(await ssh([], "kill -TERM $$")).toMatchObject({ status: 255 });
  expect(await ssh([], "true")).toMatchObject({ status: 0 });
});

test("lets nobody in but the one user with the one key", async () => {
  const before = { ...server.seen };
  const other = await makeKey();
  const stranger = await runCommand(sshWords(["-l", "tester"], "true", other.path));
  const otherUser = await runCommand(sshWords(["-l", "root"], "true"));
  for (const outcome of [stranger, otherUser]) {
    expect(outcome.status).toBe(255);
    expect(outcome.stderr).toContain("Permission denied (publickey)");
  }
  expect(server.seen).toEqual(before);
});

test("listens on loopback alone, and offers neither a terminal, forwarding nor SFTP", async () => {
  expect((await ssh(["-tt"], "true")).stderr).toContain("PTY allocation request failed");
  const forwarded = await ssh(["-W", "127.0.0.1:1"], "");
  expect(forwarded.stderr).toMatch(/open failed|forwarding failed/);
  expect((await ssh(["-s"], "sftp")).stderr).toContain("subsystem request failed");
  const remote = await ssh(["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1"], "true");
  expect(remote.status).toBe(255);
  // /proc/net/tcp: 0100007F is 127.0.0.1, 0A listens.
  const sockets = await Bun.file("/proc/net/tcp").text();
  const port = server.port.toString(16).toUpperCase().padStart(4, "0");
  expect(sockets).toContain(`0100007F:${port} 00000000:0000 0A`);
});

test("a command whose client is gone is ended, with all it started", async () => {
  const pids = join(home, "pids");
  const client = startProgram(
    sshWords(["-l", "tester"], `sleep 300 & echo $$ $! >${pids}.new; mv ${pids}.new ${pids}; wait`),
  );
  await waitFor(() => existsSync(pids), { what: "the command to run" });
  const running = (await Bun.file(pids).text()).trim().split(" ").map(Number);
  expect(running.filter(isAlive)).toEqual(running);
  await client.stop();
  await waitFor(() => !running.some(isAlive), { what: "the command and its child to end" });
});
