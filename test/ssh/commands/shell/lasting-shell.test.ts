import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { plainSetup } from "../../../../src/ssh/commands/command-setup.ts";
import type { LastingShell } from "../../../../src/ssh/commands/shell/lasting-shell.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { startDropbear } from "../../../support/dropbear.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { makeUser } from "../../../support/users.ts";
import { open } from "../../open.ts";
import { runIn } from "./run-in.ts";

afterAll(cleanup);

let key: KeyPair;
let sshd: Sshd;
beforeAll(async () => {
  key = await makeKey();
  sshd = await startSshd({ authorizedKeys: [key.line] });
});

const never = new AbortController().signal;
const openAs = async (user: string): Promise<LastingShell> =>
  (await open({ port: sshd.port, user, keys: [key.path] })).openShell(plainSetup, null, never);
const openShell = () => openAs(sshd.user);

describe("a lasting shell", () => {
  test("keeps what a command set", async () => {
    const shell = await openShell();
    await runIn(shell, "cd /tmp; export A=1 B='two words'; say() { echo \"said $1\"; }; set -- x y; C=3");
    expect(await runIn(shell, 'pwd; echo "$A $B $C $2"; say hi')).toMatchObject({
      stdout: "/tmp\n1 two words 3 y\nsaid hi\n",
      stderr: "",
      outcome: "exited",
      exitCode: 0,
    });
  });

  test("gives each command its own streams, status and byte counts", async () => {
    const shell = await openShell();
    expect(await runIn(shell, "printf out; printf error >&2; (exit 77)")).toMatchObject({
      ...{ stdout: "out", stderr: "error", exitCode: 77, stdoutBytes: 3, stderrBytes: 5, stopped: null, reason: null },
    });
    expect(await runIn(shell, ":")).toMatchObject({ stdout: "", stderr: "", exitCode: 0, stdoutBytes: 0 });
  });

  test("gives 50 MB on both streams to the byte", async () => {
    const shell = await openShell();
    const ran = await runIn(shell, "head -c 50000000 /dev/zero & head -c 30000000 /dev/zero >&2; wait; printf end", {
      encoding: "latin1",
    });
    expect(ran).toMatchObject({ stdoutBytes: 50_000_003, stderrBytes: 30_000_000, exitCode: 0 });
    expect(ran.stdout.endsWith("\0end")).toBe(true);
  });

  test("gives every byte there is, and what looks like a mark", async () => {
    const shell = await openShell();
    const command =
      "i=0; while [ $i -lt 256 ]; do printf \"\\\\$(printf %o $i)\"; i=$((i+1)); done; printf '\\036ssh-mcp-\\036ssh-mcp-'";
    const ran = await runIn(shell, command, { encoding: "latin1" });
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
    expect(ran.stdout).toBe(`${all}\x1essh-mcp-\x1essh-mcp-`);
  });

  test("takes a command of half a megabyte", async () => {
    const shell = await openShell();
    const word = "x".repeat(500_000);
    expect(await runIn(shell, `w=${word}; echo \${#w}`)).toMatchObject({ stdout: "500000\n" });
  });

  test("ends with a command that runs out of time, and with all that it started", async () => {
    const shell = await openShell();
    const ran = await runIn(shell, "echo begun; sleep 1000 & sleep 1000; echo never", { timeoutMs: 300 });
    expect(ran).toMatchObject({ outcome: "timedOut", stopped: "confirmed", stdout: "begun\n", exitCode: null });
    expect(shell.isOpen).toBe(false);
  });

  test("stops a command that says nothing for too long, and no other", async () => {
    const shell = await openShell();
    const talking = "for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done";
    expect(await runIn(shell, talking, { idleTimeoutMs: 2000 })).toMatchObject({ outcome: "exited" });
    expect(await runIn(shell, "echo a; sleep 1000", { idleTimeoutMs: 300 })).toMatchObject({
      ...{ outcome: "timedOut", stopped: "confirmed", stdout: "a\n" },
    });
  });

  test("ends with a command that is canceled", async () => {
    const shell = await openShell();
    const cancel = new AbortController();
    const onStdout = () => cancel.abort();
    const ran = await runIn(shell, "echo begun; sleep 1000", { signal: cancel.signal, onStdout });
    expect(ran).toMatchObject({ outcome: "canceled", stopped: "confirmed", stdout: "begun\n" });
  });

  test.each([
    ["echo a; exit 3", { outcome: "exited", exitCode: 3, stdout: "a\n" }],
    ["echo a; exec printf b", { outcome: "exited", exitCode: 0, stdout: "a\nb" }],
    ["echo a; kill -9 $$", { outcome: "signaled", signal: "KILL", stdout: "a\n" }],
    ["set -e; echo a; false; echo b", { outcome: "exited", exitCode: 1, stdout: "a\n" }],
    ["trap 'echo bye' EXIT; exit 4", { outcome: "exited", exitCode: 4, stdout: "bye\n" }],
    ["sleep 30 & echo a; exit 5", { outcome: "exited", exitCode: 5, stdout: "a\n" }],
  ])("says how %p ended it", async (command, expected) => {
    const shell = await openShell();
    expect(await runIn(shell, command)).toMatchObject(expected);
    expect(shell.isOpen).toBe(false);
  });

  test("gives none of a background child's output to whoever ends before it", async () => {
    const shell = await openShell();
    await runIn(shell, "{ sleep 0.2; echo late; } &");
    await runIn(shell, "true");
    expect(await runIn(shell, "wait; echo own")).toMatchObject({ exitCode: 0 });
    expect(await runIn(shell, "echo next")).toMatchObject({ stdout: "next\n" });
  });

  test("is not drowned by what a background child pours out between two commands", async () => {
    const shell = await openShell();
    await runIn(shell, "yes & :");
    const ran = await runIn(shell, "kill $!; wait; echo own");
    expect(ran.stdout.replace(/^[y\n]*/, "")).toBe("own\n");
    expect(await runIn(shell, "echo next")).toMatchObject({ stdout: "next\n" });
  });

  test("stands still for a reader that does, and lets another shell go on", async () => {
    const connection = await open({ port: sshd.port, user: sshd.user, keys: [key.path] });
    const [slow, other] = await Promise.all([
      connection.openShell(plainSetup, null, never),
      connection.openShell(plainSetup, null, never),
    ]);
    const gate = Promise.withResolvers<void>();
    let bytes = 0;
    const stdout = {
      write: async (chunk: Uint8Array) => {
        await gate.promise;
        bytes += chunk.length;
      },
    };
    const stdin = (async function* () {})();
    const request = { command: "head -c 20000000 /dev/zero", stdin, stdout, stderr: stdout, timeoutMs: null };
    const pouring = slow.run(request, null, never);
    expect(await runIn(other, "seq 100000 | tail -n 1")).toMatchObject({ stdout: "100000\n" });
    gate.resolve();
    expect(await pouring).toMatchObject({ outcome: "exited", stdoutBytes: 20_000_000 });
    expect(bytes).toBe(20_000_000);
  });

  test("loses a command's outcome with its link, and says so", async () => {
    const connection = await open({ port: sshd.port, user: sshd.user, keys: [key.path] });
    const shell = await connection.openShell(plainSetup, null, never);
    const ran = await runIn(shell, "echo begun; sleep 1000", { onStdout: () => void connection.close() });
    expect(ran).toMatchObject({ outcome: "unknown", exitCode: null, stdout: "begun\n" });
    expect(shell.isOpen).toBe(false);
    expect(runIn(shell, "true")).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  });

  test("works on dropbear, stop and all", async () => {
    const dropbear = await startDropbear({ authorizedKeys: [key.line] });
    const connection = await open({ port: dropbear.port, user: dropbear.user, keys: [key.path] });
    const shell = await connection.openShell(plainSetup, null, never);
    await runIn(shell, "cd /tmp; A=1");
    expect(await runIn(shell, "pwd; echo $A; cat")).toMatchObject({ stdout: "/tmp\n1\n", exitCode: 0 });
    const ran = await runIn(shell, "echo a; sleep 1000", { timeoutMs: 300 });
    expect(ran).toMatchObject({ outcome: "timedOut", stdout: "a\n", stopped: "confirmed" });
  });

  const others = [
    ["/bin/dash", true],
    ["/usr/bin/zsh", true],
    ["/bin/mksh", true],
    ["/usr/bin/fish", false],
    ["/usr/bin/tcsh", false],
  ] as const;
  test.each(others.filter(([path]) => existsSync(path)))(
    "is %s where that is a POSIX shell, else /bin/sh",
    async (path, isLogin) => {
      const user = await makeUser({ shell: path });
      const own = await startSshd({ authorizedKeys: [key.line] });
      const connection = await open({ port: own.port, user: user.name, keys: [key.path] });
      const shell = await connection.openShell(plainSetup, null, never);
      expect(shell.facts).toMatchObject({ isLogin, path: isLogin ? path : "/bin/sh" });
      await runIn(shell, "cd /tmp; f() { echo f; }");
      expect(await runIn(shell, "pwd; f; cat; (exit 9)")).toMatchObject({
        stdout: "/tmp\nf\n",
        stderr: "",
        exitCode: 9,
      });
    },
  );
});
