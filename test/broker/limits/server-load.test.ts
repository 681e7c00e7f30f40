/** One broker process, and clients of every kind at once. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { BrokerClient } from "../../../src/broker/client/client.ts";
import { connectErrno } from "../../../src/broker/client/connect-errno.ts";
import { encodeFrame, frameType } from "../../../src/broker/wire/frame.ts";
import { encodeHello } from "../../../src/broker/wire/opening.ts";
import type { Transport } from "../../../src/broker/wire/protocol.ts";
import { callLimit, type Request } from "../../../src/broker/wire/protocol.ts";
import { connectSocket } from "../../../src/broker/wire/socket-transport.ts";
import { machinePlace } from "../../../src/files/machine.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { type RunningProgram, startProgram } from "../../support/program.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor } from "../../support/wait.ts";
import { caller, RawPeer, request } from "../process/raw-peer.ts";

afterAll(cleanup);

const mebibyte = 1024 * 1024;
/** For a broken program: a call takes a millisecond when nothing else runs. */
const promptMs = 2000;

let broker: RunningProgram;
let socket: string;
let good: BrokerClient;

beforeEach(async () => {
  const directory = tempDir("broker");
  socket = join(directory, "broker.sock");
  broker = startProgram([process.execPath, join(import.meta.dir, "../fake-broker.ts"), directory]);
  await broker.waitForStdout("ready");
  good = new BrokerClient(await connectSocket(socket), { place: machinePlace() });
});

afterEach(async () => {
  good.close();
  await broker.stop();
});

/** Anonymous memory of the broker, in bytes. */
const memory = (): number => {
  const [, kilobytes = "0"] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${broker.pid}/status`, "latin1")) ?? [];
  return Number(kilobytes) * 1024;
};

const peakDuring = async (work: () => Promise<unknown>): Promise<number> => {
  let peak = memory();
  const timer = setInterval(() => {
    peak = Math.max(peak, memory());
  }, 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(peak, memory());
};

/** Milliseconds of the slowest of some calls, one after another. */
const slowest = async (calls: number): Promise<number> => {
  let longest = 0;
  for (let n = 0; n < calls; n++) {
    const began = performance.now();
    const stdout: string[] = [];
    const sink = { write: async (chunk: Uint8Array) => void stdout.push(new TextDecoder().decode(chunk)) };
    const input = { text: String(n) };
    expect(await good.call({ operation: "both", input, caller, capture: null, stdout: sink })).toMatchObject({
      count: 2,
    });
    expect(stdout.join("")).toBe(`out ${n}\n`);
    longest = Math.max(longest, performance.now() - began);
  }
  return longest;
};

/** A client that never reads a byte. */
const deaf = async (): Promise<{
  socket: Socket;
  /** Numbered from 1. In one write, so that all are accepted before the first answer fills the socket: what comes later does not run. */
  ask: (requests: readonly Request[]) => void;
}> => {
  const connection = connect(socket);
  connection.pause();
  connection.on("error", () => undefined);
  onCleanup(() => connection.destroy());
  connection.write(encodeHello({ place: machinePlace(), stop: false }));
  const frame = (what: Request, index: number): Uint8Array =>
    encodeFrame(frameType.control, index + 1, new TextEncoder().encode(JSON.stringify(what)));
  return {
    socket: connection,
    ask: (requests) => void connection.write(Buffer.concat(requests.map(frame))),
  };
};

const times = (count: number, what: Request): Request[] => Array.from({ length: count }, () => what);

const calls = async (): Promise<number> => (await good.status()).calls;

describe("a client that never reads", () => {
  test("while fifty commands stream and a hundred results wait takes little memory, and nobody else's time", async () => {
    const before = memory();
    const { ask } = await deaf();
    const peak = await peakDuring(async () => {
      ask([
        ...times(50, request("produce", { input: { count: 1_000_000 } })),
        ...times(100, request("large", { input: { count: 400_000 } })),
      ]);
      await waitFor(async () => (await calls()) === 50, { what: "the results to wait, and the streams to run" });
      expect(await slowest(200)).toBeLessThan(promptMs);
    });
    // A hundred results of 0.8 MB, one megabyte of streams, and what was garbage meanwhile.
    expect(peak - before).toBeLessThan(400 * mebibyte);
    expect(await calls()).toBe(50);
  }, 60_000);

  test("and asks for more results than it may leave is closed, and what waited for it is freed", async () => {
    const { ask } = await deaf();
    const peak = await peakDuring(async () => {
      ask(times(callLimit, request("large", { input: { count: 1_000_000 } })));
      await waitFor(async () => (await good.status()).clients === 1, { what: "its connection to end" });
    });
    expect(await calls()).toBe(0);
    // What one client may leave unread is 128 MiB.
    expect(peak).toBeLessThan(800 * mebibyte);
    expect(await slowest(20)).toBeLessThan(promptMs);
  }, 60_000);

  test("is one of many who do not: together they are held, and those who read stay", async () => {
    const crowd = await Promise.all(Array.from({ length: 20 }, deaf));
    const peak = await peakDuring(async () => {
      for (const { ask } of crowd) {
        ask(times(20, request("large", { input: { count: 500_000 } })));
        await slowest(1);
      }
      await waitFor(async () => (await calls()) === 0, { what: "every result" });
    });
    // Twenty times twenty megabytes are more than all may have together.
    expect((await good.status()).clients).toBeLessThan(21);
    expect(peak).toBeLessThan(1200 * mebibyte);
    expect(await slowest(20)).toBeLessThan(promptMs);
  }, 60_000);
});

describe("a client without manners", () => {
  test("of each kind at once leaves the broker as it was", async () => {
    const before = memory();
    const raw = async (): Promise<RawPeer> => new RawPeer(await connectSocket(socket));
    const [huge, noise, web, slow, mute] = await Promise.all([raw(), raw(), raw(), raw(), raw()]);
    const peak = await peakDuring(async () => {
      huge.hello();
      huge.bytes(Uint8Array.of(0x40, 0, 0, 0, frameType.stdin, 0, 0, 0, 1));
      noise.bytes(crypto.getRandomValues(new Uint8Array(60_000)));
      web.bytes(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
      const drip = setInterval(() => slow.bytes(Uint8Array.of(0)), 100);
      const began = performance.now();
      await waitFor(() => huge.closed && noise.closed && web.closed, { what: "three to be closed" });
      for (const peer of [huge, noise, web]) {
        expect(await peer.message(0, "failure")).toMatchObject({ error: { code: "PROTOCOL_ERROR" } });
      }
      expect(await slowest(100)).toBeLessThan(promptMs);
      await waitFor(() => slow.closed && mute.closed, { what: "two to be closed", timeout: 20_000 });
      clearInterval(drip);
      // A hello may take ten seconds.
      expect(performance.now() - began).toBeGreaterThan(8000);
    });
    expect(peak - before).toBeLessThan(100 * mebibyte);
    expect(await slowest(20)).toBeLessThan(promptMs);
    expect((await good.status()).clients).toBe(1);
  }, 60_000);

  test("that connects and goes a thousand times leaves nothing behind", async () => {
    for (let n = 0; n < 1000; n++) {
      const peer = new RawPeer(await connected());
      if (n % 3 !== 0) peer.hello();
      if (n % 3 === 2) peer.control(1, request("sleep"));
      peer.close();
    }
    await waitFor(async () => (await good.status()).clients === 1, { what: "all of them to be gone" });
    expect(await calls()).toBe(0);
    expect(broker.stderr()).toBe("");
  }, 60_000);
});

/** Connects as soon as there is room in the broker's queue: when it is full, Bun says ECONNREFUSED, and only the system knows better. */
const connected = async (): Promise<Transport> => {
  for (;;) {
    try {
      return await connectSocket(socket);
    } catch (error) {
      const errno = connectErrno(socket);
      if (errno !== null && errno !== "EAGAIN") throw error;
      await Bun.sleep(5);
    }
  }
};

describe("calls of many clients", () => {
  test("beyond what the broker runs at once are refused, and those that run are not", async () => {
    const peers = await Promise.all(
      [1, 2, 3].map(async () => {
        const peer = new RawPeer(await connectSocket(socket));
        peer.hello();
        return peer;
      }),
    );
    const [first, second, third] = peers;
    for (let call = 1; call <= 256; call++) {
      first?.control(call, request("sleep"));
      second?.control(call, request("sleep"));
    }
    await waitFor(async () => (await calls()) === 512, { what: "512 calls" });
    third?.control(1, request("both"));
    expect(await third?.message(1, "failure")).toMatchObject({
      error: { code: "BROKER_UNAVAILABLE", message: "512 calls are running already" },
    });
    first?.close();
    await waitFor(async () => (await calls()) === 256, { what: "half of them to end" });
    third?.control(2, request("both"));
    await third?.message(2, "result");
  }, 60_000);
});
