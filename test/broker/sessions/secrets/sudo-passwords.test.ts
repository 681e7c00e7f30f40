/** Where the password for sudo comes from, with a real sudoers file, and where it never shows. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import type { CallScope } from "../../../../src/core/call-scope.ts";
import { plainForm } from "../../../../src/core/command-form.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { allowSudo } from "../../../support/sudoers.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";
import { callOf, cli, model, named, Person, requestFor } from "../sessions.ts";

setDefaultTimeout(30_000);

const password = "correct horse 'battery' $staple";
let user: TemporaryUser;
let other: TemporaryUser;
let sshd: Sshd;
let key: KeyPair;
let registry: SessionRegistry;

beforeAll(async () => {
  user = await makeUser({ shell: "/bin/sh", password });
  other = await makeUser({ shell: "/bin/sh", password: "another one" });
  key = await makeKey();
  sshd = await startSshd({ options: ["PasswordAuthentication yes"], authorizedKeys: [key.line] });
  await allowSudo([`${user.name} ALL=(ALL:ALL) ALL`, `${other.name} ALL=(ALL:ALL) ALL`]);
});
const open = async () => {
  await registry?.closeAll();
  registry = new SessionRegistry();
};
afterEach(() => registry.closeAll());
afterAll(cleanup);

/** A session that a person logged in to with a password. */
const withPassword = async () => {
  await open();
  const person = new Person();
  const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "PubkeyAuthentication=no"];
  const request = requestFor(`${user.name}@127.0.0.1:${sshd.port}`, { name: "web", options });
  const opening = registry.open(request, person.call());
  await person.answer(password);
  await opening;
};
/** One that a key opened: nobody typed anything. */
const withKey = async () => {
  await open();
  const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", `IdentityFile=${key.path}`];
  await registry.open(requestFor(`${other.name}@127.0.0.1:${sshd.port}`, { name: "web", options }), callOf());
};

const agent = () => callOf({ caller: model() });
const sudo = async (
  command: string,
  call: CallScope = agent(),
  by: "sudo" | "su" = "sudo",
  as = "root",
  timeoutMs: number | null = null,
  onStdout = () => {},
) => {
  const session = await registry.use(named("web"), call);
  let stdout = "";
  const write = async (chunk: Uint8Array): Promise<void> => {
    stdout += Buffer.from(chunk).toString();
    onStdout();
  };
  const form = { ...plainForm, become: { by, user: as } };
  const stdin = (async function* () {})();
  const result = await session.exec({ command, form, stdin, stdout: { write }, stderr: { write }, timeoutMs }, call);
  return { ...result, stdout };
};
const unlock = async (call: CallScope) =>
  (await registry.use(named("web"), call)).unlock({ by: "sudo", user: "root" }, call);
const failing = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

test("the password that a person logged in with serves their sudo", async () => {
  await withPassword();
  expect(await sudo("id -u && cat /proc/self/cmdline", callOf())).toMatchObject({
    outcome: "exited",
    exitCode: 0,
    stdout: expect.stringContaining("0\n"),
  });
});

test("it is in no process's words or environment, neither of the server's nor ours", async () => {
  await withPassword();
  const controller = new AbortController();
  const began = Promise.withResolvers<void>();
  const call = { ...callOf(), signal: controller.signal };
  // While sudo and all that it started are there.
  const running = sudo("echo begun; cat; sleep 1000", call, "sudo", "root", null, () => began.resolve());
  await began.promise;
  const texts: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const file of ["cmdline", "environ"]) {
      try {
        texts.push(readFileSync(`/proc/${pid}/${file}`, "latin1"));
      } catch (error) {
        if (!(error instanceof Error) || !/ENOENT|ESRCH|EACCES/.test(String(error))) throw error;
      }
    }
  }
  controller.abort();
  expect(await running).toMatchObject({ outcome: "canceled", stopped: "confirmed" });
  expect(texts.some((text) => text.includes("sudo\0-k\0-S"))).toBe(true);
  expect(texts.filter((text) => text.includes("correct horse"))).toEqual([]);
});

test("a key's session has none: an agent is told what a person types, and nothing is asked of it", async () => {
  await withKey();
  expect(await failing(sudo("id"))).toMatchObject({ code: "AUTH_REQUIRED", hint: "ssh-mcp sudo web" });
  expect(await failing(sudo("id", agent(), "su"))).toMatchObject({
    code: "AUTH_REQUIRED",
    hint: "ssh-mcp sudo --become su web",
  });
});

test("a person gives it once, and agents use it until it is forgotten", async () => {
  await withKey();
  const person = new Person();
  const unlocking = unlock(person.call());
  await person.answer("another one");
  expect(await unlocking).toBe(true);
  expect(person.shown).toEqual([`[sudo] password of ${other.name} on ${other.name}@127.0.0.1:${sshd.port}: `]);
  expect((await sudo("id -un; id -un")).stdout).toBe("root\nroot\n");
  expect((await sudo("id -un", agent(), "sudo", user.name)).stdout).toBe(`${user.name}\n`);
  const session = await registry.use(named("web"), callOf());
  expect(session.relock({ by: "sudo", user: "root" })).toBe(true);
  expect(await failing(sudo("id"))).toMatchObject({ code: "AUTH_REQUIRED" });
});

test("a wrong one is one try, is not kept, and is never sent again", async () => {
  await withKey();
  const person = new Person();
  const unlocking = failing(unlock(person.call()));
  await person.answer("wrong");
  expect(await unlocking).toMatchObject({
    code: "AUTH_FAILED",
    message: `sudo on web did not take the password of ${other.name}`,
    hint: "ssh-mcp sudo web",
  });
  expect(person.shown).toHaveLength(1);
  expect(await failing(sudo("id"))).toMatchObject({ code: "AUTH_REQUIRED" });
});

test("the login's password that sudo did not take is not tried a second time", async () => {
  await withPassword();
  // Since the login it has another one.
  Bun.spawnSync(["chpasswd"], { stdin: Buffer.from(`${user.name}:changed\n`) });
  try {
    expect(await failing(sudo("id", callOf()))).toMatchObject({
      code: "AUTH_FAILED",
      message: expect.stringContaining("from the login"),
    });
    expect(await failing(sudo("id", callOf()))).toMatchObject({ code: "AUTH_REQUIRED" });
  } finally {
    Bun.spawnSync(["chpasswd"], { stdin: Buffer.from(`${user.name}:${password}\n`) });
  }
});

test("a person at a terminal is asked, on no time of the command's", async () => {
  await withKey();
  const person = new Person();
  const running = sudo("echo done", person.call(cli), "sudo", "root", 3000);
  await person.isAsked();
  await new Promise((resolve) => setTimeout(resolve, 3500));
  await person.answer("another one");
  expect(await running).toMatchObject({ outcome: "exited", stdout: "done\n" });
  // It serves what they type next, and no agent.
  expect((await sudo("echo again", callOf())).stdout).toBe("again\n");
  expect(await failing(sudo("echo agent"))).toMatchObject({ code: "AUTH_REQUIRED" });
});

test("su takes the other user's", async () => {
  await withKey();
  const person = new Person();
  const running = sudo("id -un; id -un", person.call(cli), "su", user.name);
  await person.answer(password);
  expect((await running).stdout).toBe(`${user.name}\n${user.name}\n`);
  const wrong = failing(sudo("id", person.call(cli), "su", "root"));
  await person.answer("surely not");
  expect(await wrong).toMatchObject({ code: "AUTH_FAILED" });
});
