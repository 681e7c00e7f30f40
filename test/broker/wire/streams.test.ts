import { describe, expect, test } from "bun:test";
import { IncomingStream } from "../../../src/broker/wire/incoming-stream.ts";
import { OutgoingStream, pieceLimit } from "../../../src/broker/wire/outgoing-stream.ts";
import { SshMcpError } from "../../../src/core/errors.ts";

const cutShort = new SshMcpError("CANCELED", "cut short");
const ofSize = (size: number): Uint8Array => new Uint8Array(size).fill(1);

const state = async (promise: Promise<unknown>): Promise<string> =>
  Promise.race([
    promise.then(
      () => "resolved",
      () => "rejected",
    ),
    Bun.sleep(0).then(() => "waiting"),
  ]);

describe("OutgoingStream", () => {
  const create = (window: number, credit = window): { stream: OutgoingStream; pieces: number[] } => {
    const pieces: number[] = [];
    const send = (piece: Uint8Array): void => void pieces.push(piece.length);
    return { stream: new OutgoingStream({ window, send, credit }), pieces };
  };

  test("sends what credit allows, then waits for more", async () => {
    const { stream, pieces } = create(10);
    const first = stream.write(ofSize(6));
    const second = stream.write(ofSize(6));
    expect([await state(first), await state(second)]).toEqual(["resolved", "waiting"]);
    expect(pieces).toEqual([6, 4]);
    stream.grant(1);
    expect(await state(second)).toBe("waiting");
    stream.grant(9);
    expect(await state(second)).toBe("resolved");
    expect(pieces).toEqual([6, 4, 1, 1]);
  });

  test("keeps the order of writers that wait", async () => {
    const seen: number[] = [];
    const stream = new OutgoingStream({ window: 1, send: (piece) => void seen.push(...piece) });
    const writes = [1, 2, 3, 4].map((value) => stream.write(Uint8Array.of(value)));
    for (let i = 0; i < 3; i++) stream.grant(1);
    await Promise.all(writes);
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  test("cuts pieces to their limit", async () => {
    const { stream, pieces } = create(3 * pieceLimit);
    await stream.write(ofSize(2 * pieceLimit + 5));
    expect(pieces).toEqual([pieceLimit, pieceLimit, 5]);
  });

  test("refuses more credit than its window: that reader counts wrong or lies", () => {
    const { stream } = create(10);
    expect(() => stream.grant(1)).toThrow("more credit than its window");
  });

  test("a failure rejects what waits and what comes, and ends credit", async () => {
    const { stream } = create(1);
    const waiting = stream.write(ofSize(2));
    stream.fail(cutShort);
    stream.fail(new SshMcpError("INTERNAL", "the first failure counts"));
    stream.grant(0xffff_ffff);
    await expect(waiting).rejects.toBe(cutShort);
    await expect(stream.write(ofSize(1))).rejects.toBe(cutShort);
  });

  test("without credit it is ready when there is some, of which nothing is used", async () => {
    const { stream, pieces } = create(10, 0);
    const ready = stream.ready();
    stream.grant(0);
    expect(await state(ready)).toBe("waiting");
    stream.grant(10);
    expect([await state(ready), await state(stream.ready())]).toEqual(["resolved", "resolved"]);
    await stream.write(ofSize(10));
    expect(pieces).toEqual([10]);
    expect(() => stream.grant(11)).toThrow("more credit than its window");
  });

  test("is not ready while writers before it take all the credit", async () => {
    const { stream } = create(10, 0);
    const write = stream.write(ofSize(5));
    const ready = stream.ready();
    stream.grant(5);
    expect([await state(write), await state(ready)]).toEqual(["resolved", "waiting"]);
    stream.grant(1);
    expect(await state(ready)).toBe("resolved");
  });

  test("a failure rejects who waits for credit", async () => {
    const { stream } = create(10, 0);
    const ready = stream.ready();
    stream.fail(cutShort);
    await expect(ready).rejects.toBe(cutShort);
    await expect(stream.ready()).rejects.toBe(cutShort);
  });
});

describe("IncomingStream", () => {
  const create = (window: number, room?: number): { stream: IncomingStream; granted: number[] } => {
    const granted: number[] = [];
    return { stream: new IncomingStream(window, (bytes) => granted.push(bytes), room), granted };
  };

  test("gives credit back when the next chunk is asked for, a quarter of the window at least", async () => {
    const { stream, granted } = create(100);
    const reader = stream[Symbol.asyncIterator]();
    stream.push(ofSize(20));
    await reader.next();
    stream.push(ofSize(20));
    await reader.next();
    expect(granted).toEqual([]);
    stream.push(ofSize(60));
    await reader.next();
    expect(granted).toEqual([40]);
    stream.push(ofSize(40));
    expect(() => stream.push(ofSize(1))).toThrow("more data than it had credit for");
  });

  test("a window of one-byte frames comes as few chunks", async () => {
    const { stream } = create(64 * 1024);
    for (let i = 0; i < 64 * 1024; i++) stream.push(Uint8Array.of(i));
    stream.end();
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.length).toBeLessThanOrEqual(16);
    expect(Buffer.concat(chunks)).toEqual(Buffer.from(Array.from({ length: 64 * 1024 }, (_, i) => i)));
  });

  test("keeps a payload that is most of what came with it, and copies one that is not", async () => {
    const { stream } = create(1024 * 1024);
    const most = ofSize(64 * 1024);
    const little = ofSize(256 * 1024).subarray(0, 60 * 1024);
    const small = ofSize(1000);
    for (const bytes of [most, little, small]) stream.push(bytes);
    stream.end();
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map(({ length }) => length)).toEqual([64 * 1024, 60 * 1024, 1000]);
    expect(chunks.map(({ buffer }) => [most.buffer, little.buffer, small.buffer].includes(buffer))).toEqual([
      true,
      false,
      false,
    ]);
    // What it keeps is what was counted as waiting, and little more.
    expect(chunks[1]?.buffer.byteLength).toBe(60 * 1024);
  });

  test("what waits can be read after the end, and then it is done", async () => {
    const { stream } = create(10);
    stream.push(ofSize(3));
    stream.end();
    const sizes: number[] = [];
    for await (const chunk of stream) sizes.push(chunk.length);
    expect(sizes).toEqual([3]);
  });

  test("data after the end is refused", () => {
    const { stream } = create(10);
    stream.end();
    expect(() => stream.push(ofSize(1))).toThrow("data after the end");
  });

  test("a failure is never read as an end, not even with data waiting", async () => {
    const { stream } = create(10);
    const reader = stream[Symbol.asyncIterator]();
    const waiting = reader.next();
    stream.fail(cutShort);
    await expect(waiting).rejects.toBe(cutShort);
    stream.push(ofSize(1));
    stream.end();
    await expect(reader.next()).rejects.toBe(cutShort);
  });

  test("return ends a read that waits, and what comes later is dropped", async () => {
    const { stream, granted } = create(10);
    const reader = stream[Symbol.asyncIterator]();
    const waiting = reader.next();
    await reader.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    stream.push(ofSize(500));
    stream.fail(cutShort);
    expect(await reader.next()).toEqual({ done: true, value: undefined });
    expect(granted).toEqual([]);
  });

  test("without room it takes nothing before it is read, and then a window", async () => {
    const { stream, granted } = create(100, 0);
    expect(() => stream.push(ofSize(1))).toThrow("more data than it had credit for");
    const reader = stream[Symbol.asyncIterator]();
    expect(granted).toEqual([]);
    const first = reader.next();
    expect(granted).toEqual([100]);
    stream.push(ofSize(25));
    expect(await first).toEqual({ done: false, value: ofSize(25) });
    void reader.next();
    expect(granted).toEqual([100, 25]);
    stream.push(ofSize(100));
    expect(() => stream.push(ofSize(1))).toThrow("more data than it had credit for");
  });

  test.each<[string, (stream: IncomingStream) => void]>([
    ["ended", (stream) => stream.end()],
    ["failed", (stream) => stream.fail(cutShort)],
    ["was dropped", (stream) => stream.drop()],
  ])("without room it grants nothing when it %s before it was read", async (_what, finish) => {
    const { stream, granted } = create(100, 0);
    finish(stream);
    const first = await state(stream[Symbol.asyncIterator]().next());
    expect(first).not.toBe("waiting");
    expect(granted).toEqual([]);
  });
});
