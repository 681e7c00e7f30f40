/** How a command in a lasting shell is said to have ended: success is the shell's own word for a command that began, with all of its output. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plainSetup } from "../../../../../src/ssh/commands/command-setup.ts";
import type { LastingShell } from "../../../../../src/ssh/commands/shell/lasting-shell.ts";
import { cleanup } from "../../../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../../../support/keys.ts";
import { startProxy } from "../../../../support/proxy.ts";
import { type Sshd, startSshd } from "../../../../support/sshd.ts";
import { makeUser, type TemporaryUser } from "../../../../support/users.ts";
import { waitFor } from "../../../../support/wait.ts";
import { open } from "../../../open.ts";
import { runIn } from "../run-in.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let key: KeyPair;
let sshd: Sshd;
let user: TemporaryUser;
beforeAll(async () => {
  key = await makeKey();
  sshd = await startSshd({ authorizedKeys: [key.line] });
  user = await makeUser({ shell: "/bin/bash" });
});

const never = new AbortController().signal;
const openShell = async (port = sshd.port): Promise<LastingShell> =>
  (await open({ port, user: user.name, keys: [key.path] })).openShell(plainSetup, null, never);

let proofs = 0;
/** A file that a command makes if it is run. */
const proofOf = (): string => join(user.home, `proof-${++proofs}`);

/** A caller who reads nothing for so long. */
const readsAfter = (ms: number) => {
  const wait = Bun.sleep(ms);
  const read = { bytes: 0 };
  const write = async (chunk: Uint8Array): Promise<void> => {
    await wait;
    read.bytes += chunk.length;
  };
  return { read, stdout: { write }, stderr: { write }, stdin: (async function* () {})() };
};

describe("a command whose shell ended before it came there", () => {
  const race = async (left: string) => {
    const proxy = await startProxy({ host: "127.0.0.1", port: sshd.port });
    const shell = await openShell(proxy.port);
    // Its end is on the way here when the next command leaves.
    proxy.setDelay({ toServer: 0, toClient: 1200 });
    await runIn(shell, `trap 'exit 0' TERM; (sleep 0.4; kill $$; ${left}) & :`);
    const proof = proofOf();
    expect(shell.isOpen).toBe(true);
    const ran = await runIn(shell, `touch ${proof}`).catch((error: unknown) => error);
    expect(existsSync(proof)).toBe(false);
    return ran;
  };

  test("was not run, where the shell's output is known to be complete", async () => {
    expect(await race(":")).toMatchObject({ code: "SHELL_EXITED", message: expect.stringContaining("was not run") });
  });

  test("has an unknown outcome where others hold the output open", async () => {
    expect(await race("sleep 30")).toMatchObject({ outcome: "unknown", exitCode: null });
  });

  test("was run where it is said to be, when its shell lost the descriptors it works with", async () => {
    const shell = await openShell();
    await runIn(shell, "exec 10>&- 11>&- 12>&- 13>&- 14>&-", { timeoutMs: 5000 });
    const proof = proofOf();
    const ran = shell.isOpen ? await runIn(shell, `touch ${proof}`, { timeoutMs: 5000 }).catch(() => null) : null;
    expect(existsSync(proof)).toBe(ran?.outcome === "exited");
  });
});

describe("all output of a command that is over comes", () => {
  test("though its time ends while the caller reads", async () => {
    const shell = await openShell();
    const { read, ...sinks } = readsAfter(2500);
    const ran = await shell.run({ command: "head -c 1500000 /dev/zero", ...sinks, timeoutMs: 2000 }, null, never);
    expect(ran).toMatchObject({ outcome: "exited", exitCode: 0, stdoutBytes: 1_500_000 });
    expect(read.bytes).toBe(1_500_000);
    expect(shell.isOpen).toBe(true);
  });

  test("though it ended its shell, and time ends while the caller reads", async () => {
    const shell = await openShell();
    const { read, ...sinks } = readsAfter(2500);
    const command = "head -c 1500000 /dev/zero; exit 0";
    const ran = await shell.run({ command, ...sinks, timeoutMs: 2000 }, null, never);
    expect(ran).toMatchObject({ outcome: "exited", exitCode: 0, stdoutBytes: 1_500_000, reason: null });
    expect(read.bytes).toBe(1_500_000);
  });

  test("though it ended its shell, and the caller keeps the server from sending", async () => {
    const shell = await openShell();
    const { read, ...sinks } = readsAfter(1500);
    const command = "head -c 5000000 /dev/zero; exit 0";
    const ran = await shell.run({ command, ...sinks, timeoutMs: null }, null, never);
    expect(ran).toMatchObject({ outcome: "exited", exitCode: 0, stdoutBytes: 5_000_000 });
    expect(read.bytes).toBe(5_000_000);
  });

  test("or it counts as canceled, when somebody cancels it while its caller stands still", async () => {
    const shell = await openShell();
    const standsStill = readsAfter(60_000);
    const abort = new AbortController();
    const begun = Promise.withResolvers<void>();
    const stdout = {
      write: (chunk: Uint8Array): Promise<void> => {
        begun.resolve();
        return standsStill.stdout.write(chunk);
      },
    };
    const { stderr, stdin } = standsStill;
    const request = { command: "head -c 300000 /dev/zero", stdout, stderr, stdin, timeoutMs: null };
    const running = shell.run(request, null, abort.signal);
    await begun.promise;
    abort.abort();
    const { outcome, exitCode } = await running;
    expect({ outcome, exitCode }).toEqual({ outcome: "canceled", exitCode: null });
  });

  test("though it ended its shell, and the way is long", async () => {
    const proxy = await startProxy({ host: "127.0.0.1", port: sshd.port });
    const shell = await openShell(proxy.port);
    proxy.setDelay(300);
    const ran = await runIn(shell, "head -c 2150000 /dev/zero; exit 0", { encoding: "latin1" });
    expect(ran).toMatchObject({ outcome: "exited", exitCode: 0, stdoutBytes: 2_150_000 });
  });

  test("or it is said that others held the output open", async () => {
    const shell = await openShell();
    const ran = await runIn(shell, "sleep 30 & echo a; exit 5");
    expect(ran).toMatchObject({ exitCode: 5, stdout: "a\n", reason: expect.stringContaining("in the background") });
  });

  test("or its time ends it, where what it left keeps talking", async () => {
    const shell = await openShell();
    const ran = await runIn(shell, "while echo y; do sleep 0.05; done & exit 0", { timeoutMs: 1500 });
    expect(ran).toMatchObject({ outcome: "timedOut", stopped: "confirmed", exitCode: null });
  });
});

describe("the limit for silence", () => {
  test("does not count while the caller is behind", async () => {
    const shell = await openShell();
    const { read, ...sinks } = readsAfter(1000);
    const command = "head -c 5000000 /dev/zero";
    const ran = await shell.run({ command, ...sinks, timeoutMs: null, idleTimeoutMs: 300 }, null, never);
    expect(ran).toMatchObject({ outcome: "exited", stdoutBytes: 5_000_000 });
    expect(read.bytes).toBe(5_000_000);
  });

  test("is given as the reason", async () => {
    const ran = await runIn(await openShell(), "sleep 1000", { idleTimeoutMs: 300 });
    expect(ran).toMatchObject({ outcome: "timedOut", reason: expect.stringContaining("no byte of output") });
  });
});

describe("a shell that cannot speak any more", () => {
  test.each(["command() { :; }", "enable -n command", "ulimit -n 3"])(
    "ends with %p, whose outcome is unknown",
    async (command) => {
      const shell = await openShell();
      const ran = await runIn(shell, command, { timeoutMs: 10_000 });
      expect(ran).toMatchObject({ outcome: "unknown", reason: expect.stringContaining("cannot say") });
      expect(shell.isOpen).toBe(false);
    },
  );

  test("ends with the command that it does not begin", async () => {
    const shell = await openShell();
    const pid = (await runIn(shell, "(sleep 0.3; kill -STOP $$) & echo $$")).stdout.trim();
    await waitFor(() => readFileSync(`/proc/${pid}/stat`, "utf8").includes(") T "), {
      what: "a shell that stands still",
    });
    const proof = proofOf();
    const sinks = readsAfter(0);
    const ran = await shell.run({ command: `touch ${proof}`, ...sinks, timeoutMs: 10_000 }, null, never, 500);
    expect(ran).toMatchObject({
      outcome: "unknown",
      reason: expect.stringContaining("did not begin"),
      stopped: "confirmed",
    });
    expect(existsSync(proof)).toBe(false);
    expect(shell.isOpen).toBe(false);
  });
});

describe("a shell and its start files", () => {
  const openWith = async (bashrc: string, limitMs: number | null = null): Promise<LastingShell> => {
    const own = await makeUser({ shell: "/bin/bash" });
    writeFileSync(join(own.home, ".bashrc"), bashrc);
    const connection = await open({ port: sshd.port, user: own.name, keys: [key.path] });
    return await connection.openShell(plainSetup, limitMs, never);
  };
  const failed = (opening: Promise<unknown>): Promise<unknown> => opening.catch((error: unknown) => error);

  test("is not one where they read what is said to it", async () => {
    expect(await failed(openWith("read x; echo got $x\n", 3000))).toMatchObject({
      code: expect.stringMatching(/^(UNSUPPORTED|TIMEOUT)$/),
    });
  });

  test("is not one where they join its streams", async () => {
    expect(await failed(openWith("exec 2>&1\n"))).toMatchObject({
      ...{ code: "UNSUPPORTED", message: expect.stringContaining("join stdout and stderr") },
    });
  });

  test("is waited for as long as the command may take", async () => {
    expect(await failed(openWith("sleep 1000\n", 1000))).toMatchObject({
      ...{ code: "TIMEOUT", retryable: true, message: expect.stringContaining("not sent") },
    });
  });

  test("goes on in bash, whatever is done to the descriptor of its commands", async () => {
    const shell = await openShell();
    for (const command of ["exec 3<&0; echo alive", "{ cat <&3; echo alive; } 3<&0", "exec 6<&0-; echo alive"]) {
      expect(await runIn(shell, command, { timeoutMs: 10_000 })).toMatchObject({ stdout: "alive\n", exitCode: 0 });
    }
    expect(await runIn(shell, "X=1; exit 7")).toMatchObject({ outcome: "exited", exitCode: 7 });
  });

  test("is zsh with quotes that stand for themselves", async () => {
    const own = await makeUser({ shell: "/usr/bin/zsh" });
    const connection = await open({ port: sshd.port, user: own.name, keys: [key.path] });
    const shell = await connection.openShell(plainSetup, null, never);
    await runIn(shell, "setopt rcquotes", { timeoutMs: 10_000 });
    expect(await runIn(shell, "echo it's 2>/dev/null; echo 'a'\"b\"", { timeoutMs: 10_000 })).toMatchObject({
      outcome: "exited",
    });
    expect(await runIn(shell, "echo 'a'\"b\"", { timeoutMs: 10_000 })).toMatchObject({ stdout: "ab\n", exitCode: 0 });
  });
});
