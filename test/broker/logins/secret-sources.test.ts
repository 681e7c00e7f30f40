/** Where the secrets of a login come from, with a real server that takes a password alone. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../src/broker/logins/clock.ts";
import { Dialer, scopeOf } from "../../../src/broker/logins/dial.ts";
import { type DialPlan, planDial } from "../../../src/broker/logins/dial-plan.ts";
import { accountOf } from "../../../src/broker/logins/secret-sources.ts";
import type { SshMcpError } from "../../../src/core/errors.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";
import { callOf, cli, model, Person, requestFor } from "../sessions/sessions.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let user: TemporaryUser;
let sshd: Sshd;
beforeAll(async () => {
  user = await makeUser({ shell: "/bin/sh", password: "correct horse" });
  sshd = await startSshd({
    options: ["PasswordAuthentication yes", "PubkeyAuthentication no", "KbdInteractiveAuthentication no"],
  });
});

const environment = { PATH: process.env["PATH"] ?? "", HOME: "/", SHELL: "/bin/sh", SECRET: "correct horse" };
const variables: ReturnType<typeof callOf>["variables"] = async (names) =>
  names === "all"
    ? environment
    : Object.fromEntries(Object.entries(environment).filter(([name]) => names.includes(name)));

interface Login {
  passwordCommand: string | null;
  person?: Person;
  options?: readonly string[];
  at?: Sshd;
  /** For a person without a terminal, when nobody sits at one. */
  batch?: boolean;
}

/** Dials once, for a model unless there is a person. */
const dial = async ({ passwordCommand, person, options = [], at = sshd, batch = false }: Login) => {
  const call = person?.call() ?? callOf({ caller: batch ? cli : model(), variables });
  const scope = { ...call, ...scopeOf(call), variables, isForModels: () => person === undefined && !batch };
  const request = requestFor(`${user.name}@127.0.0.1:${at.port}`);
  const plan: DialPlan = await planDial({ ...request, options: [...request.options, ...options] }, scope);
  const settings = { ...plan.settings, passwordCommand };
  // Each with a memory of its own: a refused login holds back none of another test.
  const connection = await new Dialer(systemClock).dial({ ...plan, settings }, scope);
  const { login } = connection;
  await connection.close();
  return login;
};

const failing = async (login: Login): Promise<SshMcpError> => {
  const thrown: unknown = await dial(login).then(
    () => null,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(Error);
  return thrown as SshMcpError;
};
const failures = (at = sshd): number => at.log().split("Failed password").length - 1;

describe("passwordCommand", () => {
  test("prints the password in the world of the caller, and nobody is needed", async () => {
    const login = await dial({ passwordCommand: 'echo "$SECRET"; echo the user is admin' });
    expect(login).toMatchObject({ authMethod: "password", askedForSecret: false });
  });

  test("one that is wrong is one try, and is reported", async () => {
    const before = failures();
    const error = await failing({ passwordCommand: "echo wrong-one" });
    expect(error).toMatchObject({ code: "AUTH_FAILED", hint: expect.stringContaining("ssh-mcp connect ") });
    expect(error.message).toBe(`${user.name}@127.0.0.1 did not take the password from passwordCommand of config.toml`);
    expect(failures() - before).toBe(1);
  });

  test("a person is told, and asked, when it is wrong", async () => {
    const person = new Person();
    const login = dial({ passwordCommand: "echo wrong-one", person });
    await person.answer("correct horse");
    expect(await login).toMatchObject({ authMethod: "password", askedForSecret: true });
    expect(person.shown[0]).toContain("did not take the password from passwordCommand of config.toml\n");
    expect(person.shown.join()).not.toContain("wrong-one");
  });

  test.each([
    {
      what: "fails",
      command: "echo correct horse; echo no such entry >&2; exit 3",
      why: "failed (exit status 3): no such entry",
    },
    { what: "is not there", command: "no-such-program-here", why: "failed (exit status 127)" },
    { what: "prints nothing", command: "true", why: "printed no password on its first line" },
    {
      what: "prints an empty line first",
      command: "echo; echo correct horse",
      why: "printed no password on its first line",
    },
    { what: "is killed", command: "kill -9 $$", why: "failed (SIGKILL)" },
    {
      what: "says the secret when it fails",
      command: "echo hunter22; echo bad hunter22 >&2; false",
      why: "failed (exit status 1): bad ***",
    },
    { what: "prints a gigabyte", command: "head -c 1000000000 /dev/zero", why: "printed over 1 MiB, and was ended" },
  ])("one that $what is reported, and nothing is tried with it", async ({ command, why }) => {
    const before = failures();
    const error = await failing({ passwordCommand: command, batch: true });
    expect(error).toMatchObject({ code: "AUTH_REQUIRED", hint: expect.stringContaining("ssh-mcp connect ") });
    expect(error.message).toContain(`passwordCommand of 127.0.0.1 in config.toml ${why}`);
    expect(error.message).not.toContain("hunter22");
    expect(failures() - before).toBe(0);
  });

  test("a model hears that it failed, and not what it said", async () => {
    const error = await failing({ passwordCommand: "echo the vault of hunter22 is locked >&2; exit 3" });
    expect(error.message).toEndWith("passwordCommand of 127.0.0.1 in config.toml failed (exit status 3)");
  });

  test("one that hangs holds a login back from nobody else, and ends with the call", async () => {
    const dir = tempDir("hangs");
    const wait = (n: number) => `echo $$ >${dir}/${n}; sleep 300`;
    const end = new AbortController();
    const dialer = new Dialer(systemClock);
    const hanging = async (passwordCommand: string) => {
      const call = callOf({ variables });
      const scope = { ...call, ...scopeOf(call), variables, signal: end.signal };
      const plan = await planDial(requestFor(`${user.name}@127.0.0.1:${sshd.port}`), scope);
      return await dialer.dial({ ...plan, settings: { ...plan.settings, passwordCommand } }, scope);
    };
    const all = Promise.allSettled(Array.from({ length: 8 }, (_, n) => hanging(wait(n))));
    await waitFor(() => readdirSync(dir).length === 8, { what: "eight to hang" });
    await (await hanging('echo "$SECRET"')).close();
    end.abort();
    for (const each of await all) expect(each).toMatchObject({ reason: { code: "CANCELED" } });
  });

  test("runs once in a login, and again in the next", async () => {
    const dir = tempDir("count");
    const count = join(dir, "count");
    const script = join(dir, "script");
    writeFileSync(script, `#!/bin/sh\necho x >>${count}\necho wrong\n`);
    chmodSync(script, 0o755);
    await failing({ passwordCommand: script });
    expect(readFileSync(count, "utf8")).toBe("x\n");
    await failing({ passwordCommand: script });
    expect(readFileSync(count, "utf8")).toBe("x\nx\n");
  });
});

test("BatchMode asks nobody", async () => {
  const person = new Person();
  await expect(dial({ passwordCommand: null, person, options: ["BatchMode=yes"] })).rejects.toMatchObject({
    code: expect.stringMatching(/^AUTH_(REQUIRED|FAILED)$/),
  });
  expect(person.shown).toEqual([]);
});

test.each([
  { alias: null, host: "::1", account: "me@[::1]:22" },
  { alias: "db", host: "10.0.0.1", account: "me@10.0.0.1:22 (db)" },
])("the keychain files $account", ({ alias, host, account }) => {
  const resolved = { user: "me", hostname: host, port: 22, hostKeyAlias: alias, batchMode: false };
  const settings = { label: null, groups: [], legacy: false, passwordCommand: null, sudo: false };
  expect(accountOf({ settings, typedHost: "x", resolved })).toBe(account);
});
