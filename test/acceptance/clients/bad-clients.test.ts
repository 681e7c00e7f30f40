/** Clients that break the protocol, or stall: they cost themselves, while everybody else is served. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { encodeFrame, frameType } from "../../../src/broker/wire/frame.ts";
import { encodeControl, protocolVersion, valueLimit } from "../../../src/broker/wire/protocol.ts";
import { release } from "../../../src/core/version.ts";
import { machinePlace } from "../../../src/files/machine.ts";
import { marked, nextMark } from "../../faces/marks.ts";
import { brokerOf } from "../../support/brokers.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { type MemoryWatch, mebibyte, watchMemory } from "../../support/memory.ts";
import { waitFor } from "../../support/wait.ts";
import { type Place, startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let place: Place;
let path: string;
let broker: number;
let memory: MemoryWatch;
/** Bytes that the broker may grow by. */
let bound: number;
beforeAll(async () => {
  place = await startPlace();
  await place.run(["connect", "--name", "web", place.at]);
  await place.run(["connect", "--name", "other", "--new", place.at]);
  path = String((await place.document(["broker", "status", "--json"]))["socket"]);
  broker = brokerOf(place.home.path);
});
beforeEach(() => {
  bound = 64 * mebibyte;
  memory = watchMemory({ broker });
});
afterEach(async () => {
  await othersAreServed();
  expect(brokerOf(place.home.path)).toBe(broker);
  expect(memory.end()["broker"]).toBeLessThan(bound);
});

/** On a session of their own, within the time that a command takes anyway. */
const othersAreServed = async () => {
  const began = performance.now();
  expect(await place.run(["exec", "other", "echo in"])).toMatchObject({ status: 0, stdout: "in\n", stderr: "" });
  expect(performance.now() - began).toBeLessThan(5000);
};

const hello = encodeControl(0, {
  kind: "hello",
  protocol: protocolVersion,
  release,
  place: machinePlace(),
  stop: false,
});
const execOf = (call: number, command: string) =>
  encodeControl(call, {
    ...{ kind: "request", operation: "exec", input: { target: "web", command }, capture: null },
    ...{ caller: { face: "cli", client: "cli", cwd: "/", agentSocket: null }, progress: false, asks: false },
  });

/** A client that reads nothing unless it is told to. */
const open = (): { socket: Socket; closed: () => boolean } => {
  let closed = false;
  const socket = connect(path);
  socket.pause();
  socket.on("close", () => {
    closed = true;
  });
  socket.on("error", () => {});
  onCleanup(() => socket.destroy());
  return { socket, closed: () => closed };
};

const isClosed = (client: { socket: Socket; closed: () => boolean }, timeout = 5000) => {
  client.socket.resume();
  return waitFor(() => client.closed(), { what: "the broker to close the connection", timeout });
};

describe("a client that sends", () => {
  test("garbage is closed", async () => {
    const client = open();
    client.socket.write(randomBytes(4096));
    await isClosed(client);
  });

  test("a frame header of a gigabyte is closed, and no memory is taken for it", async () => {
    for (const before of [new Uint8Array(0), hello]) {
      const client = open();
      const header = new Uint8Array(9);
      new DataView(header.buffer).setUint32(0, 1024 * mebibyte);
      header[4] = frameType.control;
      client.socket.write(before);
      client.socket.write(header);
      await isClosed(client);
    }
  });

  test("garbage behind a good hello is closed", async () => {
    const client = open();
    client.socket.write(hello);
    client.socket.write(encodeFrame(frameType.control, 1, randomBytes(100)));
    client.socket.write(randomBytes(4096));
    await isClosed(client);
  });

  test("one byte a second keeps nobody waiting", async () => {
    const client = open();
    let at = 0;
    const drip = setInterval(() => client.socket.write(hello.subarray(at, ++at)), 1000);
    onCleanup(() => clearInterval(drip));
    for (let round = 0; round < 3; round++) {
      await othersAreServed();
      await Bun.sleep(1000);
    }
    clearInterval(drip);
    client.socket.destroy();
  });

  test("nothing at all, a hundred times over, keeps nobody waiting", async () => {
    const clients = Array.from({ length: 100 }, open);
    await othersAreServed();
    for (const { socket } of clients) socket.destroy();
  });

  test("the input of a command that was never granted is closed", async () => {
    const client = open();
    client.socket.write(hello);
    client.socket.write(execOf(1, "sleep 5"));
    for (let count = 0; count < 16; count++) {
      client.socket.write(encodeFrame(frameType.stdin, 1, new Uint8Array(256 * 1024)));
    }
    await isClosed(client);
  });
});

describe("a client that never reads", () => {
  test("stops its own commands' output, and nothing else", async () => {
    const mark = nextMark();
    const client = open();
    client.socket.write(hello);
    for (let call = 1; call <= 4; call++) client.socket.write(execOf(call, `: ${mark}; cat /dev/zero`));
    await waitFor(() => marked(mark).length === 4, { what: "the commands to run" });
    for (let round = 0; round < 5; round++) await othersAreServed();
    client.socket.destroy();
    await waitFor(() => marked(mark).length === 0, { what: "its commands to be stopped" });
  });

  test("answers of 40 requests cost no more than its own connection", async () => {
    // What one client may leave unread, as the text of results and as their bytes.
    bound = 4 * 2 * valueLimit;
    const client = open();
    client.socket.write(hello);
    for (let call = 1; call <= 40; call++) {
      client.socket.write(
        encodeControl(call, {
          ...{ kind: "request", operation: "exec", capture: 4 * mebibyte },
          input: { target: "web", command: "head -c 4M /dev/zero | tr '\\0' x" },
          ...{ caller: { face: "cli", client: "cli", cwd: "/", agentSocket: null }, progress: false, asks: false },
        }),
      );
    }
    for (let round = 0; round < 5; round++) await othersAreServed();
    client.socket.destroy();
  });
});
