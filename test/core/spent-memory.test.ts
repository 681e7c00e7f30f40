import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
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

test("a gigabyte that is given up piece by piece never takes more than a few of them", () => {
  const before = process.memoryUsage.rss();
  for (let n = 0; n < 1024; n++) giveUp(randomBytes(1024 * 1024));
  // Collected by themselves, they would come to a hundred megabytes and more.
  expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
});
