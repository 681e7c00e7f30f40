/** Files of another user, with real sudo and su: whose channel serves whom, and when it ends. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import type { CallScope } from "../../../../src/core/call-scope.ts";
import type { Become } from "../../../../src/core/command-form.ts";
import type { RemoteFiles, RemoteMachine } from "../../../../src/core/files/remote-files.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { commandLineOf, descendantsOf, ofUser } from "../../../support/processes.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { allowSudo } from "../../../support/sudoers.ts";
import { tempDir } from "../../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";
import { waitFor } from "../../../support/wait.ts";
import { callOf, cli, execOn, model, named, Person, requestFor } from "../sessions.ts";
import { bytesOf, contentOf, filesOf, ranOn } from "./servers.ts";

setDefaultTimeout(30_000);

const password = "correct horse 'battery' $staple";
let asking: TemporaryUser;
let free: TemporaryUser;
let target: TemporaryUser;
let key: KeyPair;
let sshd: Sshd;
let dir: string;
let secret: string;
let registry: SessionRegistry;

beforeAll(async () => {
  key = await makeKey();
  [asking, free, target] = [
    await makeUser({ password }),
    await makeUser(),
    await makeUser({ password: "another one" }),
  ];
  sshd = await startSshd({ authorizedKeys: [key.line] });
  await allowSudo([`${asking.name} ALL=(ALL:ALL) ALL`, `${free.name} ALL=(ALL:ALL) NOPASSWD: ALL`]);
  dir = tempDir("root");
  chmodSync(dir, 0o700);
  secret = join(dir, "secret");
  writeFileSync(secret, "of root\n", { mode: 0o600 });
});
beforeEach(() => {
  registry = new SessionRegistry();
});
afterEach(() => registry.closeAll());
afterAll(cleanup);

const connect = (user: TemporaryUser, name = "web") => {
  const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", `IdentityFile=${key.path}`];
  return registry.open(requestFor(`${user.name}@127.0.0.1:${sshd.port}`, { name, options }), callOf());
};
const root: Become = { by: "sudo", user: "root" };
const asRoot = <T>(
  use: (files: RemoteFiles, machine: RemoteMachine) => Promise<T>,
  call: CallScope = callOf(),
  become = root,
): Promise<T> => filesOf(registry, "web", use, call, { become });
const readSecret = (call?: CallScope): Promise<string> => asRoot((files) => contentOf(files, secret), call);
const failed = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);
/** SFTP servers that the logins of a user have started, whoever they run as. */
const serversOf = (user: TemporaryUser): number[] => {
  const started = new Set(ofUser(user.uid).flatMap(descendantsOf));
  return [...started].filter((pid) => commandLineOf(pid)[0] === "/usr/lib/openssh/sftp-server");
};

test("without a password: one server serves the calls of one caller", async () => {
  await connect(free);
  expect(await failed(filesOf(registry, "web", (files) => contentOf(files, secret)))).toMatchObject({
    code: "REMOTE_PERMISSION",
  });
  for (let count = 0; count < 3; count++) expect(await readSecret()).toBe("of root\n");
  const wrote = asRoot(async (files) => {
    await files.write(join(dir, "new"), bytesOf("content"), { offset: 0, create: "new", mode: 0o600 });
    return files.via;
  });
  expect(await wrote).toBe("sftp");
  expect(statSync(join(dir, "new"))).toMatchObject({ uid: 0, size: 7 });
  expect(serversOf(free)).toHaveLength(1);
  expect(await asRoot((_, machine) => ranOn(machine, "id -u"))).toMatchObject({ stdout: "0\n" });
  expect(await asRoot((files) => files.resolve("."))).toBe("/root");
  await registry.closeAll();
  await waitFor(() => serversOf(free).length === 0, { what: "the end of root's server" });
});

test("a server that was ended is started again", async () => {
  await connect(free);
  expect(await readSecret()).toBe("of root\n");
  for (const pid of serversOf(free)) process.kill(pid);
  // What was asked of it before its end was heard of fails.
  await waitFor(() => readSecret().catch(() => null), { what: "the next one" });
  expect(serversOf(free)).toHaveLength(1);
});

test("a person's password opens nothing for an agent, and a person's channel serves none", async () => {
  await connect(asking);
  const person = new Person();
  const reading = readSecret(person.call());
  await person.answer(password);
  expect(await reading).toBe("of root\n");
  // Held with the session, and the channel is kept.
  expect(await readSecret()).toBe("of root\n");
  const agent = () => callOf({ caller: model() });
  expect(await failed(readSecret(agent()))).toMatchObject({ code: "AUTH_REQUIRED", hint: "ssh-mcp sudo web" });
  expect(await readSecret()).toBe("of root\n");
});

test("what a person gave for sudo serves an agent until it is forgotten; then its channel ends", async () => {
  await connect(asking);
  const person = new Person();
  const session = await registry.use(named("web"), callOf());
  const unlocking = session.unlock(root, person.call());
  await person.answer(password);
  expect(await unlocking).toBe(true);
  const agent = () => callOf({ caller: model() });
  expect(await readSecret(agent())).toBe("of root\n");
  expect(serversOf(asking)).toHaveLength(1);
  expect(session.relock(root)).toBe(true);
  await waitFor(() => serversOf(asking).length === 0, { what: "the end of root's server" });
  expect(await failed(readSecret(agent()))).toMatchObject({ code: "AUTH_REQUIRED" });
});

test("a channel that is being opened while its password is forgotten serves its call, and no other", async () => {
  await connect(asking);
  const person = new Person();
  const reading = readSecret(person.call());
  await person.isAsked();
  (await registry.use(named("web"), callOf())).relock(root);
  await person.answer(password);
  expect(await reading).toBe("of root\n");
  await waitFor(() => serversOf(asking).length === 0, { what: "the end of root's server" });
});

test("a wrong password is AUTH_FAILED, and nothing was begun", async () => {
  await connect(asking);
  const person = new Person();
  let hasBegun = false;
  const reading = asRoot(async () => {
    hasBegun = true;
  }, person.call());
  await person.answer("wrong");
  expect(await failed(reading)).toMatchObject({ code: "AUTH_FAILED" });
  expect(hasBegun).toBe(false);
});

test("su becomes another user", async () => {
  await connect(asking);
  const person = new Person();
  const become: Become = { by: "su", user: target.name };
  const mine = join(target.home, "mine");
  const writing = asRoot(
    async (files) => {
      await files.write(mine, bytesOf("by su"), { offset: 0, create: "new", mode: 0o600 });
      return [files.via, await files.resolve(".")];
    },
    person.call(),
    become,
  );
  await person.answer("another one");
  expect(await writing).toEqual(["sftp", target.home]);
  expect(statSync(mine)).toMatchObject({ uid: target.uid, size: 5 });
  await registry.closeAll();
  await waitFor(() => ofUser(target.uid).length === 0, { what: "the end of its processes" });
});

test("a user that is not there, and one that may not become another", async () => {
  await connect(free);
  const nobody: Become = { by: "sudo", user: "nobody-of-that-name" };
  expect(await failed(asRoot((files) => files.stat("/"), callOf(), nobody))).toMatchObject({ code: "NOT_FOUND" });
  await connect(target, "other");
  const denied = filesOf(registry, "other", (files) => files.stat("/"), callOf(), { become: root });
  expect(await failed(denied)).toMatchObject({ code: "AUTH_REQUIRED" });
});

test("a stop ends what it waited for, and leaves the session's commands alone", async () => {
  await connect(free);
  const call = callOf();
  const begun = Promise.withResolvers<void>();
  const waiting = asRoot(async (files) => {
    await files.stat("/");
    begun.resolve();
    for (;;) await files.stat(secret);
  }, call);
  await begun.promise;
  call.leave();
  expect(await failed(waiting)).toMatchObject({ code: "CANCELED" });
  expect(await execOn(await registry.use(named("web"), callOf()), "echo ran")).toMatchObject({ stdout: "ran\n" });
  expect(await readSecret()).toBe("of root\n");
  expect(serversOf(free)).toHaveLength(1);
  expect(registry.list(cli)).toMatchObject([{ running: 0 }]);
});
