/** Logins that wait for a person: how long they are kept, how many, for whom, and what ends the wait. With a real server. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrokerSession } from "../../../../src/broker/sessions/broker-session.ts";
import { PendingLogins } from "../../../../src/broker/sessions/pending-logins.ts";
import { SessionNames } from "../../../../src/broker/sessions/session-names.ts";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import { SshMcpError } from "../../../../src/core/errors.ts";
import type { Context } from "../../../../src/core/operation.ts";
import { forPerson } from "../../../../src/operations/waiting.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { startSshAgent } from "../../../support/ssh-agent.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";
import { waitFor } from "../../../support/wait.ts";
import { callOf, cli, hour, minute, model, named, namesOf, Person, requestFor, testClock } from "../sessions.ts";

setDefaultTimeout(30_000);

let user: TemporaryUser;
let sshd: Sshd;
let registry: SessionRegistry;
let clock: ReturnType<typeof testClock>;

beforeAll(async () => {
  user = await makeUser({ shell: "/bin/sh", password: "correct horse" });
  sshd = await startSshd({ options: ["PasswordAuthentication yes", "PubkeyAuthentication no", "MaxStartups 100"] });
});
const open = () => {
  clock = testClock();
  registry = new SessionRegistry({ clock, resolves: async () => false });
};
afterEach(() => registry.closeAll());
afterAll(cleanup);

const request = (extra = {}) => requestFor(`${user.name}@127.0.0.1:${sshd.port}`, extra);
const wanted = (name: string | null = null) => request({ name });
/** An agent asks, and is told that it takes a person. */
const refused = (client = "editor 1.0", name: string | null = null, title: string | null = null) =>
  expect(registry.open(request({ name, title }), callOf({ caller: model(client) }))).rejects.toMatchObject({
    code: "AUTH_REQUIRED",
  });
const pendingOf = (caller = cli) => registry.pending.list(caller).map(({ name }) => name);

test("are shown to every person and to the agent that asked, for ten minutes", async () => {
  open();
  await refused("editor 1.0", "build", "the build");
  expect(registry.pending.list(cli)).toMatchObject([
    { name: "build", title: "the build", code: "AUTH_REQUIRED", by: { face: "mcp", client: "editor 1.0" } },
  ]);
  expect(pendingOf(model("editor 1.0"))).toEqual(["build"]);
  expect(pendingOf(model("editor 2.0"))).toEqual([]);
  clock.pass(10 * minute - 1);
  expect(registry.pending.list(cli)).toMatchObject([{ expiresInMs: 1 }]);
  clock.pass(1);
  expect(pendingOf()).toEqual([]);
});

test("who could have been asked and declined leaves none", async () => {
  open();
  const person = new Person();
  const opened = registry.open(request(), person.call());
  await person.answer(null);
  await expect(opened).rejects.toMatchObject({ code: "AUTH_REQUIRED" });
  expect(pendingOf()).toEqual([]);
});

test("the same asked again is one, and of one agent sixteen are kept: the latest", async () => {
  open();
  // No server is needed for this: a session that cannot be opened, many times.
  const pending = new PendingLogins(testClock(), new SessionNames([], async () => false));
  const ask = async (client: string, name: string) => {
    const error = new SshMcpError("AUTH_REQUIRED", "it takes a password");
    const link = { connect: () => Promise.reject(error) };
    const session = { facts: { name, key: name }, wasOpen: false, link } as unknown as BrokerSession;
    const noted = pending.noting(session, null, request({ name }), callOf({ caller: model(client) }));
    await expect(noted).rejects.toBe(error);
  };
  for (let count = 0; count < 2; count++) await ask("editor 1.0", "name-0");
  for (let count = 1; count <= 16; count++) await ask("editor 1.0", `name-${count}`);
  await ask("editor 2.0", "other");
  const namesFor = (client: string) => pending.list(model(client)).map(({ name }) => name);
  expect(namesFor("editor 1.0")).toEqual(Array.from({ length: 16 }, (_, at) => `name-${at + 1}`));
  expect(namesFor("editor 2.0")).toEqual(["other"]);
});

test("a person's connect takes the name and the title of what an agent waits for, unless it says otherwise", async () => {
  open();
  await refused("editor 1.0", "build", "the build");
  const person = new Person();
  const opened = registry.open(request(), person.call());
  await person.answer("correct horse");
  expect((await opened).info).toMatchObject({ name: "build", title: "the build", openedBy: { face: "cli" } });
  expect(pendingOf()).toEqual([]);
  // The next one is another session, and nobody waits for it.
  const second = registry.open(request({ fresh: true }), person.call());
  await person.answer("correct horse");
  expect((await second).info).toMatchObject({ name: "127.0.0.1-2", title: null });
});

test("one that the person keeps private, or names, is not renamed", async () => {
  open();
  await refused("editor 1.0", "build", "the build");
  const person = new Person();
  const opened = registry.open(request({ lent: false, name: "mine" }), person.call());
  await person.answer("correct horse");
  expect((await opened).info).toMatchObject({ name: "mine", title: null });
  expect(pendingOf()).toEqual(["build"]);
});

test("waiting for what nobody asked for is over at once", async () => {
  open();
  const absent = { how: "absent" } as const;
  expect(await registry.pending.answered(wanted(), 20_000, callOf({ caller: model() }))).toEqual(absent);
  await refused("editor 1.0");
  expect(await registry.pending.answered(wanted("another"), 20_000, callOf({ caller: model() }))).toEqual(absent);
  expect(await registry.pending.answered(wanted(), 20_000, callOf({ caller: model("editor 2.0") }))).toEqual(absent);
});

test("a call that waits keeps its place: as many as there are places wait, and the next one is told", async () => {
  open();
  let attempts = 0;
  const wait = (name: string, leave: AbortController) => {
    const call = { ...callOf({ caller: model() }), signal: leave.signal };
    const context = { ...call, sessions: registry, progress: () => {} } as unknown as Context;
    return forPerson(request({ name }), 300, context, () => {
      attempts += 1;
      return registry.open(request({ name }), call);
    }).catch((error: SshMcpError) => error.message);
  };
  const leaving = new AbortController();
  const first = Array.from({ length: 16 }, (_, at) => wait(`n${at}`, leaving));
  await waitFor(() => pendingOf(model()).length === 16, { what: "sixteen to wait" });
  expect(await wait("n16", new AbortController())).toContain("this one does not");
  expect(await wait("n17", new AbortController())).toContain("this one does not");
  expect(pendingOf(model())).toHaveLength(16);
  expect(attempts).toBe(18);
  leaving.abort(new SshMcpError("CANCELED", "gone"));
  expect(await Promise.all(first)).toEqual(Array(16).fill("gone"));
  // Nobody waits for the oldest any more.
  const [oldest, ...others] = pendingOf(model());
  expect(oldest).toBeDefined();
  await refused("editor 1.0", "n18");
  expect(pendingOf(model())).toEqual([...others, "n18"]);
});

test("a wait that is over may try once more, unless there was an attempt just now", async () => {
  open();
  await refused();
  const late = () => registry.pending.answered(wanted(), 1, callOf({ caller: model() }));
  expect(await late()).toMatchObject({ how: "late", mayTry: false });
  clock.pass(5000);
  expect(await late()).toMatchObject({ how: "late", mayTry: true });
  await refused();
  expect(await late()).toMatchObject({ how: "late", mayTry: false });
});

test("a key that somebody gave to the agent meanwhile opens it when the time is over", async () => {
  open();
  const [key, agent] = await Promise.all([makeKey(), startSshAgent()]);
  const keyed = await startSshd({ authorizedKeys: [key.line], options: ["PasswordAuthentication yes"] });
  const call = callOf({ caller: { ...model(), agentSocket: agent.socket } });
  const to = requestFor(`${user.name}@127.0.0.1:${keyed.port}`);
  await expect(registry.open(to, call)).rejects.toMatchObject({ code: "AUTH_REQUIRED" });
  await agent.add(key.path);
  clock.pass(5000);
  const context = { ...call, sessions: registry, progress: () => {} } as unknown as Context;
  const opened = await forPerson(to, 0.1, context, () => registry.open(to, call));
  expect(opened).toMatchObject({ authMethod: "publickey" });
});

test("a login that was refused since waits for nobody: the newest reason is told", async () => {
  open();
  await refused();
  // What was kept for it is wrong, as the server says.
  const call = { ...callOf({ caller: model() }), ask: () => Promise.reject(new SshMcpError("AUTH_FAILED", "denied")) };
  await expect(registry.open(request(), call)).rejects.toMatchObject({ code: "AUTH_FAILED" });
  expect(pendingOf()).toEqual([]);
  const context = { ...call, sessions: registry, progress: () => {} } as unknown as Context;
  await expect(forPerson(wanted(), 20, context, () => registry.open(request(), call))).rejects.toMatchObject({
    ...{ code: "AUTH_FAILED", message: expect.stringMatching(/^denied/) },
  });
});

test("an agent reads nothing of what a person's options hold, in no hint and in no list", async () => {
  open();
  const person = new Person();
  const secret = ["SetEnv=TOKEN=hunter2", "LocalCommand=notify hunter2"];
  const opening = registry.open(request({ options: [...request().options, ...secret] }), person.call());
  await person.answer("correct horse");
  const { name } = (await opening).info;
  clock.pass(hour);
  const error = await registry.use(named(name), callOf({ caller: model() })).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "AUTH_REQUIRED",
    hint: expect.stringContaining(" -o 'SetEnv=TOKEN=VALUE' -o 'LocalCommand=COMMAND' "),
  });
  expect(pendingOf(model())).toEqual([name]);
  expect(JSON.stringify([error, (error as Error).message, registry.pending.list(model())])).not.toContain("hunter2");
  // A person may copy it.
  await expect(registry.use(named(name), callOf())).rejects.toMatchObject({
    hint: expect.stringContaining(secret[0] ?? ""),
  });
});

test("a host key that somebody records wakes who waits for a session by its name", async () => {
  const key = await makeKey();
  const keyed = await startSshd({ authorizedKeys: [key.line] });
  const knownHosts = join(tempDir("known"), "known_hosts");
  writeFileSync(knownHosts, keyed.knownHosts());
  open();
  const to = requestFor(`${user.name}@127.0.0.1:${keyed.port}`, { name: "web", identityFiles: [key.path] });
  const person = callOf();
  await registry.open({ ...to, options: [`UserKnownHostsFile=${knownHosts}`, "HashKnownHosts=no"] }, person);
  clock.pass(hour);
  writeFileSync(knownHosts, "");
  const call = callOf({ caller: model() });
  await expect(registry.use(named("web"), call)).rejects.toMatchObject({ code: "HOST_KEY_UNKNOWN" });
  const waiting = registry.pending.answered({ ...named("web"), name: null }, 20_000, call);
  writeFileSync(knownHosts, keyed.knownHosts());
  expect(await waiting).toEqual({ how: "changed" });
});

test("waiting ends with the error when the time is over, and with CANCELED when nobody wants it any more", async () => {
  open();
  await refused();
  const pending = registry.pending;
  expect(await pending.answered(wanted(), 1, callOf({ caller: model() }))).toMatchObject({
    ...{ how: "late", error: { code: "AUTH_REQUIRED", hint: expect.stringContaining("ssh-mcp connect ") } },
  });
  const call = callOf({ caller: model() });
  const waiting = pending.answered(wanted(), 20_000, call);
  call.leave(new SshMcpError("CANCELED", "somebody ended it"));
  await expect(waiting).rejects.toMatchObject({ code: "CANCELED", message: "somebody ended it" });
});

test("a session that did not help is no reason to try again; another one is", async () => {
  open();
  const person = new Person();
  const other = registry.open(
    request({ name: "build", options: ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "Compression=no"] }),
    person.call(),
  );
  await person.answer("correct horse");
  await other;
  // Its name leads to it, and it is not what is asked for: the agent's own is another session.
  await refused("editor 1.0", null);
  let isOver = false;
  const waiting = registry.pending.answered(wanted(), 20_000, callOf({ caller: model() })).then(() => {
    isOver = true;
  });
  await refused("editor 2.0", null);
  expect(isOver).toBe(false);
  const opened = registry.open(request(), person.call());
  await person.answer("correct horse");
  await opened;
  await waitFor(() => isOver, { what: "the end of the wait" });
  await waiting;
  expect(namesOf(registry, model())).toHaveLength(2);
});
