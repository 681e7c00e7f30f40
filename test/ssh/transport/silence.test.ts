/** Links that go silent: a cable that was pulled, a machine that slept. */
import { afterAll, afterEach, expect, setSystemTime, test } from "bun:test";
import { behaviours } from "../../support/behaviours.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startProxy, type TcpProxy } from "../../support/proxy.ts";
import { type ScriptedServer, startScriptedServer } from "../../support/scripted-server.ts";
import { waitFor, within } from "../../support/wait.ts";
import { open, run, type TestConnectionOptions } from "../open.ts";

afterAll(cleanup);
afterEach(() => {
  setSystemTime();
});

const link = async (options: Partial<TestConnectionOptions> = {}) => {
  const server: ScriptedServer = await startScriptedServer(behaviours.echo);
  const proxy: TcpProxy = await startProxy({ host: "127.0.0.1", port: server.port });
  const connection = await open({ port: proxy.port, user: "tester", ...options });
  await run(connection, "first");
  return { server, proxy, connection };
};

/** The wall clock jumps and the monotonic one does not: what a suspended machine sees when it wakes up. */
const sleepAnHour = (): void => {
  setSystemTime(new Date(Date.now() + 3_600_000));
};

test("after a clock gap the peer is asked first, and then gets the command", async () => {
  const { server, proxy, connection } = await link();
  proxy.setDelay(25);
  proxy.resetCount();
  await run(connection, "fresh");
  const fresh = proxy.roundTrips();
  sleepAnHour();
  proxy.resetCount();
  expect(await run(connection, "woken")).toMatchObject({ stdout: "woken\n", exitCode: 0 });
  expect(proxy.roundTrips()).toBe(fresh + 1);
  expect(server.runs.map(({ command }) => command)).toEqual(["first", "fresh", "woken"]);
});

test("after a clock gap a dead peer is found out before anything is handed over", async () => {
  const { server, proxy, connection } = await link();
  sleepAnHour();
  proxy.freeze();
  await expect(run(connection, "never")).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  expect(connection.isOpen).toBe(false);
  proxy.thaw();
  expect(server.runs.map(({ command }) => command)).toEqual(["first"]);
});

test("a peer that goes silent in the middle of a command: keepalives end it, and the outcome is unknown", async () => {
  const server = await startScriptedServer(behaviours["hangs-in-command"]);
  const proxy = await startProxy({ host: "127.0.0.1", port: server.port });
  const connection = await open({ port: proxy.port, user: "tester", keepalive: { intervalMs: 50, countMax: 3 } });
  const running = run(connection, "hang");
  await waitFor(() => server.runs.length === 1, { what: "the command" });
  proxy.freeze();
  expect(await running).toMatchObject({ outcome: "unknown", exitCode: null, stopped: null });
  expect(connection.isOpen).toBe(false);
});

test("a corrupted packet ends the connection, and the outcome is unknown", async () => {
  const server = await startScriptedServer(behaviours["hangs-in-command"]);
  const proxy = await startProxy({ host: "127.0.0.1", port: server.port });
  const connection = await open({ port: proxy.port, user: "tester" });
  const running = run(connection, "hang");
  await waitFor(() => server.runs.length === 1, { what: "the command" });
  proxy.corrupt("toClient", 0);
  server.runs[0]?.accept().write("some output");
  expect(await running).toMatchObject({ outcome: "unknown", stdout: "" });
  expect(server.runs).toHaveLength(1);
});

test("a peer that breaks the protocol and keeps the link open: the command ends all the same", async () => {
  const server = await startScriptedServer(behaviours["hangs-in-command"]);
  const proxy = await startProxy({ host: "127.0.0.1", port: server.port });
  const connection = await open({ port: proxy.port, user: "tester" });
  const running = run(connection, "hang");
  await waitFor(() => server.runs.length === 1, { what: "the command" });
  // Our goodbye does not arrive, so the peer never closes its side.
  proxy.setDelay({ toServer: 600_000, toClient: 0 });
  proxy.corrupt("toClient", 0);
  server.runs[0]?.accept().write("some output");
  expect(await within(running, { what: "the outcome" })).toMatchObject({ outcome: "unknown", stdout: "" });
});

test("a link that dies while commands wait in line: all of them are told, and nothing of them was sent", async () => {
  const ran: string[] = [];
  const server = await startScriptedServer({
    openChannel: (index) => index === 1,
    exec: (command) => {
      ran.push(command.command);
      command.accept();
    },
  });
  const proxy = await startProxy({ host: "127.0.0.1", port: server.port });
  const connection = await open({ port: proxy.port, user: "tester" });
  const first = run(connection, "first");
  await waitFor(() => ran.length === 1, { what: "the command" });
  const others = ["second", "third"].map((command) => run(connection, command).catch((error: unknown) => error));
  await waitFor(() => connection.isFull, { what: "the line" });
  proxy.cut("reset");
  expect(await within(first, { what: "the outcome" })).toMatchObject({ outcome: "unknown" });
  for (const error of await within(Promise.all(others), { what: "the others" })) {
    expect(error).toMatchObject({ code: "CONNECTION_LOST" });
  }
  expect(ran).toEqual(["first"]);
});
