import { expect, test } from "bun:test";
import { createPair } from "../../../src/broker/wire/pair.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("delivers in order, and never while it is written", async () => {
  const [left, right] = createPair();
  const seen: string[] = [];
  right.onData = (chunk) => seen.push(text(chunk));
  for (const word of ["a", "b", "c"]) left.write(bytes(word));
  expect(seen).toEqual([]);
  expect(left.pending).toBe(3);
  await Bun.sleep(0);
  expect(seen).toEqual(["a", "b", "c"]);
  expect(left.pending).toBe(0);
});

test("what was written before the close arrives before it, and the close once on both ends", async () => {
  const [left, right] = createPair();
  const seen: string[] = [];
  right.onData = (chunk) => seen.push(text(chunk));
  right.onClose = () => seen.push("right closed");
  left.onData = (chunk) => seen.push(`left got ${text(chunk)}`);
  left.onClose = () => seen.push("left closed");
  left.write(bytes("last"));
  left.close();
  left.write(bytes("too late"));
  await Bun.sleep(0);
  left.close();
  right.close();
  right.write(bytes("nobody reads"));
  await Bun.sleep(0);
  expect(seen[0]).toBe("last");
  expect(seen.slice(1).sort()).toEqual(["left closed", "right closed"]);
});

test("an end that closes gets nothing more", async () => {
  const [left, right] = createPair();
  const seen: string[] = [];
  right.onData = (chunk) => {
    seen.push(text(chunk));
    right.close();
  };
  right.onClose = () => seen.push("closed");
  left.write(bytes("one"));
  left.write(bytes("two"));
  await Bun.sleep(0);
  expect(seen).toEqual(["one", "closed"]);
});

test("two ends that answer each other forever neither recurse nor keep timers waiting", async () => {
  const [left, right] = createPair();
  let exchanged = 0;
  left.onData = (chunk) => {
    exchanged++;
    left.write(chunk);
  };
  right.onData = (chunk) => right.write(chunk);
  left.write(bytes("ping"));
  await Bun.sleep(20);
  left.close();
  await Bun.sleep(0);
  const before = exchanged;
  await Bun.sleep(1);
  expect(before).toBeGreaterThan(1000);
  expect(exchanged).toBe(before);
});

test("a writer is told when everything was taken", async () => {
  const [left, right] = createPair();
  const pendingAtDrain: number[] = [];
  left.onDrain = () => pendingAtDrain.push(left.pending);
  right.onData = (chunk) => {
    // Taken, and not drained: more is on its way.
    if (chunk.length === 3) left.write(bytes("more"));
  };
  left.write(bytes("abc"));
  expect(pendingAtDrain).toEqual([]);
  await Bun.sleep(0);
  expect(pendingAtDrain).toEqual([0]);
});

test("what was written counts as taken at once, and never on a closed end", () => {
  const [left] = createPair();
  let taken = 0;
  left.write(Uint8Array.of(1));
  left.whenTaken(() => taken++);
  expect(taken).toBe(1);
  left.close();
  left.whenTaken(() => taken++);
  expect(taken).toBe(1);
});

test("an end that aborts delivers nothing more, and closes both", async () => {
  const [left, right] = createPair();
  const seen: string[] = [];
  right.onData = (chunk) => seen.push(text(chunk));
  right.onClose = () => seen.push("right closed");
  left.onClose = () => seen.push("left closed");
  left.write(bytes("lost"));
  left.abort();
  expect(left.pending).toBe(0);
  await Bun.sleep(0);
  expect(seen.sort()).toEqual(["left closed", "right closed"]);
});
