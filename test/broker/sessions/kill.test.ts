/** Calls that are stopped by their ids. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { startProxy } from "../../support/proxy.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { waitFor } from "../../support/wait.ts";
import { callOf, cli, model, named, requestFor, run } from "./sessions.ts";

let key: KeyPair;
let sshd: Sshd;
let registry: SessionRegistry;

beforeAll(async () => {
  key = await makeKey();
  sshd = await startSshd({ authorizedKeys: [key.line], options: ["AcceptEnv LC_*"] });
});
beforeEach(() => {
  registry = new SessionRegistry();
});
afterEach(() => registry.closeAll());
afterAll(cleanup);

const request = (name: string) =>
  requestFor(`${sshd.user}@127.0.0.1:${sshd.port}`, { identityFiles: [key.path], name });

const begin = async (target: string, command: string, call = callOf()) => {
  const begun = Promise.withResolvers<void>();
  const result = run(registry, named(target), `echo; ${command}`, call, begun.resolve);
  await begun.promise;
  return { result };
};

test("stops the calls that are named, whoever made them, and tells their callers who it was", async () => {
  await registry.open(request("web"), callOf());
  const mine = await begin("web", "sleep 60");
  const agents = await begin("web", "sleep 60", callOf({ caller: model() }));
  const other = await begin("web", "sleep 1; echo unharmed");
  const [first, second] = registry.calls(cli).map(({ id }) => id);
  expect(await registry.kill([`${first}`, `${second}`, `${first}`], cli)).toEqual([
    { id: `${first}`, session: "web", stopped: "confirmed" },
    { id: `${second}`, session: "web", stopped: "confirmed" },
  ]);
  for (const [id, { result }] of [
    [first, mine],
    [second, agents],
  ] as const) {
    expect(await result).toMatchObject({ outcome: "canceled", reason: `the call ${id} was stopped by ssh-mcp kill` });
  }
  expect(await other.result).toMatchObject({ outcome: "exited", stdout: "\nunharmed\n" });
  expect(registry.calls(cli)).toEqual([]);
});

test("an id that does not run is an error, and then nothing is stopped", async () => {
  await registry.open(request("web"), callOf());
  const { result } = await begin("web", "sleep 1; echo unharmed");
  const [call] = registry.calls(cli);
  await expect(registry.kill([`${call?.id}`, "c99"], cli)).rejects.toMatchObject({
    code: "NOT_FOUND",
    message: 'no call "c99" is running; none was stopped',
    hint: "ssh-mcp ls --running",
  });
  expect(await result).toMatchObject({ outcome: "exited", stdout: "\nunharmed\n" });
  await expect(registry.kill([`${call?.id}`], cli)).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("one that has not begun on the server never does", async () => {
  const server = await startScriptedServer({ openChannel: (index) => index === 1, exec: (each) => each.accept() });
  const target = requestFor(`tester@127.0.0.1:${server.port}`, { name: "busy" });
  // Nobody here may log in a second time beside it: the call waits in line.
  registry = new SessionRegistry({ limit: 1 });
  await registry.open(target, callOf());
  const holding = callOf();
  const first = run(registry, named("busy"), "first", holding);
  await waitFor(() => server.runs.length === 1, { what: "the first command" });
  const second = run(registry, named("busy"), "second");
  second.catch(() => undefined);
  const waiting = await waitFor(() => registry.calls(cli)[1], { what: "the second call" });
  expect(await registry.kill([waiting.id], cli)).toEqual([{ id: waiting.id, session: "busy", stopped: null }]);
  await expect(second).rejects.toMatchObject({
    code: "CANCELED",
    message: `the call ${waiting.id} was stopped by ssh-mcp kill before the command was sent`,
  });
  holding.leave();
  await first;
  expect(server.runs.map(({ command }) => command)).toEqual(["first"]);
});

describe("a command that is over, and whose reader stands still, is held by nobody:", () => {
  /** Its reader takes nothing; resolves when it has ended on the server. */
  const unread = async (timeoutMs: number | null = null) => {
    await registry.open(request("web"), callOf());
    const session = await registry.use(named("web"), callOf());
    const reader = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const write = (): Promise<void> => {
      begun.resolve();
      return reader.promise;
    };
    const stdin = (async function* () {})();
    const sinks = { stdout: { write }, stderr: { write } };
    const result = session.exec({ command: "echo $$", stdin, ...sinks, timeoutMs }, callOf());
    await begun.promise;
    // The server answers in order: by the end of this one, that one's is told.
    await run(registry, named("web"), "true");
    return { result, read: () => reader.resolve() };
  };

  test("kill says that there was nothing to stop", async () => {
    const { result, read } = await unread();
    const [call] = registry.calls(cli);
    expect(await registry.kill([`${call?.id}`], cli)).toEqual([{ id: `${call?.id}`, session: "web", stopped: null }]);
    const reason = `the call ${call?.id} was stopped by ssh-mcp kill`;
    expect(await result).toMatchObject({ outcome: "canceled", exitCode: null, stopped: null, reason });
    read();
  });

  test("the session is closed", async () => {
    const { result, read } = await unread();
    expect(await registry.close(["web"], cli)).toEqual(["web"]);
    expect(["canceled", "unknown"]).toContain((await result).outcome);
    read();
  });

  test("and a limit of time takes nothing from what it has still to read", async () => {
    const { result, read } = await unread(1500);
    const later = run(registry, named("web"), "sleep 1.6").then(() => "waits" as const);
    expect(await Promise.race([result, later])).toBe("waits");
    read();
    expect(await result).toMatchObject({ outcome: "exited", exitCode: 0 });
  });
});

test("a call whose connection is lost with it may still run: that is no end", async () => {
  const proxy = await startProxy(sshd);
  const target = requestFor(`${sshd.user}@127.0.0.1:${proxy.port}`, { identityFiles: [key.path], name: "far" });
  await registry.open(target, callOf());
  const { result } = await begin("far", "sleep 2");
  const [call] = registry.calls(cli);
  proxy.cut("reset");
  // Nobody here has heard of it yet.
  expect(await registry.kill([`${call?.id}`], cli)).toEqual([
    { id: `${call?.id}`, session: "far", stopped: "unconfirmed" },
  ]);
  expect(["canceled", "unknown"]).toContain((await result).outcome);
});
