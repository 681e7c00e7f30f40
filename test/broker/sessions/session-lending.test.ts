/** What an agent can see, use, name and close, and what a person can take back. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import type { OpenRequest } from "../../../src/core/session.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { withEnvironment } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";
import { callOf, cli, execOn, model, named, namesOf, requestFor, run } from "./sessions.ts";

setDefaultTimeout(30_000);

let key: KeyPair;
let user: TemporaryUser;
let sshd: Sshd;
let config: string;
let registry: SessionRegistry;

beforeAll(async () => {
  key = await makeKey();
  user = await makeUser({ shell: "/bin/sh" });
  sshd = await startSshd({ authorizedKeys: [key.line], options: ["AcceptEnv LANG LC_*"] });
  config = join(tempDir("config"), "config");
  const common = `  HostName 127.0.0.1\n  Port ${sshd.port}\n  IdentityFile ${key.path}\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n`;
  writeFileSync(config, `Host web\n  User ${user.name}\n${common}Host prod\n  User ${sshd.user}\n${common}`, {
    mode: 0o600,
  });
});
beforeEach(() => {
  registry = new SessionRegistry();
});
afterEach(() => registry.closeAll());
afterAll(cleanup);

const at = (destination: string, extra: Partial<OpenRequest> = {}): OpenRequest =>
  requestFor(destination, { configFile: config, options: [], ...extra });
const agent = (client?: string) => callOf({ caller: model(client) });
const running = (mark: string): boolean => withEnvironment((variable) => variable === `LC_MARK=${mark}`).length > 0;
const logins = (): number => sshd.log().split("Accepted publickey").length - 1;

/** A command that runs until it is stopped. */
const start = async (target: string, call = callOf()) => {
  const mark = crypto.randomUUID();
  const result = run(registry, at(target), `LC_MARK=${mark} sleep 600`, call);
  result.catch(() => {});
  await waitFor(() => running(mark), { what: "the command" });
  return { result, isRunning: () => running(mark) };
};

describe("a private session", () => {
  test("is not there for an agent: not to see, not to use, not to close, not to lend", async () => {
    const before = logins();
    await run(registry, at("web"), "true");
    const privately = await start("web");
    expect(namesOf(registry)).toEqual(["web"]);
    expect([registry.list(model()), registry.calls(model())]).toEqual([[], []]);

    const ran = await run(registry, at("web"), "echo $PPID", agent());
    expect(ran.name).toBe("web-2");
    expect(ran.stdout).not.toBe((await run(registry, named("web"), "echo $PPID")).stdout);
    expect(logins() - before).toBe(2);

    expect(await registry.close(["web"], model())).toEqual([]);
    expect(await registry.close("all", model())).toEqual(["web-2"]);
    for (const lent of [true, false]) {
      const lending = registry.lend("web", lent, agent());
      await expect(lending).rejects.toMatchObject({ code: "SESSION_NOT_FOUND", message: 'there is no session "web"' });
    }
    expect(privately.isRunning()).toBe(true);
    await registry.close("all", cli);
    expect(await privately.result).toMatchObject({ outcome: "canceled" });
  });

  test("under a name of the person's own leads an agent nowhere: the name is a host that there is not", async () => {
    await registry.open(at("web", { name: "mine", lent: false }), callOf());
    const before = logins();
    const used = run(registry, at("mine"), "true", agent());
    await expect(used).rejects.toMatchObject({ code: "DNS_FAILED", message: expect.not.stringContaining("127.0.0.1") });
    const taken = registry.open(at("web", { name: "mine" }), agent());
    const error = await taken.catch((failure) => failure);
    expect(error).toMatchObject({ code: "ALREADY_EXISTS", message: "the name mine belongs to another session" });
    expect(error.hint).toBe('ssh_connect {"destination":"web","name":"NAME"}');
    expect(logins()).toBe(before);
    expect(namesOf(registry)).toEqual(["mine"]);
  });

  test("can be lent, and taken back while an agent uses it: what the agent runs is stopped, what the person runs is not", async () => {
    await run(registry, at("web"), "true");
    expect(await registry.lend("web", true, callOf())).toMatchObject({ name: "web", lent: true });
    const [agents, persons] = [await start("web", agent()), await start("web")];
    expect(registry.calls(model()).map(({ by }) => by.face)).toEqual(["mcp", "cli"]);
    const session = await registry.use(named("web"), agent());

    expect(await registry.lend("web", false, callOf())).toMatchObject({ lent: false, running: 1 });
    expect(await agents.result).toMatchObject({ outcome: "canceled", stopped: "confirmed" });
    expect([agents.isRunning(), persons.isRunning()]).toEqual([false, true]);
    // What the agent has in hand is worth nothing any more.
    await expect(execOn(session, "true", agent())).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
    expect(registry.list(model())).toEqual([]);
    await registry.close("all", cli);
    await persons.result;
  });

  test("that is taken back while an agent waits for its login is not the agent's when that is through", async () => {
    let accept: (() => void) | null = null;
    const server = await startScriptedServer({
      authenticate: (context) => {
        accept = () => context.accept();
      },
      exec: (each) => each.finish(0),
    });
    const letIn = async (): Promise<void> => {
      await waitFor(() => accept !== null, { what: "the attempt" });
      accept?.();
      accept = null;
    };
    const login = requestFor(`tester@127.0.0.1:${server.port}`, { name: "slow", ttlMs: 50 });
    const opened = registry.open(login, callOf());
    await letIn();
    await opened;
    await waitFor(() => registry.list(cli)[0]?.state === "cached", { what: "the end of the idle time" });
    const calls = [run(registry, named("slow"), "x", agent()), registry.open(login, agent())];
    const results = Promise.allSettled(calls);
    await waitFor(() => accept !== null, { what: "the attempt" });
    await registry.lend("slow", false, callOf());
    await letIn();
    for (const result of await results) expect(result).toMatchObject({ reason: { code: "SESSION_NOT_FOUND" } });
    expect(server.runs).toEqual([]);
  });

  test("is what connect --private makes, also of one that was lent; never of an agent's own", async () => {
    await registry.open(at("web"), callOf());
    expect(registry.list(model())).toMatchObject([{ name: "web", lent: true }]);
    expect(await registry.open(at("web", { lent: false }), callOf())).toMatchObject({
      reused: true,
      info: { name: "web", lent: false },
    });
    expect(registry.list(model())).toEqual([]);
    // Connecting again says nothing about it.
    const again = callOf();
    expect((await registry.open(at("web"), again)).info.lent).toBe(false);
    expect(again.notices).toEqual(["web is private: ssh-mcp lend web lends it to agents"]);

    await run(registry, at("prod"), "true", agent());
    const mine = await registry.open(at("prod", { lent: false }), callOf());
    expect(mine).toMatchObject({ reused: false, info: { name: "prod-2", lent: false, openedBy: { face: "cli" } } });
    expect(namesOf(registry, model())).toEqual(["prod"]);
  });
});

test("a call that found its session connected does not go elsewhere when that is over by then", async () => {
  const path = join(tempDir("config"), "config");
  const text = readFileSync(config, "utf8");
  writeFileSync(path, text, { mode: 0o600 });
  const request = requestFor("web", { configFile: path, options: [], ttlMs: 50 });
  await registry.open(request, callOf());
  const again = await registry.use(named("web"), agent());
  await waitFor(() => registry.list(cli)[0]?.state === "cached", { what: "the end of the idle time" });
  expect(await execOn(again, "id -un", agent())).toMatchObject({ stdout: `${user.name}\n` });
  await waitFor(() => registry.list(cli)[0]?.state === "cached", { what: "the end of the idle time" });
  writeFileSync(path, text.replace(`User ${user.name}`, `User ${sshd.user}`));
  const before = logins();
  await expect(execOn(again, "id -un", agent())).rejects.toMatchObject({
    code: "CONNECTION_LOST",
    message: "the connection of web was lost, and it leads elsewhere by now; no command was sent",
    hint: 'ssh_exec {"target":"web","command":"COMMAND"}',
  });
  expect(logins()).toBe(before);
  // The next one hears of it.
  const next = agent();
  await run(registry, named("web"), "true", next);
  expect(next.notices).toEqual([expect.stringContaining(`web now leads to ${sshd.user}@`)]);
});

describe("a session that exec opened", () => {
  test("is lent by the first connect, for nobody asked that it be private", async () => {
    await run(registry, at("web"), "true");
    expect(namesOf(registry, model())).toEqual([]);
    const call = callOf();
    expect(await registry.open(at("web"), call)).toMatchObject({ reused: true, info: { name: "web", lent: true } });
    expect([namesOf(registry, model()), call.notices]).toEqual([["web"], []]);
    await registry.lend("web", false, callOf());
    expect(await registry.open(at("web"), callOf())).toMatchObject({ info: { lent: false } });
  });

  test("is lent by a connect that joined its login, too", async () => {
    const ran = run(registry, at("web"), "true");
    const opened = registry.open(at("web"), callOf());
    expect(await opened).toMatchObject({ reused: false, info: { name: "web", lent: true } });
    await ran;
    expect(namesOf(registry, model())).toEqual(["web"]);
  });
});

describe("an agent", () => {
  test("shares what it opens with other agents until a person takes it back; then it is the person's", async () => {
    const own = await start("web", agent("one"));
    const others = await start("web", agent("two"));
    expect(namesOf(registry, model("two"))).toEqual(["web"]);
    await registry.lend("web", false, callOf());
    for (const { result } of [own, others]) expect(await result).toMatchObject({ outcome: "canceled" });
    for (const client of ["one", "two"]) {
      expect(namesOf(registry, model(client))).toEqual([]);
      expect(await registry.close(["web"], model(client))).toEqual([]);
    }
    expect(registry.list(cli)).toMatchObject([{ name: "web", lent: false, openedBy: { face: "cli", client: "cli" } }]);
    // What it opens again is another one.
    expect(await run(registry, at("web"), "true", agent("one"))).toMatchObject({ name: "web-2" });
  });

  test("cannot lend or take back, even what it sees", async () => {
    await registry.open(at("web"), callOf());
    await expect(registry.lend("web", false, agent())).rejects.toMatchObject({
      code: "POLICY_DENIED",
      hint: "ssh-mcp unlend web",
    });
    // Nor by opening it again: private is a person's word.
    await registry.open(at("web", { lent: false }), agent());
    expect(registry.list(cli)).toMatchObject([{ name: "web", lent: true }]);
  });

  test("says nothing of a person's session, whatever it asks for; of its own it may", async () => {
    await registry.open(at("web", { title: "the web", ttlMs: 0 }), callOf());
    const call = agent();
    expect(await registry.open(at("web", { title: "mine now", ttlMs: 50 }), call)).toMatchObject({
      reused: true,
      expiresAt: null,
      info: { title: "the web" },
    });
    expect(call.notices).toEqual(["web is a person's session: its title and idle time stay as they are"]);
    await registry.open(at("prod"), agent("one"));
    expect(await registry.open(at("prod", { title: "mine" }), agent("one"))).toMatchObject({ info: { title: "mine" } });
    const other = agent("two");
    expect(await registry.open(at("prod", { title: "ours" }), other)).toMatchObject({ info: { title: "mine" } });
    expect(other.notices).toEqual(["prod is another agent's session: its title and idle time stay as they are"]);
  });

  test.each(["prod", "prod.example.com", "10.1.2.3", "10.1", "167772165", "0xa000005", "1", "localhost"])(
    "cannot name a session %s, after another host",
    async (name) => {
      await expect(registry.open(at("web", { name }), agent())).rejects.toMatchObject({
        code: "ALREADY_EXISTS",
        message: `the name ${name} stands for another host`,
      });
      expect(registry.list(cli)).toEqual([]);
    },
  );
});

test("calls are listed with an id of their own, oldest first, under the session's name", async () => {
  const [one, two] = [await start("web"), await start("prod", agent())];
  const before = Date.now();
  const calls = registry.calls(cli);
  expect(calls).toMatchObject([
    { id: "c1", session: "web", command: expect.stringContaining("sleep 600"), by: { face: "cli", client: "cli" } },
    { id: "c2", session: "prod", by: { face: "mcp", client: "editor 1.0" } },
  ]);
  for (const { startedAt } of calls) expect(startedAt.getTime()).toBeLessThanOrEqual(before);
  expect(registry.calls(model()).map(({ id }) => id)).toEqual(["c2"]);
  await registry.close("all", cli);
  await Promise.all([one.result, two.result]);
  expect(registry.calls(cli)).toEqual([]);
  await start("web");
  expect(registry.calls(cli).map(({ id }) => id)).toEqual(["c3"]);
});
