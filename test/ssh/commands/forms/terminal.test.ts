/** Commands that have a terminal and are not plain: what is typed, what is shown, and the modes they find. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TerminalSize } from "../../../../src/core/call-scope.ts";
import { plainSetup } from "../../../../src/ssh/commands/command-setup.ts";
import type { Connection } from "../../../../src/ssh/connection.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { startDropbear } from "../../../support/dropbear.ts";
import { makeKey } from "../../../support/keys.ts";
import { startSshd } from "../../../support/sshd.ts";
import { makeUser } from "../../../support/users.ts";
import { open, run } from "../../open.ts";

afterAll(cleanup);

const key = await makeKey();
const terminal = () => {
  let resized: (size: TerminalSize) => void = () => undefined;
  return {
    setup: {
      ...plainSetup,
      terminal: {
        ...{ type: "xterm", columns: 91, rows: 17 },
        onResize: (listen: (size: TerminalSize) => void) => {
          resized = listen;
        },
      },
    },
    resize: (size: TerminalSize) => resized(size),
  };
};

describe.each([
  ["OpenSSH", "/bin/bash"],
  ["OpenSSH", "/usr/bin/fish"],
  ["OpenSSH", "/bin/tcsh"],
  ["OpenSSH", "/bin/zsh"],
  ["Dropbear", null],
] as const)("on %s with %s", (server, shell) => {
  let connection: Connection;
  beforeAll(async () => {
    const { port, user } =
      server === "OpenSSH"
        ? await startSshd({ authorizedKeys: [key.line] })
        : await startDropbear({ authorizedKeys: [key.line] });
    const name = shell === null ? user : (await makeUser({ shell })).name;
    connection = await open({ port, user: name, keys: [key.path] });
  });

  test("nothing of its program is shown, however long, and it finds the usual modes", async () => {
    const plain = await run(connection, "stty -a", { setup: terminal().setup });
    const form = {
      pty: true,
      cwd: "/tmp",
      env: { LONG: "x".repeat(20_000), KEYS: "\u0003\u0004\u0011\u0013\u0016\u001a\u007f" },
    };
    const prepared = await run(connection, "stty -a", { setup: terminal().setup, form });
    expect(prepared).toMatchObject({ outcome: "exited", exitCode: 0, stdout: plain.stdout, stderr: "" });
    expect(prepared.stdout).toMatch(/rows 17; columns 91;[\s\S]*icanon[\s\S]*\becho\b/);
    const sums = await run(connection, `sh -c 'printf "%s" "$LONG$KEYS" | cksum; pwd'`, {
      setup: terminal().setup,
      form,
    });
    const own = await run(connection, "cksum", { stdin: [Buffer.from(form.env.LONG + form.env.KEYS)] });
    expect(sums.stdout).toBe(`${own.stdout.trim()}\r\n/tmp\r\n`);
  });

  test("what is typed before it begins is read as typed, and ends", async () => {
    const form = { pty: true, cwd: "/tmp" };
    for (const stdin of ["first\nsecond\n", "first\nsecond"]) {
      const result = await run(connection, "sh -c 'stty -echo; echo ready; cat; echo over'", {
        ...{ setup: terminal().setup, form },
        stdin: [Buffer.from(stdin)],
      });
      expect(result.stdout).toContain("first\r\nsecond");
      expect(result.stdout).toEndWith("over\r\n");
    }
    const plain = await run(connection, "cat", { setup: terminal().setup, form: { pty: true } });
    expect(plain).toMatchObject({ outcome: "exited", exitCode: 0 });
  });

  test("a long script has its terminal, and hears of another size", async () => {
    const { setup, resize } = terminal();
    const script = `${"# a comment of some length to fill the script\n".repeat(5000)}sh -c 'test -t 0 && stty size; trap "stty size; exit 3" WINCH; echo ready; while :; do sleep 0.05; done'`;
    const result = await run(connection, script, {
      ...{ setup, form: { pty: true, interpreter: "sh" as const } },
      stdin: neverEnding(),
      onStdout: (text) => {
        if (text.includes("ready")) resize({ columns: 120, rows: 40 });
      },
    });
    expect(result).toMatchObject({ exitCode: 3, stdout: "17 91\r\nready\r\n40 120\r\n" });
  });

  test("a long script of its own shell is neither shown nor cut, and reads what is typed", async () => {
    const script = `${"# a comment of some length to fill the script\n".repeat(4000)}sh -c 'stty size; stty -echo; echo ready; cat; pwd; exit 5'`;
    const result = await run(connection, script, {
      ...{ setup: terminal().setup, form: { pty: true, cwd: "/tmp" } },
      stdin: [Buffer.from("typed\n")],
    });
    expect(result).toMatchObject({ outcome: "exited", exitCode: 5 });
    // What is typed may come before the echo is switched off.
    expect(result.stdout.replace(/^typed\r\n/, "")).toMatch(/^17 91\r\n(typed\r\n)?ready\r\ntyped\r\n\/tmp\r\n$/);
  });

  test("its terminal is set up with the server's own PATH", async () => {
    const form = { pty: true, env: { PATH: "/opt/x" } };
    const result = await run(connection, "/bin/sh -c 'echo $PATH'", { setup: terminal().setup, form });
    expect(result).toMatchObject({ exitCode: 0, stdout: "/opt/x\r\n" });
  });

  test("a directory that is not there is an error, with a terminal as without", async () => {
    const running = run(connection, "true", { setup: terminal().setup, form: { pty: true, cwd: "/no/such" } });
    expect(await running.catch((error: unknown) => error)).toMatchObject({ code: "NOT_FOUND" });
  });
});

test("keys that are typed before the command begins are its own, but for Ctrl-C", async () => {
  const server = await startSshd({ authorizedKeys: [key.line] });
  const user = await makeUser({ shell: "/bin/bash" });
  const connection = await open({ port: server.port, user: user.name, keys: [key.path] });
  const plain = terminal().setup;
  const setup = { ...plain, terminal: { ...plain.terminal, isLive: true } };
  const form = { pty: true, cwd: "/tmp" };
  const stdin = ["one\n", "two\n"].map((line) => Buffer.from(line));
  const read = await run(connection, "sh -c 'stty -echo; echo ready; cat'", { setup, form, stdin });
  expect(read.stdout).toEndWith("ready\r\none\r\ntwo\r\n");
  writeFileSync(join(user.home, ".bashrc"), "sleep 1000\n");
  const stopped = await run(connection, "true", { setup, form, stdin: [...stdin, Buffer.from("\u0003")] });
  expect(stopped).toMatchObject({
    outcome: "canceled",
    reason: "Ctrl-C was typed before the command had begun",
  });
});

test("a server that gives no terminal is said to, and input for a command without one ends", async () => {
  const server = await startSshd({ authorizedKeys: [`no-pty ${key.line}`] });
  const user = await makeUser({ shell: "/bin/bash" });
  const connection = await open({ port: server.port, user: user.name, keys: [key.path] });
  const { setup } = terminal();
  const plain = await run(connection, "od -c", { setup, form: { pty: true }, stdin: [Buffer.from("ab")] });
  expect(plain).toMatchObject({ exitCode: 0, stdout: "0000000   a   b\n0000002\n" });
  const prepared = run(connection, "true", { setup, form: { pty: true, cwd: "/tmp" }, stdin: [Buffer.from("ab")] });
  expect(await prepared.catch((error: unknown) => error)).toMatchObject({
    code: "UNSUPPORTED",
    message: "the server gave no terminal: the command was not run",
  });
});

async function* neverEnding(): AsyncGenerator<Uint8Array> {
  await new Promise(() => undefined);
  yield new Uint8Array();
}
