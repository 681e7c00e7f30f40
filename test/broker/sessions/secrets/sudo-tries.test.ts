/** How often a password for sudo is sent, where to, how long it is held, and for whom: counted in sudo's own log. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import type { CallScope } from "../../../../src/core/call-scope.ts";
import { plainForm } from "../../../../src/core/command-form.ts";
import type { DialRequest } from "../../../../src/core/dial-request.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { descendantsOf, signal } from "../../../support/processes.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { allowSudo } from "../../../support/sudoers.ts";
import { tempDir } from "../../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";
import { waitFor } from "../../../support/wait.ts";
import { callOf, cli, hour, minute, model, named, Person, requestFor, run, testClock } from "../sessions.ts";

setDefaultTimeout(40_000);

const password = "correct horse";
let user: TemporaryUser;
/** Sudo asks once, and ends. */
let once: TemporaryUser;
/** Sudo wants the password of whom it becomes. */
let targeted: TemporaryUser;
let sshd: Sshd;
let another: Sshd;
let key: KeyPair;
let clock = testClock();
let registry: SessionRegistry;
const log = join(tempDir("sudo-log"), "log");

const before = process.env["SSH_MCP_DIR"];
const base = tempDir("base");

beforeAll(async () => {
  mkdirSync(base, { recursive: true, mode: 0o700 });
  process.env["SSH_MCP_DIR"] = base;
  user = await makeUser({ shell: "/bin/sh", password });
  once = await makeUser({ shell: "/bin/sh", password });
  targeted = await makeUser({ shell: "/bin/sh", password: "its own" });
  key = await makeKey();
  const server = { authorizedKeys: [key.line], options: ["PasswordAuthentication yes"] };
  [sshd, another] = [await startSshd(server), await startSshd(server)];
  await allowSudo([
    ...[user, once].flatMap(({ name }) => [`${name} ALL=(ALL:ALL) ALL`, `Defaults:${name} logfile=${log}`]),
    `Defaults:${once.name} passwd_tries=1`,
    `${targeted.name} ALL=(ALL:ALL) ALL`,
    `Defaults:${targeted.name} targetpw`,
  ]);
});
afterEach(() => registry.closeAll());
afterAll(async () => {
  if (before === undefined) delete process.env["SSH_MCP_DIR"];
  else process.env["SSH_MCP_DIR"] = before;
  await cleanup();
});

const agent = () => callOf({ caller: model() });
const failing = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );
const wrongTries = (): number =>
  existsSync(log) ? readFileSync(log, "utf8").split("incorrect password attempt").length - 1 : 0;

const allowed = `[host."127.0.0.1"]\ngroups = ["prod"]\n[group.prod]\nsudo = true\n`;
const setConfig = (text: string): void => writeFileSync(join(base, "config.toml"), text, { mode: 0o600 });

const start = () => {
  clock = testClock();
  registry = new SessionRegistry({ clock });
};
const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
/** A session that a key opened: nobody typed anything. */
const withKey = async (who = user) => {
  start();
  const destination = `${who.name}@127.0.0.1:${sshd.port}`;
  await registry.open(requestFor(destination, { name: "web", identityFiles: [key.path], ttlMs: 0 }), callOf());
};
/** One that a person logged in to. */
const withLogin = async (who = user) => {
  start();
  const person = new Person();
  const request = { name: "web", options: [...options, "PubkeyAuthentication=no"] };
  const opening = registry.open(requestFor(`${who.name}@127.0.0.1:${sshd.port}`, request), person.call());
  await person.answer(password);
  await opening;
};
/** The same, whose password has changed since; agents get it all the same. */
const withOldPassword = async (who: TemporaryUser) => {
  setConfig(allowed);
  await withLogin(who);
  setPassword(who, "changed");
};
const setPassword = (who: TemporaryUser, to: string): void => {
  Bun.spawnSync(["chpasswd"], { stdin: Buffer.from(`${who.name}:${to}\n`) });
};

const root = { by: "sudo" as const, user: "root" };
const sudo = async (
  command: string,
  call: CallScope = agent(),
  target = named("web"),
  timeoutMs: number | null = null,
) => {
  const session = await registry.use(target, call);
  let stdout = "";
  const write = async (chunk: Uint8Array): Promise<void> => {
    stdout += Buffer.from(chunk).toString();
  };
  const stdin = (async function* () {})();
  const form = { ...plainForm, become: root };
  const output = { stdout: { write }, stderr: { write } };
  const result = await session.exec({ command, form, stdin, ...output, timeoutMs }, call);
  return { ...result, stdout };
};
const unlock = async (answer = password, target: DialRequest = named("web")) => {
  const person = new Person();
  const call = person.call();
  const unlocking = (await registry.use(target, call)).unlock(root, call);
  await person.answer(answer);
  return await unlocking;
};

const lose = async (server: Sshd): Promise<void> => {
  const isLost = (): boolean => {
    for (const pid of descendantsOf(server.pid)) signal(pid, "SIGKILL");
    return registry.list(cli)[0]?.state === "lost";
  };
  await waitFor(isLost, { what: "the link to be lost" });
};

test("what was typed for one server goes to no other that the session comes to lead to", async () => {
  start();
  const configFile = join(tempDir("moved"), "config");
  const leadTo = ({ port }: Sshd): void =>
    writeFileSync(
      configFile,
      `Host web\n HostName 127.0.0.1\n Port ${port}\n User ${user.name}\n IdentityFile ${key.path}\n` +
        " StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n",
    );
  leadTo(sshd);
  const target = { ...named("web"), configFile };
  await registry.open(requestFor("web", { name: "web", configFile, options: [] }), callOf());
  expect(await unlock(password, target)).toBe(true);
  expect((await sudo("id -un", agent(), target)).stdout).toBe("root\n");
  await lose(sshd);
  leadTo(another);
  expect(await failing(sudo("id -un", agent(), target))).toMatchObject({ code: "AUTH_REQUIRED" });
  // Back where it was typed, it is good for what it was.
  await lose(another);
  leadTo(sshd);
  expect((await sudo("id -un", agent(), target)).stdout).toBe("root\n");
});

test("a wrong one is one try in all, also where sudo ends without asking again", async () => {
  await withOldPassword(once);
  const before = wrongTries();
  try {
    expect(await failing(sudo("id"))).toMatchObject({ code: "AUTH_FAILED" });
    for (let call = 0; call < 3; call++) expect(await failing(sudo("id"))).toMatchObject({ code: "AUTH_REQUIRED" });
    expect(wrongTries() - before).toBe(1);
  } finally {
    setPassword(once, password);
  }
});

test("eight calls at once make one try of a wrong one, and all go with a right one", async () => {
  await withOldPassword(user);
  const before = wrongTries();
  const eight = () => Promise.all(Array.from({ length: 8 }, () => failing(sudo("id"))));
  try {
    const codes = (await eight()).map((error) => (error as { code?: string } | null)?.code);
    expect(codes.sort()).toEqual(["AUTH_FAILED", ...Array(7).fill("AUTH_REQUIRED")]);
    expect(wrongTries() - before).toBe(1);
    await unlock("changed");
    expect(await eight()).toEqual(Array(8).fill(null));
    // And what was refused is held again when it is right.
    setPassword(user, password);
    expect((await failing(sudo("id"))) as object).toMatchObject({ code: "AUTH_FAILED" });
    await unlock();
    expect(await eight()).toEqual(Array(8).fill(null));
  } finally {
    setPassword(user, password);
  }
});

test("a command that takes its time keeps no other from its own", async () => {
  setConfig(allowed);
  await withLogin();
  const first = agent();
  const long = sudo("sleep 1000", first);
  expect((await sudo("id -un")).stdout).toBe("root\n");
  first.leave();
  expect(await long).toMatchObject({ outcome: "canceled" });
});

test("one that was given when its call ended is not sent again without a person", async () => {
  await withOldPassword(user);
  const before = wrongTries();
  try {
    // PAM takes a second or two over a wrong one: this ends in between.
    const result = await sudo("id", agent(), named("web"), 800).catch((error: unknown) => error);
    if (result instanceof Error) expect(result).toMatchObject({ code: "AUTH_FAILED" });
    else expect(result).toMatchObject({ outcome: "timedOut", stopped: "confirmed", stdout: "" });
    for (let tries = 0; tries < 3; tries++) await failing(sudo("id"));
    expect(await failing(sudo("id"))).toMatchObject({ code: "AUTH_REQUIRED" });
    // On a slow machine sudo had not asked yet; whoever came next was the one try.
    await waitFor(() => wrongTries() > before, { what: "sudo to have written it down" });
    expect(wrongTries() - before).toBe(1);
  } finally {
    setPassword(user, password);
  }
});

test("what was typed is gone 12 hours later, on a session that never ends by itself", async () => {
  await withKey();
  await unlock();
  for (let passed = 0; passed < 11; passed++) {
    clock.pass(hour);
    expect((await sudo("id -un")).stdout).toBe("root\n");
  }
  clock.pass(hour + minute);
  expect(await failing(sudo("id -un"))).toMatchObject({ code: "AUTH_REQUIRED" });
  expect((await run(registry, named("web"), "echo here", agent())).stdout).toBe("here\n");
});

test("an agent's sudo gets the login's password and stored ones where config.toml says so, and a person's always", async () => {
  await withKey();
  await registry.closeAll();
  setConfig("");
  await withLogin();
  expect(await failing(sudo("id -un"))).toMatchObject({ code: "AUTH_REQUIRED", hint: "ssh-mcp sudo web" });
  expect((await sudo("id -un", callOf())).stdout).toBe("root\n");
  expect(await failing(sudo("id -un"))).toMatchObject({ code: "AUTH_REQUIRED" });
  setConfig(allowed);
  expect((await sudo("id -un")).stdout).toBe("root\n");
  await registry.closeAll();
  const command = `passwordCommand = "echo '${password}'"\n`;
  setConfig(`[host."127.0.0.1"]\n${command}`);
  await withKey();
  const variables = async () => ({ PATH: process.env["PATH"] ?? "", SHELL: "/bin/sh" });
  const call = () => callOf({ caller: model(), variables });
  expect(await failing(sudo("id -un", call()))).toMatchObject({ code: "AUTH_REQUIRED" });
  setConfig(`[host."127.0.0.1"]\n${command}sudo = true\n`);
  expect((await sudo("id -un", call())).stdout).toBe("root\n");
});

test("where sudo wants another's, what came in a pipe is for whoever is asked", async () => {
  setConfig("");
  await withKey(targeted);
  const person = new Person();
  const call = person.call();
  const target = { by: "sudo" as const, user: user.name };
  const unlocking = (await registry.use(named("web"), call)).unlock(target, call);
  await person.answer(password);
  await person.isAsked(2);
  await person.answer("");
  expect(await unlocking).toBe(true);
  expect(person.shown[1]).toContain(`password of ${user.name} on`);
});

test("what a command reads arrives whole also when its password was asked for", async () => {
  setConfig("");
  await withKey();
  const person = new Person();
  const call = person.call();
  const session = await registry.use(named("web"), call);
  const chunk = Buffer.alloc(50_000, "x");
  let isOver = false;
  const stdin = (async function* () {
    try {
      for (let sent = 0; sent < 100; sent++) yield chunk;
    } finally {
      isOver = true;
    }
  })();
  let stdout = "";
  const write = async (bytes: Uint8Array): Promise<void> => {
    stdout += Buffer.from(bytes).toString();
  };
  const form = { ...plainForm, become: root };
  const request = { command: "wc -c", form, stdin, stdout: { write }, stderr: { write }, timeoutMs: null };
  const running = session.exec(request, call);
  await person.answer(password);
  expect(await running).toMatchObject({ outcome: "exited", exitCode: 0 });
  expect(stdout.trim()).toBe("5000000");
  expect(isOver).toBe(true);
});
