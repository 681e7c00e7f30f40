/** What a connection asks of the process behind it, and what the process asks of a connection. */
import { describe, expect, test } from "bun:test";
import { createDispatch } from "../../../src/broker/process/dispatch.ts";
import type { BrokerHost } from "../../../src/broker/process/greeting.ts";
import { Load } from "../../../src/broker/process/load.ts";
import { type ServedConnection, serveConnection } from "../../../src/broker/process/server.ts";
import { createPair } from "../../../src/broker/wire/pair.ts";
import type { BrokerStatus, ClientMessage } from "../../../src/broker/wire/protocol.ts";
import { SshMcpError } from "../../../src/core/errors.ts";
import { machinePlace } from "../../../src/files/machine.ts";
import { waitFor, within } from "../../support/wait.ts";
import { noHosts, noSessions, operations } from "./fake-operations.ts";
import { RawPeer, request } from "./raw-peer.ts";

const dispatch = createDispatch({ operations, sessions: noSessions, hosts: noHosts, rules: [] });

const status: BrokerStatus = {
  pid: 42,
  version: "1.2.3",
  protocol: 1,
  socket: "/run/s",
  uptimeMs: 5,
  sessions: 1,
  connections: 2,
  clients: 3,
  calls: 4,
};

interface Served {
  peer: RawPeer;
  connection: ServedConnection;
  stops: ServedConnection[];
  releases: string[];
}

const serve = (changes: Partial<BrokerHost> = {}): Served => {
  const stops: ServedConnection[] = [];
  const releases: string[] = [];
  const host: BrokerHost = {
    place: machinePlace(),
    status: () => status,
    stop: (asking) => void stops.push(asking),
    givesWayTo: (release) => {
      releases.push(release);
      return false;
    },
    ...changes,
  };
  const [near, far] = createPair();
  const connection = serveConnection(far, { dispatch, release: "1.2.3", load: new Load(), host });
  return { peer: new RawPeer(near), connection, stops, releases };
};

const hello = (changes: object = {}): object => ({
  ...({ kind: "hello", protocol: 1, release: "1.2.3", place: machinePlace(), stop: false } satisfies ClientMessage),
  ...changes,
});

const closed = (peer: RawPeer): Promise<unknown> => waitFor(() => peer.closed, { what: "the close", interval: 1 });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("hello", () => {
  test("from another place is refused before anything runs, and says what to do instead", async () => {
    const { peer } = serve();
    peer.control(0, hello({ place: "other-machine mnt:[1]" }));
    peer.control(1, request("both"));
    const { error } = await peer.message(0, "failure");
    expect(error).toMatchObject({ code: "BROKER_UNAVAILABLE", hint: "ssh-mcp --no-broker …", retryable: false });
    expect(error).toMatchObject({ message: expect.stringContaining("another machine or container") });
    await closed(peer);
    expect(peer.messages(1)).toEqual([]);
  });

  test.each<[string, object]>([
    ["this version", {}],
    ["another version", { protocol: 99 }],
    ["another place", { place: "other-machine" }],
  ])("that asks for the end is obeyed, from %s", async (_what, changes) => {
    const { peer, connection, stops, releases } = serve();
    peer.control(0, hello({ ...changes, stop: true }));
    await peer.message(0, "welcome");
    expect(stops).toEqual([connection]);
    expect(releases).toEqual([]);
    expect(peer.closed).toBe(false);
  });

  test("of a release to give way to is not answered, and its request is not accepted", async () => {
    const free = Promise.withResolvers<void>();
    const served: Served = serve({
      givesWayTo: (release) => {
        expect(release).toBe("2.0.0");
        served.connection.leave(free.promise);
        return true;
      },
    });
    const { peer } = served;
    peer.control(0, hello({ release: "2.0.0" }));
    peer.control(1, request("both"));
    for (let i = 0; i < 5; i++) await turn();
    // The place must be free before the client comes again.
    expect(peer.closed).toBe(false);
    free.resolve();
    await closed(peer);
    expect(peer.frames).toEqual([]);
  });
});

describe("status", () => {
  test("is the result of a call, which is not an operation", async () => {
    const { peer, connection } = serve();
    peer.hello();
    peer.control(7, { kind: "status" });
    expect(await peer.message(7, "result")).toEqual({ kind: "result", value: status, chunked: false });
    expect(connection.running).toBe(0);
  });

  test.each([
    ["as call 0", 0],
    ["as the number of a running call", 1],
  ])("asked %s breaks the connection", async (_what, call) => {
    const { peer } = serve();
    peer.hello();
    peer.control(1, request("sleep"));
    peer.control(call, { kind: "status" });
    expect(await peer.message(0, "failure")).toMatchObject({ error: { code: "PROTOCOL_ERROR" } });
  });

  test("is not for a broker inside its client", async () => {
    const [near, far] = createPair();
    serveConnection(far, { dispatch, release: "1", load: new Load(), host: null });
    const peer = new RawPeer(near);
    peer.hello();
    peer.control(1, { kind: "status" });
    expect(await peer.message(0, "failure")).toMatchObject({ error: { code: "PROTOCOL_ERROR" } });
  });
});

describe("a connection that is left", () => {
  test("closes without a word when nothing runs", async () => {
    const { peer, connection } = serve();
    peer.hello();
    await peer.message(0, "welcome");
    connection.leave(Promise.resolve());
    peer.control(1, request("both"));
    await closed(peer);
    expect(peer.messages(1)).toEqual([]);
    expect(peer.messages(0).map(({ kind }) => kind)).toEqual(["welcome"]);
  });

  test("finishes what runs, refuses what comes without accepting it, then closes", async () => {
    const { peer, connection } = serve();
    peer.hello();
    peer.control(1, request("sleep"));
    peer.control(2, request("ask", { asks: true }));
    await peer.message(2, "accepted");
    connection.leave(Promise.resolve());
    connection.leave(Promise.resolve());
    await peer.message(0, "leaving");
    peer.control(3, request("both"));
    expect(await peer.message(3, "failure")).toMatchObject({ error: { code: "BROKER_UNAVAILABLE", retryable: true } });
    expect(peer.messages(3).map(({ kind }) => kind)).toEqual(["failure"]);
    peer.control(2, { kind: "answer", prompt: 1, value: "hunter2" });
    expect(await peer.message(2, "result")).toMatchObject({ value: { text: "hunter2" } });
    expect(peer.closed).toBe(false);
    peer.control(1, { kind: "cancel" });
    await peer.message(1, "result");
    await closed(peer);
    await within(connection.ended, { what: "the end" });
    expect(peer.messages(0).map(({ kind }) => kind)).toEqual(["welcome", "leaving"]);
  });

  test("whose calls are canceled by the process still gets their results", async () => {
    const { peer, connection } = serve();
    peer.hello();
    peer.control(1, request("sleep"));
    await peer.message(1, "accepted");
    connection.cancel("the broker was stopped");
    connection.leave(Promise.resolve());
    expect(await peer.message(1, "result")).toMatchObject({ value: { text: "canceled" } });
    await closed(peer);
  });

  test("that is refused is told why", async () => {
    const { peer, connection } = serve();
    connection.refuse(new SshMcpError("BROKER_UNAVAILABLE", "full"));
    expect(await peer.message(0, "failure")).toMatchObject({ error: { message: "full" } });
    await within(connection.ended, { what: "the end" });
  });
});
