import { describe, expect, test } from "bun:test";
import { Clients, clientLimit, reserve } from "../../../src/broker/process/clients.ts";
import { createDispatch } from "../../../src/broker/process/dispatch.ts";
import { Load } from "../../../src/broker/process/load.ts";
import { createPair } from "../../../src/broker/wire/pair.ts";
import { waitFor } from "../../support/wait.ts";
import { fake, noHosts, noSessions, operations } from "../process/fake-operations.ts";
import { RawPeer, request } from "../process/raw-peer.ts";

const canceled = Promise.withResolvers<void>();
const letGo = Promise.withResolvers<void>();
const stubborn = fake("stubborn", async (_input, { signal }) => {
  signal.addEventListener("abort", () => canceled.resolve());
  await letGo.promise;
  return { count: 0, text: null };
});
const dispatch = createDispatch({
  operations: [...operations, stubborn],
  sessions: noSessions,
  hosts: noHosts,
  rules: [],
});

const create = (helloLimitMs?: number) => {
  const clients = new Clients({ dispatch, release: "1", load: new Load(), host: null }, helloLimitMs);
  const connect = (): RawPeer => {
    const [near, far] = createPair();
    clients.accept(far);
    return new RawPeer(near);
  };
  return { clients, connect };
};

describe("clients", () => {
  test("one too many is told so, whether it has said a word or not, and another gets the place of one that goes", async () => {
    const { clients, connect } = create();
    const peers = Array.from({ length: clientLimit }, connect);
    for (const peer of peers) peer.hello();
    expect(clients.size).toBe(clientLimit);
    const error = { code: "BROKER_UNAVAILABLE", message: "256 processes are connected to the broker already" };
    const [late, silent] = [connect(), connect()];
    late.hello();
    late.control(1, request("both"));
    expect(await late.message(1, "failure")).toMatchObject({ error });
    expect(late.messages(1)).toHaveLength(1);
    expect(await silent.message(0, "failure")).toMatchObject({ error });
    await waitFor(() => late.closed && silent.closed, { what: "the close" });
    peers[7]?.close();
    await waitFor(() => clients.size < clientLimit, { what: "a place", interval: 1 });
    const next = connect();
    next.hello();
    next.control(1, request("both"));
    await next.message(1, "result");
  });

  test("beyond the reserve are refused at once", async () => {
    const { clients, connect } = create();
    const peers = Array.from({ length: clientLimit + reserve + 20 }, connect);
    for (const peer of peers) peer.hello();
    expect(clients.size).toBe(clientLimit + reserve);
    for (const peer of peers.slice(clientLimit + reserve)) {
      expect(await peer.message(0, "failure")).toMatchObject({ error: { code: "BROKER_UNAVAILABLE" } });
    }
    await waitFor(() => clients.size === clientLimit, { what: "the reserve to be free again" });
    expect(peers[0]?.closed).toBe(false);
  });

  test("that have not said hello in time are closed, a byte now and then or not; who has said it stays", async () => {
    const { clients, connect } = create(300);
    const [polite, silent, slow] = [connect(), connect(), connect()];
    polite.hello();
    const drip = setInterval(() => slow.bytes(Uint8Array.of(0)), 50);
    const late = await Promise.all([silent.message(0, "failure"), slow.message(0, "failure")]);
    clearInterval(drip);
    for (const { error } of late) expect(error).toMatchObject({ code: "PROTOCOL_ERROR" });
    await waitFor(() => silent.closed && slow.closed, { what: "the close", interval: 1 });
    polite.control(1, request("both"));
    await polite.message(1, "result");
    expect(clients.size).toBe(1);
  });

  test("stay counted until their calls have ended, which go on without them for a while", async () => {
    const { clients, connect } = create();
    const peer = connect();
    peer.hello();
    peer.control(1, request("stubborn"));
    await peer.message(1, "accepted");
    peer.close();
    await canceled.promise;
    expect(clients.size).toBe(1);
    letGo.resolve();
    await waitFor(() => clients.size === 0, { what: "the end of its call", interval: 1 });
  });
});
