/** The client of a broker process, against brokers that are played, on the real socket. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { unlinkSync } from "node:fs";
import { join } from "node:path";
import type { CallOptions } from "../../../src/broker/client/client.ts";
import { RemoteBroker } from "../../../src/broker/client/remote.ts";
import { type ListeningSocket, listenOnSocket } from "../../../src/broker/wire/socket-transport.ts";
import { type BrokerPlace, brokerPlace, makeBrokerPlace } from "../../../src/files/broker-place.ts";
import { tryLock } from "../../../src/files/lock.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor } from "../../support/wait.ts";
import { caller, RawPeer } from "../process/raw-peer.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

interface Stage {
  place: BrokerPlace;
  remote: RemoteBroker;
  /** Everybody who has connected, in order. */
  peers: RawPeer[];
  /** The one that connected as number so-and-so, from 1, with its request. */
  asked(number: number): Promise<RawPeer>;
  listening: ListeningSocket;
}

const setStage = (patienceMs?: number): Stage => {
  const environment = { SSH_MCP_DIR: join(tempDir("b"), "base") };
  const place = brokerPlace(environment);
  makeBrokerPlace(place);
  const peers: RawPeer[] = [];
  const listening = listenOnSocket(place.socket, (transport) => peers.push(new RawPeer(transport)));
  const remote = new RemoteBroker({ environment, ...(patienceMs === undefined ? {} : { patienceMs }) });
  onCleanup(async () => {
    await remote.close();
    listening.stop();
  });
  const asked = async (number: number): Promise<RawPeer> => {
    const peer = await waitFor(() => peers[number - 1], { what: `connection ${number}` });
    await peer.message(1, "request");
    return peer;
  };
  return { place, remote, peers, asked, listening };
};

const options: CallOptions = { operation: "exec", input: {}, caller, capture: null };
const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((thrown: unknown) => thrown);
const accept = (peer: RawPeer, call = 1): void => peer.control(call, { kind: "accepted" });
const acceptAndClose = (peer: RawPeer): void => {
  accept(peer);
  peer.close();
};
const finish = (peer: RawPeer, value: unknown, call = 1): void =>
  peer.control(call, { kind: "result", value, chunked: false });

describe("a connection", () => {
  test("is made for the first call, and shared by all", async () => {
    const { remote, peers, asked } = setStage();
    expect(peers).toEqual([]);
    const calls = [1, 2, 3].map(() => remote.call(options));
    const peer = await asked(1);
    for (const call of [1, 2, 3]) {
      await peer.message(call, "request");
      finish(peer, call, call);
    }
    expect(await Promise.all(calls)).toEqual([1, 2, 3]);
    expect(peers.length).toBe(1);
    expect(peer.messages(0)).toMatchObject([{ kind: "hello", stop: false, place: expect.stringContaining("mnt:[") }]);
  });

  test("that was lost is made again for the next call", async () => {
    const { remote, asked } = setStage();
    const first = remote.call(options);
    const one = await asked(1);
    finish(one, "first");
    expect(await first).toBe("first");
    one.close();
    await waitFor(() => one.closed, { what: "the end of the connection" });
    const second = remote.call(options);
    finish(await asked(2), "second");
    expect(await second).toBe("second");
  });

  test("to a broker that leaves its place is kept for what runs, and another is made for the rest", async () => {
    const { remote, asked } = setStage();
    const first = remote.call(options);
    const one = await asked(1);
    accept(one);
    one.control(0, { kind: "leaving" });
    // It has read that when it answers this.
    one.frame(7, 1, JSON.stringify({ prompt: 1, kind: "password", text: "?", echo: false, destination: "d" }));
    await one.message(1, "answer");
    const second = remote.call(options);
    finish(await asked(2), "second");
    expect(await second).toBe("second");
    expect(one.closed).toBe(false);
    finish(one, "first");
    expect(await first).toBe("first");
  });
});

describe("a request", () => {
  test("is sent again when the broker closed before it accepted, a few times", async () => {
    const { remote, asked } = setStage();
    const outcome = remote.call(options);
    for (const number of [1, 2, 3]) (await asked(number)).close();
    finish(await asked(4), "done");
    expect(await outcome).toBe("done");
  });

  test("and no more than that", async () => {
    const { remote, asked, peers } = setStage();
    const outcome = outcomeOf(remote.call(options));
    for (const number of [1, 2, 3, 4]) (await asked(number)).close();
    expect(await outcome).toMatchObject({ code: "BROKER_UNAVAILABLE" });
    expect(peers.length).toBe(4);
  });

  test("is never sent again once it was accepted, or refused, or not answered", async () => {
    const refusal = { code: "BROKER_UNAVAILABLE", message: "elsewhere", hint: null, retryable: false };
    for (const [answer, error] of [
      [acceptAndClose, { code: "OUTCOME_UNKNOWN" }],
      [(peer: RawPeer) => peer.control(0, { kind: "failure", error: refusal }), { message: "elsewhere" }],
      [(peer: RawPeer) => peer.control(1, { kind: "failure", error: refusal }), { message: "elsewhere" }],
      [() => undefined, { message: "the broker is running and does not answer" }],
    ] as const) {
      const { remote, asked, peers } = setStage(100);
      const outcome = outcomeOf(remote.call(options));
      answer(await asked(1));
      expect(await outcome).toMatchObject(error);
      expect(peers.length).toBe(1);
    }
  });

  test("whose caller has given up is not sent again", async () => {
    const { remote, asked, peers } = setStage();
    const stop = new AbortController();
    const outcome = outcomeOf(remote.call({ ...options, signal: stop.signal }));
    const peer = await asked(1);
    stop.abort();
    peer.close();
    expect(await outcome).toMatchObject({ code: "CANCELED" });
    expect(peers[1]?.messages(1) ?? []).toEqual([]);
  });
});

test("after close nothing is tried again", async () => {
  const { remote, asked, peers } = setStage();
  const outcome = outcomeOf(remote.call(options));
  await asked(1);
  await remote.close();
  expect(await outcome).toMatchObject({ code: "OUTCOME_UNKNOWN" });
  expect(peers.length).toBe(1);
});

describe("status", () => {
  test("of nobody is null, and nobody is started", async () => {
    const { remote, listening, place } = setStage();
    listening.stop();
    expect(await remote.status()).toBeNull();
    expect(tryLock(place.brokerLock)).not.toBeNull();
  });

  test("of a broker that says nothing names the process that holds the place", async () => {
    const { remote, place } = setStage(100);
    const lock = tryLock(place.brokerLock);
    expect(await outcomeOf(remote.status())).toMatchObject({
      code: "BROKER_UNAVAILABLE",
      message: `the broker is running and does not answer: its process ${process.pid} hangs`,
      hint: `kill -KILL ${process.pid}`,
    });
    lock?.release();
    expect(await outcomeOf(remote.status())).toMatchObject({ message: "the broker is running and does not answer" });
  });
});

describe("stop", () => {
  test("asks with the hello alone, and resolves when the place is free", async () => {
    const { remote, place, peers } = setStage();
    const lock = tryLock(place.brokerLock);
    let settled = false;
    const stopped = remote.stop().then((value) => {
      settled = true;
      return value;
    });
    const peer = await waitFor(() => peers[0], { what: "the connection" });
    expect(await peer.message(0, "hello")).toMatchObject({ stop: true });
    // Whatever it says, and whatever its language: its end is what counts.
    peer.control(0, { kind: "welcome", protocol: 9, release: "9.9.9", pid: 1 });
    peer.frame(7, 0, "{}");
    unlinkSync(place.socket);
    peer.close();
    await waitFor(() => peer.closed, { what: "the end of the connection" });
    await Bun.sleep(100);
    expect(settled).toBe(false);
    lock?.release();
    expect(await stopped).toBe(true);
  });

  test("is done when another broker has the place", async () => {
    const { remote, place, peers } = setStage();
    const lock = tryLock(place.brokerLock);
    const stopped = remote.stop();
    const peer = await waitFor(() => peers[0], { what: "the connection" });
    await peer.message(0, "hello");
    unlinkSync(place.socket);
    const successor = listenOnSocket(place.socket, () => undefined);
    peer.close();
    expect(await stopped).toBe(true);
    successor.stop();
    lock?.release();
  });

  test("of nobody is false", async () => {
    const { remote, listening } = setStage();
    listening.stop();
    expect(await remote.stop()).toBe(false);
  });
});
