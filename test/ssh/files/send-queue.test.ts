import { expect, test } from "bun:test";
import fc from "fast-check";
import { SendQueue } from "../../../src/ssh/files/send-queue.ts";

const settled = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

test("what is queued in one turn goes out together, in order", async () => {
  const written: string[] = [];
  const queue = new SendQueue(async (bytes) => {
    written.push(Buffer.from(bytes).toString());
  });
  queue.push(Buffer.from("one "));
  queue.push(Buffer.from("two"));
  await settled(() => written.length > 0);
  queue.push(Buffer.from("three"));
  await settled(() => written.length > 1);
  expect(written).toEqual(["one two", "three"]);
});

test("nothing is lost, doubled or out of order, however it is queued and taken", async () => {
  const sizes = fc.array(fc.oneof(fc.nat({ max: 50 }), fc.integer({ min: 30_000, max: 70_000 })), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.array(fc.boolean()), async (lengths, pauses) => {
      const written: Uint8Array[] = [];
      let got = 0;
      const queue = new SendQueue(async (bytes) => {
        if (pauses[written.length] === true) await new Promise((resolve) => setImmediate(resolve));
        written.push(bytes);
        got += bytes.length;
      });
      const pieces = lengths.map((length, index) => new Uint8Array(length).fill(index));
      for (const [index, piece] of pieces.entries()) {
        queue.push(piece);
        if (pauses[index] === true) await Promise.resolve();
      }
      const all = Buffer.concat(pieces);
      await settled(() => got >= all.length);
      expect(Buffer.concat(written).equals(all)).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test("what is dropped does not go out, and nothing that comes later", async () => {
  const written: string[] = [];
  const queue = new SendQueue(async (bytes) => {
    written.push(Buffer.from(bytes).toString());
    queue.drop();
  });
  queue.push(Buffer.alloc(40_000, "a"));
  queue.push(Buffer.from("b"));
  await settled(() => written.length > 0);
  queue.push(Buffer.from("c"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(written).toEqual(["a".repeat(40_000)]);
});
