/** A socket that takes its time over what it was given: what waits behind it stays little, in order, and as it was written. */
import { expect, test } from "bun:test";
import { Socket } from "node:net";
import { gatherWrites } from "../../../src/ssh/transport/gathered-writes.ts";

const blockBytes = 128 * 1024;

interface Given {
  bytes: Uint8Array;
  /** As they were when they were given. */
  copy: Buffer;
  /** Says that they went out, or that they did not. */
  done: (error?: Error) => void;
}

/** Calls back when a test says so. */
class StuckSocket extends Socket {
  readonly given: Given[] = [];

  override write(...[bytes, done]: unknown[]): boolean {
    if (!(bytes instanceof Uint8Array) || typeof done !== "function") throw new Error("not a block with its callback");
    this.given.push({ bytes, copy: Buffer.from(bytes), done: (error) => done(error) });
    return true;
  }
}

const stuck = (): StuckSocket => {
  const socket = new StuckSocket();
  gatherWrites(socket);
  return socket;
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets everything out, block by block. */
const drain = async (socket: StuckSocket, from: number): Promise<Buffer> => {
  for (let at = from; at < socket.given.length; at++) {
    socket.given[at]?.done();
    await turn();
  }
  return Buffer.concat(socket.given.map(({ copy }) => copy));
};

test("it has one block at a time, however much waits", async () => {
  const socket = stuck();
  const all = Buffer.alloc(5 * blockBytes + 1000, "0123456789");
  for (let at = 0; at < all.length; at += 50_000) {
    socket.write(all.subarray(at, at + 50_000));
    await turn();
    expect(socket.given.length).toBe(1);
  }
  for (let blocks = 1; blocks <= 6; blocks++) {
    expect(socket.given.length).toBe(blocks);
    socket.given[blocks - 1]?.done();
    await turn();
  }
  expect(Buffer.concat(socket.given.map(({ copy }) => copy)).equals(all)).toBe(true);
});

test("what it has does not change before it calls back, whatever is written meanwhile", async () => {
  const socket = stuck();
  const piece = Buffer.alloc(10_007);
  for (let n = 0; n < 300; n++) {
    piece.fill(n);
    socket.write(piece);
    if (n % 3 === 0) await turn();
    // Blocks that went out are filled again while the next one is away.
    const last = socket.given.at(-1);
    if (last !== undefined && n % 10 === 0) {
      expect([n, last.copy.equals(last.bytes)]).toEqual([n, true]);
      last.done();
    }
  }
  const last = socket.given.at(-1);
  expect(last?.copy.equals(last.bytes)).toBe(true);
});

test("small writes of many turns go out in few blocks, in order", async () => {
  const socket = stuck();
  const expected: string[] = [];
  for (let n = 0; n < 5000; n++) {
    const text = `${n},`.padEnd(52, "-");
    expected.push(text);
    socket.write(Buffer.from(text));
    await turn();
  }
  expect(socket.given.length).toBe(1);
  const all = await drain(socket, 0);
  expect(all.toString() === expected.join("")).toBe(true);
  expect(socket.given.length).toBeLessThanOrEqual(1 + Math.ceil((5000 * 52) / blockBytes));
});

test.each([100, 3 * blockBytes])(
  "after a failure nothing of the %i bytes that wait goes out, also at the end",
  async (bytes) => {
    const socket = stuck();
    socket.write(Buffer.from("first"));
    await turn();
    socket.write(Buffer.alloc(bytes));
    await turn();
    socket.given[0]?.done(new Error("write EPIPE"));
    await turn();
    socket.destroy();
    await turn();
    expect(socket.given.map(({ copy }) => copy.toString())).toEqual(["first"]);
  },
);

test.each([
  ["while nothing is away", false],
  ["while a block is away", true],
])("what is written in the turn of the end is handed over, %s", async (_when, isAway) => {
  const socket = stuck();
  if (isAway) {
    socket.write(Buffer.from("before "));
    await turn();
  }
  socket.write(Buffer.from("good"));
  socket.write(Buffer.from("bye"));
  socket.destroy();
  expect(socket.given.map(({ copy }) => copy.toString())).toEqual([...(isAway ? ["before "] : []), "goodbye"]);
  expect(socket.destroyed).toBe(true);
});
