/** sudo with a real sudoers file: who may, who must give a password, and what comes of the command. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plainSetup } from "../../../../src/ssh/commands/command-setup.ts";
import type { Connection } from "../../../../src/ssh/connection.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { allowSudo } from "../../../support/sudoers.ts";
import { tempDir } from "../../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";
import { waitFor } from "../../../support/wait.ts";
import { open, type RunOptions, run } from "../../open.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let sshd: Sshd;
let free: TemporaryUser;
let asked: TemporaryUser;
let stranger: TemporaryUser;
let limited: TemporaryUser;
let ttyOnly: TemporaryUser;
let rootsPassword: TemporaryUser;
/** Sudo lets it try once. */
let once: TemporaryUser;
/** Its shell reads a profile. */
let profiled: TemporaryUser;
let key: KeyPair;
const sudoLog = join(tempDir("sudo-log"), "log");
const connections = new Map<TemporaryUser, Connection>();

beforeAll(async () => {
  key = await makeKey();
  sshd = await startSshd({ authorizedKeys: [key.line], options: ["AcceptEnv LANG LC_*"] });
  [free, asked, stranger, limited, ttyOnly, rootsPassword, once, profiled] = [
    await makeUser(),
    await makeUser({ shell: "/usr/bin/fish", password: 'it\'s $HOME "ü" \\ !' }),
    await makeUser(),
    await makeUser(),
    await makeUser(),
    await makeUser({ shell: "/bin/sh" }),
    await makeUser(),
    await makeUser({ shell: "/bin/bash" }),
  ];
  await allowSudo([
    `${free.name} ALL=(ALL:ALL) NOPASSWD: ALL`,
    `${asked.name} ALL=(ALL:ALL) ALL`,
    `${limited.name} ALL=(root) NOPASSWD: /usr/bin/id`,
    `${ttyOnly.name} ALL=(ALL:ALL) NOPASSWD: ALL`,
    `Defaults:${ttyOnly.name} requiretty`,
    `${rootsPassword.name} ALL=(ALL:ALL) ALL`,
    `Defaults:${rootsPassword.name} targetpw`,
    `${once.name} ALL=(ALL:ALL) ALL`,
    `Defaults:${once.name} passwd_tries=1, logfile=${sudoLog}`,
    `Defaults:${asked.name} logfile=${sudoLog}`,
    `${profiled.name} ALL=(ALL:ALL) ALL`,
  ]);
  for (const user of [free, asked, stranger, limited, ttyOnly, rootsPassword, once]) {
    connections.set(user, await open({ port: sshd.port, user: user.name, keys: [key.path] }));
  }
});

interface Sudo extends RunOptions {
  as?: string;
  password?: string;
  /** Whose it is. */
  of?: string;
  hasTerminal?: boolean;
}

const sudo = (user: TemporaryUser, command: string, options: Sudo = {}) => {
  const { as = "root", password, of = user.name, hasTerminal = false, ...rest } = options;
  const terminal = { type: "xterm", columns: 80, rows: 24, onResize: () => undefined };
  const setup = {
    ...plainSetup,
    terminal: hasTerminal ? terminal : null,
    password: password === undefined ? null : { of, password },
  };
  const form = { ...rest.form, become: { by: "sudo" as const, user: as } };
  const connection = connections.get(user);
  if (connection === undefined) throw new Error("no connection");
  return run(connection, command, { ...rest, setup, form });
};
const failing = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

describe("both with and without a password", () => {
  const users = [
    ["nobody is asked", () => ({ user: free })],
    ["the password is given", () => ({ user: asked, password: asked.password })],
  ] as const;
  describe.each(users)("%s", (_, who) => {
    const run = (command: string, options: Sudo = {}) => {
      const { user, ...rest } = who() as { user: TemporaryUser; password?: string };
      return sudo(user, command, { ...rest, ...options });
    };

    test("a compound command is the other user's from its first word to its last", async () => {
      const result = await run("cd /root && id -u; id -u; pwd");
      expect(result).toMatchObject({ exitCode: 0, stdout: "0\n0\n/root\n", stderr: "" });
    });

    test("with a directory, variables and 5 MB of input", async () => {
      const dir = join(who().user.home, "a 'dir'");
      mkdirSync(dir, { recursive: true });
      chmodSync(dir, 0o700);
      const stdin = Array.from({ length: 80 }, () => new Uint8Array(65_536).fill(7));
      const form = { cwd: dir, env: { A: "one\ntwo 'x' $HOME", LD_PRELOAD: "" } };
      const result = await run("pwd; printf '[%s]' \"$A\"; wc -c; id -un", { form, stdin });
      expect(result).toMatchObject({ exitCode: 0, stderr: "" });
      expect(result.stdout).toBe(`${dir}\n[one\ntwo 'x' $HOME]${80 * 65_536}\nroot\n`);
    });

    test("as another user than root, with its home", async () => {
      const result = await run("id -un; echo $HOME; echo $# $1", { as: stranger.name, form: { cwd: "/" } });
      expect(result.stdout).toBe(`${stranger.name}\n${stranger.home}\n0\n`);
    });

    test("tells its status, its signal, and its errors apart", async () => {
      expect(await run("echo out; echo err >&2; exit 44")).toMatchObject({
        exitCode: 44,
        stdout: "out\n",
        stderr: "err\n",
      });
      const killed = await run("kill -TERM $$");
      expect([killed.signal, killed.exitCode]).toContainEqual(killed.signal === null ? 143 : "TERM");
    });

    test("in a terminal", async () => {
      const result = await run("test -t 0 && id -u; stty -a | grep -ow -- -*echo", { hasTerminal: true });
      expect(result).toMatchObject({ exitCode: 0, stdout: "0\r\necho\r\n" });
    });

    test("runs a script without a shell in between, and input is its own", async () => {
      const form = { interpreter: "sh" as const };
      const result = await run('echo "$#"; read -r line; echo "$line $(id -u)"', {
        form,
        stdin: [Buffer.from("first\nsecond\n")],
      });
      expect(result).toMatchObject({ exitCode: 0, stdout: "0\nfirst 0\n" });
    });
  });
});

test("a login that may not, with the right password", async () => {
  const error = await failing(sudo(stranger, "touch /tmp/never", { password: stranger.password }));
  expect(error).toMatchObject({
    code: "REMOTE_PERMISSION",
    message: expect.stringContaining("not in the sudoers file"),
  });
});

test("a login that may run one command is let into no shell", async () => {
  const error = await failing(sudo(limited, "id", { password: limited.password }));
  expect(error).toMatchObject({
    code: "REMOTE_PERMISSION",
    message: expect.stringContaining("the command was not run"),
  });
});

const wrongTries = (): number => readFileSync(sudoLog, "utf8").split("incorrect password attempt").length - 1;

test("a wrong password is one try, however many sudo would take", async () => {
  for (const user of [asked, once]) {
    const before = wrongTries();
    expect(await failing(sudo(user, "id", { password: "wrong" }))).toMatchObject({
      code: "AUTH_FAILED",
      message: "sudo did not take the password; the command was not run",
    });
    await waitFor(() => wrongTries() > before, { what: "sudo to have written it down" });
    expect(
      readFileSync(sudoLog, "utf8")
        .match(/\d+ incorrect password attempts?/g)
        ?.at(-1),
    ).toBe("1 incorrect password attempt");
    expect(wrongTries() - before).toBe(1);
    expect((await sudo(user, "id -u", { password: user.password })).stdout).toBe("0\n");
  }
});

test("what a profile puts before sudo and su in PATH is not asked", async () => {
  const places = join(profiled.home, "bin");
  mkdirSync(places);
  for (const name of ["sudo", "su"]) {
    writeFileSync(join(places, name), `#!/bin/sh\necho "$0" >>${profiled.home}/fakes\nexit 1\n`, { mode: 0o755 });
  }
  chmodSync(places, 0o755);
  writeFileSync(join(profiled.home, ".bashrc"), "PATH=$HOME/bin:$PATH\n");
  const connection = await open({ port: sshd.port, user: profiled.name, keys: [key.path] });
  connections.set(profiled, connection);
  // It stands there for everybody else.
  expect((await run(connection, "command -v sudo")).stdout).toBe(`${places}/sudo\n`);
  expect((await sudo(profiled, "id -u", { password: profiled.password })).stdout).toBe("0\n");
  const setup = { ...plainSetup, password: { of: free.name, password: free.password } };
  const form = { become: { by: "su" as const, user: free.name } };
  expect((await run(connection, "id -un", { setup, form })).stdout).toBe(`${free.name}\n`);
  expect(existsSync(join(profiled.home, "fakes"))).toBe(false);
});

test("without a password it is said that one is needed, and whose", async () => {
  expect(await failing(sudo(asked, "id"))).toMatchObject({ code: "AUTH_REQUIRED", of: null });
  const error = await failing(sudo(rootsPassword, "id", { password: rootsPassword.password }));
  // It is the other user's: what there is, is not given.
  expect(error).toMatchObject({ code: "AUTH_REQUIRED", of: "root" });
  const other = { as: stranger.name, of: stranger.name, password: stranger.password };
  expect((await sudo(rootsPassword, "id -un", other)).stdout).toBe(`${stranger.name}\n`);
});

test("a terminal that sudo wants", async () => {
  expect(await failing(sudo(ttyOnly, "id"))).toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringContaining("terminal"),
  });
  expect(await sudo(ttyOnly, "id -u", { hasTerminal: true })).toMatchObject({ exitCode: 0, stdout: "0\r\n" });
});

test("a user that is none", async () => {
  expect(await failing(sudo(free, "id", { as: "no-such-user" }))).toMatchObject({ code: "NOT_FOUND" });
  expect(await failing(sudo(free, "id", { as: "-x; id" }))).toMatchObject({ code: "INVALID_INPUT" });
});
