/** Logins to one session by callers with different agents: whose agent has the key waits for nobody's password. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import { SshMcpError } from "../../../../src/core/errors.ts";
import type { Caller } from "../../../../src/core/operation.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { type SshAgent, startSshAgent } from "../../../support/ssh-agent.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";
import { waitFor } from "../../../support/wait.ts";
import { callOf, cli, model, Person, requestFor, run } from "../sessions.ts";

setDefaultTimeout(30_000);

let key: KeyPair;
let user: TemporaryUser;
let sshd: Sshd;
let keeper: SshAgent;
let stranger: SshAgent;
let registry: SessionRegistry;

beforeAll(async () => {
  key = await makeKey();
  user = await makeUser({ shell: "/bin/sh", password: "correct horse" });
  sshd = await startSshd({ options: ["PasswordAuthentication yes"], authorizedKeys: [key.line] });
  [keeper, stranger] = [await startSshAgent(), await startSshAgent()];
  await keeper.add(key.path);
});
beforeEach(() => {
  registry = new SessionRegistry();
});
afterEach(() => registry.closeAll());
afterAll(cleanup);

const login = () => requestFor(`${user.name}@127.0.0.1:${sshd.port}`, { name: "web" });
const having = (agent: SshAgent, caller: Caller = cli): Caller => ({ ...caller, agentSocket: agent.socket });
/** Logins that their client gave up. */
const givenUp = (): number => sshd.log().split("by authenticating user").length - 1;

/** A person without an agent who sits at the prompt. */
const atPrompt = async (caller: Caller = cli) => {
  const person = new Person();
  const call = person.call(caller);
  const opened = registry.open(login(), call);
  opened.catch(() => {});
  await person.isAsked();
  return { person, call, opened };
};

test("a script whose agent has the key logs in beside a person's prompt, who gets the same connection and is asked no more", async () => {
  const before = givenUp();
  const { person, opened } = await atPrompt();
  const script = callOf({ caller: having(keeper) });
  expect(await run(registry, login(), "echo in", script)).toMatchObject({ stdout: "in\n", name: "web" });
  expect((await opened).info).toMatchObject({ name: "web", state: "live", needsPerson: false });
  expect(person.withdrawn).toBe(1);
  expect(registry.liveConnections).toBe(1);
  expect(registry.busy).toBe(false);
  await waitFor(() => givenUp() > before, { what: "the login of the prompt to be given up" });
});

test("an agent's program with the key gets in, and the person's prompt is answered by it", async () => {
  const { person, opened } = await atPrompt();
  const program = callOf({ caller: having(keeper, model()) });
  expect(await registry.open(login(), program)).toMatchObject({ info: { name: "web" }, reused: false });
  expect((await opened).info.name).toBe("web");
  expect(person.withdrawn).toBe(1);
});

test("several with the same agent make one login", async () => {
  const before = sshd.log().split("Accepted publickey").length;
  const calls = Array.from({ length: 5 }, () => callOf({ caller: having(keeper) }));
  const results = await Promise.all(calls.map((call) => run(registry, login(), "echo in", call)));
  expect(results.map(({ stdout }) => stdout)).toEqual(calls.map(() => "in\n"));
  expect(sshd.log().split("Accepted publickey").length - before).toBe(1);
});

test("who gives the password ends the other's question", async () => {
  const first = await atPrompt();
  const second = await atPrompt(having(stranger));
  await second.person.answer("correct horse");
  for (const { opened } of [first, second]) expect((await opened).info.needsPerson).toBe(true);
  expect([first.person.withdrawn, second.person.withdrawn]).toEqual([1, 0]);
  expect(registry.liveConnections).toBe(1);
});

test("a login that fails is its own callers' alone, and the session stays as long as another is under way", async () => {
  const first = await atPrompt();
  const script = callOf({ caller: having(stranger) });
  await expect(registry.open(login(), script)).rejects.toMatchObject({ code: "AUTH_REQUIRED" });
  expect(registry.busy).toBe(true);
  await first.person.answer("correct horse");
  expect((await first.opened).info).toMatchObject({ name: "web", state: "live" });
});

test("a session counts once, however many log in to it", async () => {
  registry = new SessionRegistry({ limit: 1 });
  const { opened } = await atPrompt();
  await registry.open(login(), callOf({ caller: having(keeper) }));
  expect((await opened).info.state).toBe("live");
});

test("who cannot be asked and has no agent is told that a person is being asked", async () => {
  const { opened, call } = await atPrompt();
  await expect(registry.open(login(), callOf())).rejects.toMatchObject({
    message: expect.stringContaining("a person is being asked for it at a terminal"),
  });
  call.leave();
  await expect(opened).rejects.toMatchObject({ code: "CANCELED" });
});

test.each([
  ["from another terminal", cli],
  ["by an agent (editor 1.0)", model()],
])("a session that is closed %s says so to who waits for it, and to what runs on it", async (by, caller) => {
  const { opened } = await atPrompt();
  expect(await registry.close(["web"], caller)).toEqual(["web"]);
  await expect(opened).rejects.toMatchObject({
    code: "CANCELED",
    message: `the session web was closed ${by}; no command was sent`,
  });
  await registry.open(login(), callOf({ caller: having(keeper) }));
  let begun = false;
  const running = run(
    registry,
    requestFor("web", { configFile: null, options: [] }),
    "echo in; sleep 60",
    callOf(),
    () => {
      begun = true;
    },
  );
  await waitFor(() => begun, { what: "the command" });
  await registry.close(["web"], caller);
  expect(await running).toMatchObject({ outcome: "canceled", reason: `the session web was closed ${by}` });
});

test("a call that the broker's end ends says so, and one that its own caller ends does not", async () => {
  const stopped = await atPrompt();
  stopped.call.leave(new SshMcpError("CANCELED", "the broker was stopped"));
  await expect(stopped.opened).rejects.toMatchObject({ message: "the broker was stopped; no command was sent" });
  await registry.open(login(), callOf({ caller: having(keeper) }));
  const call = callOf();
  const running = run(registry, login(), "echo in; sleep 60", call, () => call.leave());
  expect(await running).toMatchObject({ outcome: "canceled", reason: null });
});
