import { expect, test } from "bun:test";
import { giveUp } from "../../src/core/spent-memory.ts";

test("memory that is given up is gone at once, for every view of it", () => {
  const memory = new Uint8Array(64 * 1024).fill(7);
  const other = memory.subarray(10, 20);
  giveUp(other);
  expect([memory.length, other.length, memory.buffer.byteLength]).toEqual([0, 0, 0]);
  // Twice does no harm.
  giveUp(memory);
});

test("small bytes stay: they may lie where others' are", () => {
  const [first, second] = [Buffer.from("first"), Buffer.from("second")];
  giveUp(first);
  expect([String(first), String(second)]).toEqual(["first", "second"]);
});

test("half a gigabyte takes no memory any more, though all of it is still held", () => {
  const held: Uint8Array[] = [];
  const before = process.memoryUsage.rss();
  for (let n = 0; n < 128; n++) {
    // Every page of it is written to: the system gives none before.
    const bytes = new Uint8Array(4 * 1024 * 1024).fill(n + 1);
    // Its holder keeps a collector from taking it.
    held.push(bytes);
    giveUp(bytes);
  }
  const grown = process.memoryUsage.rss() - before;
  expect(held.every(({ byteLength, buffer }) => byteLength === 0 && buffer.byteLength === 0)).toBe(true);
  expect(grown).toBeLessThan(64 * 1024 * 1024);
});
