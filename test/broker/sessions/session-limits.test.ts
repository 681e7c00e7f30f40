/** How many connections there are at most, and what ends them by time alone. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type RegistryOptions, SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import type { OpenRequest } from "../../../src/core/session.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { startSshAgent } from "../../support/ssh-agent.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";
import {
  callOf,
  cli,
  day,
  hour,
  minute,
  model,
  named,
  namesOf,
  Person,
  requestFor,
  run,
  testClock,
} from "./sessions.ts";

setDefaultTimeout(30_000);

let key: KeyPair;
let user: TemporaryUser;
let sshd: Sshd;
let registry: SessionRegistry;

beforeAll(async () => {
  key = await makeKey();
  user = await makeUser({ shell: "/bin/sh", password: "correct horse" });
  sshd = await startSshd({ authorizedKeys: [key.line], options: ["PasswordAuthentication yes"] });
});
afterEach(() => registry.closeAll());
afterAll(cleanup);

const open = (options: Partial<RegistryOptions>): void => {
  registry = new SessionRegistry(options);
};
const request = (extra: Partial<OpenRequest> = {}): OpenRequest =>
  requestFor(`${user.name}@127.0.0.1:${sshd.port}`, { identityFiles: [key.path], ...extra });
/** The same server as a person gets in. */
const byPassword = async (name: string) => {
  const person = new Person();
  const opened = registry.open(request({ name, identityFiles: ["none"] }), person.call());
  await person.answer("correct horse");
  return opened;
};
const agent = () => callOf({ caller: model() });
const logins = (): number => sshd.log().split(/Accepted (?:publickey|password)/).length - 1;
const stateOf = (name: string) => registry.list(cli).find((session) => session.name === name)?.state;

describe("the limit", () => {
  test("puts aside what was not used for longest; it comes back with its next use, for which another goes", async () => {
    const clock = testClock();
    open({ limit: 2, clock });
    for (const name of ["one", "two"]) {
      await registry.open(request({ name }), callOf());
      clock.pass(minute);
    }
    await run(registry, named("one"), "true");
    clock.pass(minute);
    await registry.open(request({ name: "three" }), callOf());
    expect(["one", "two", "three"].map(stateOf)).toEqual(["live", "cached", "live"]);
    await waitFor(() => registry.liveConnections === 2, { what: "the connection to end" });
    expect(await run(registry, named("two"), "echo back")).toMatchObject({ stdout: "back\n" });
    expect(["one", "two", "three"].map(stateOf)).toEqual(["cached", "live", "live"]);
  });

  test("is an error when what is open runs something, or needs a person to come back", async () => {
    open({ limit: 2 });
    await byPassword("person");
    const started = Promise.withResolvers<void>();
    const running = run(registry, request({ name: "busy" }), "echo; sleep 600", callOf(), started.resolve);
    await started.promise;
    const busy = namesOf(registry).find((name) => name !== "person") ?? "";
    const refused = {
      code: "SESSION_LIMIT",
      message: "2 sessions are open, and none of them can be put aside",
      retryable: true,
    };
    await expect(registry.open(request({ name: "three" }), callOf())).rejects.toMatchObject({
      ...refused,
      hint: "ssh-mcp close person",
    });
    // Nothing of it stays, not even the name.
    expect(namesOf(registry)).toEqual([busy, "person"].sort());
    expect(registry.busy).toBe(true);
    await registry.close([busy], cli);
    expect(await running).toMatchObject({ outcome: "canceled" });
    expect((await registry.open(request({ name: "three" }), callOf())).info.name).toBe("three");
  });

  test("lets an agent put aside nothing but its own", async () => {
    open({ limit: 2 });
    await registry.open(request({ name: "persons" }), callOf());
    await registry.open(request({ name: "anothers" }), callOf({ caller: model("another") }));
    await expect(registry.open(request({ name: "mine" }), agent())).rejects.toMatchObject({
      code: "SESSION_LIMIT",
      message: "2 sessions are open, and none that this agent opened can be put aside",
      hint: "ssh_sessions {}",
    });
    await registry.close(["anothers"], cli);
    await registry.open(request({ name: "mine" }), agent());
    await registry.open(request({ name: "other" }), agent());
    expect(["persons", "mine", "other"].map(stateOf)).toEqual(["live", "cached", "live"]);
  });

  test("holds for many that come at once", async () => {
    open({ limit: 3 });
    let most = 0;
    registry.onChange = () => {
      most = Math.max(most, registry.list(cli).filter(({ state }) => state === "live").length);
    };
    const names = Array.from({ length: 12 }, (_, index) => `s${index}`);
    const results = await Promise.allSettled(names.map((name) => registry.open(request({ name }), callOf())));
    const refused = results.filter(({ status }) => status === "rejected");
    expect(results.length - refused.length).toBe(3);
    for (const result of refused) expect(result).toMatchObject({ reason: { code: "SESSION_LIMIT" } });
    expect([most, registry.liveConnections, registry.size]).toEqual([3, 3, 3]);
  });

  test.each([
    [1, 0],
    [3, 2],
  ])("of %i leaves room for %i connections beside a session that is full", async (limit, beside) => {
    open({ limit });
    await registry.open(request(), callOf());
    const before = logins();
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, index) => run(registry, request(), `sleep 0.4; echo ${index}`)),
    );
    expect(results.map(({ stdout }) => stdout)).toEqual(results.map((_, index) => `${index}\n`));
    expect(logins() - before).toBe(beside);
  });
});

test("a command that others keep waiting is told so after a second, and can be run again when its own time is over", async () => {
  open({});
  await registry.open(request({ name: "web" }), callOf());
  // What one session runs at once: eight on its connection, and eight beside it.
  const calls = Array.from({ length: 16 }, () => callOf());
  const begun = { count: 0 };
  // Each says which process of the server it is a child of: one process is one connection.
  const servers = tempDir("servers");
  chmodSync(servers, 0o777);
  const running = calls.map((call, index) =>
    run(registry, named("web"), `echo $PPID >${servers}/${index}; echo; sleep 60`, call, () => void begun.count++),
  );
  await waitFor(() => begun.count === 16, { what: "sixteen commands to run" });
  const serverOf = (index: number): string => readFileSync(join(servers, `${index}`), "utf8");
  const sharesIts = (index: number): boolean =>
    calls.filter((_, other) => serverOf(other) === serverOf(index)).length > 1;
  const [late, patient] = [callOf({ caller: model() }), callOf()];
  const started = performance.now();
  const waiting = run(registry, named("web"), "echo in", patient);
  const session = await registry.use(named("web"), late);
  const nothing = { write: async () => {} };
  const timed = session.exec(
    { command: "true", stdin: (async function* () {})(), stdout: nothing, stderr: nothing, timeoutMs: 2000 },
    late,
  );
  await waitFor(() => late.notices.length > 0 && patient.notices.length > 0, { what: "the notice" });
  expect(performance.now() - started).toBeWithin(900, 3000);
  const busy = "web is busy: 16 commands run on it; this one waits for its turn";
  expect(patient.notices).toEqual([`${busy} (ssh-mcp ls --running shows them)`]);
  expect(late.notices).toEqual([`${busy} (ssh_sessions shows them)`]);
  await expect(timed).rejects.toMatchObject({
    code: "TIMEOUT",
    message: "the command was not sent: no channel was free within 5s",
    retryable: true,
    hint: "ssh-mcp ls --running",
  });
  // Whichever of them ends, one on the session's own connection or one beside it, its place is taken.
  calls.find((_, index) => !sharesIts(index))?.leave();
  expect(await waiting).toMatchObject({ outcome: "exited", stdout: "in\n" });
  expect(patient.notices).toHaveLength(1);
  const second = run(registry, named("web"), "echo again");
  calls.find((_, index) => sharesIts(index))?.leave();
  expect(await second).toMatchObject({ outcome: "exited", stdout: "again\n" });
  for (const call of calls) call.leave();
  await Promise.all(running);
});

test("a second connection that is refused is not tried again: servers lock out whoever fails too often", async () => {
  open({});
  const keys = await startSshAgent();
  await keys.add(key.path);
  const server = await startSshd({ authorizedKeys: [key.line] });
  const attempts = (): number => server.log().split("Connection from").length - 1;
  const call = callOf({ caller: { ...cli, agentSocket: keys.socket } });
  const login = { ...request({ identityFiles: ["none"] }), destination: `${user.name}@127.0.0.1:${server.port}` };
  await registry.open(login, call);
  await keys.clear();
  const many = () => Promise.all(Array.from({ length: 12 }, () => run(registry, login, "sleep 0.2", call)));
  for (const { outcome } of await many()) expect(outcome).toBe("exited");
  const refused = attempts();
  expect(refused).toBeGreaterThan(1);
  for (const { outcome } of await many()) expect(outcome).toBe("exited");
  expect(attempts()).toBe(refused);
  // Once the session itself was let in again, it is.
  await keys.add(key.path);
  await registry.open({ ...login, ttlMs: 50 }, call);
  await waitFor(() => registry.list(cli)[0]?.state === "cached", { what: "the end of the idle time" });
  await many();
  expect(attempts()).toBeGreaterThan(refused + 1);
});

test("no more than eight logins are under way at one server, and the wait counts in no limit of theirs", async () => {
  open({});
  const waiting: (() => void)[] = [];
  const server = await startScriptedServer({
    authenticate: (context, attempt) => (attempt === 1 ? waiting.push(() => context.accept()) : context.reject()),
  });
  const login = (name: string, call = callOf(), timeoutMs = 300) =>
    registry.open(requestFor(`tester@127.0.0.1:${server.port}`, { name, timeoutMs }), call);
  const opened = Array.from({ length: 8 }, (_, index) => login(`s${index}`, callOf(), 20_000));
  await waitFor(() => waiting.length === 8, { what: "eight attempts" });
  opened.push(login("s8"), login("s9"));
  const impatient = callOf();
  const canceled = login("impatient", impatient);
  canceled.catch(() => {});
  // Longer than the limit of those in line: it is the time that is tried here.
  await Bun.sleep(500);
  impatient.leave();
  await expect(canceled).rejects.toMatchObject({ code: "CANCELED" });
  expect(waiting).toHaveLength(8);
  while (registry.size < 10) {
    waiting.shift()?.();
    await Bun.sleep(1);
  }
  for (const { info } of await Promise.all(opened)) expect(info.state).toBe("live");
});

describe("time", () => {
  test("that passed while the machine slept ends a session's idle time, whatever its timer saw", async () => {
    const clock = testClock();
    open({ clock });
    const before = logins();
    expect((await registry.open(request(), callOf())).expiresAt?.getTime()).toBe(clock.wall() + 15 * minute);
    clock.pass(14 * minute);
    expect(registry.list(cli)).toMatchObject([{ state: "live", idleMs: 14 * minute, expiresInMs: minute }]);
    await run(registry, request(), "true");
    clock.pass(15 * minute);
    expect(await run(registry, named("127.0.0.1-2"), "echo back")).toMatchObject({ stdout: "back\n" });
    expect(logins() - before).toBe(2);
    expect(await registry.open(request(), callOf())).toMatchObject({ reused: true });
    clock.pass(15 * minute);
    expect(await registry.open(request(), callOf())).toMatchObject({ reused: true });
  });

  test("does not end a session that is to stay, nor one with a longer time", async () => {
    const clock = testClock();
    open({ clock });
    const before = logins();
    expect((await registry.open(request({ name: "stays", ttlMs: 0 }), callOf())).expiresAt).toBeNull();
    await registry.open(request({ name: "long", ttlMs: 8 * hour }), callOf());
    clock.pass(7 * hour);
    for (const name of ["stays", "long"]) await run(registry, named(name), "true");
    expect(logins() - before).toBe(2);
    expect(registry.list(cli)).toMatchObject([{ expiresInMs: null }, { expiresInMs: 8 * hour }]);
    // What a later connect says of it counts from then on.
    await registry.open(request({ name: "long", ttlMs: 1 * hour, title: "shorter" }), callOf());
    expect(registry.list(cli)[1]).toMatchObject({ title: "shorter", expiresInMs: 1 * hour });
  });

  test("on the wall alone extends nothing and ends nothing", async () => {
    const clock = testClock();
    open({ clock });
    await registry.open(request(), callOf());
    clock.pass(10 * minute);
    clock.setWall(Date.parse("2010-01-01T00:00:00Z"));
    expect(registry.list(cli)).toMatchObject([{ idleMs: 10 * minute, ageMs: 10 * minute, expiresInMs: 5 * minute }]);
    clock.setWall(Date.parse("2040-01-01T00:00:00Z"));
    expect(registry.list(cli)).toMatchObject([{ idleMs: 10 * minute, ageMs: 10 * minute, expiresInMs: 5 * minute }]);
  });

  test("ends what a person logged in to after twelve hours, however busy: what runs ends as it would, nothing new begins", async () => {
    const clock = testClock();
    open({ clock });
    const { info } = await byPassword("person");
    expect(info).toMatchObject({ needsPerson: true, expiresInMs: 15 * minute });
    await registry.open(request({ name: "key", ttlMs: 0 }), callOf());
    await registry.open(request({ name: "person", identityFiles: ["none"], ttlMs: 0 }), callOf());
    clock.pass(11 * hour);
    const started = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const running = registry.use(named("person"), callOf()).then((session) =>
      session.exec(
        {
          command: "echo; read line; echo $line",
          stdin: (async function* () {
            await released.promise;
            yield Buffer.from("to the end\n");
          })(),
          stdout: { write: async () => started.resolve() },
          stderr: { write: async () => {} },
          timeoutMs: null,
        },
        callOf(),
      ),
    );
    await started.promise;
    clock.pass(1 * hour);
    expect(registry.holdsPersonSession).toBe(true);
    await expect(run(registry, named("person"), "true", agent())).rejects.toMatchObject({
      code: "AUTH_REQUIRED",
      hint: expect.stringContaining("connect --name person "),
    });
    expect(registry.list(cli)).toMatchObject([{ state: "cached", running: 1 }, { state: "live" }]);
    expect([registry.liveConnections, registry.holdsPersonSession]).toEqual([2, false]);
    released.resolve();
    expect(await running).toMatchObject({ outcome: "exited", exitCode: 0, stdoutBytes: 12 });
    await waitFor(() => registry.liveConnections === 1, { what: "the old login to end" });
    expect(await run(registry, named("key"), "true")).toMatchObject({ exitCode: 0 });
  });

  test("forgets what nobody used for thirty days, and nothing that is connected", async () => {
    const clock = testClock();
    open({ clock });
    await registry.open(request({ name: "old" }), callOf());
    await registry.open(request({ name: "stays", ttlMs: 0 }), callOf());
    clock.pass(29 * day);
    expect(registry.list(cli)).toMatchObject([
      { name: "old", state: "cached" },
      { name: "stays", state: "live" },
    ]);
    await run(registry, named("old"), "true");
    clock.pass(30 * day);
    expect(namesOf(registry)).toEqual(["old", "stays"]);
    clock.pass(1);
    await expect(run(registry, named("old"), "true")).rejects.toMatchObject({ code: "DNS_FAILED" });
    expect([namesOf(registry), registry.size]).toEqual([["stays"], 1]);
  });
});
