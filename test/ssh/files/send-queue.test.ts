import { expect, test } from "bun:test";
import fc from "fast-check";
import { lend } from "../../../src/core/files/lent-bytes.ts";
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

/** A queue whose writes end when they are told to, and pieces lent to it, whose next owner writes over them. */
const lending = () => {
  const under: { bytes: Uint8Array; done: () => void }[] = [];
  const written: Buffer[] = [];
  const returned: string[] = [];
  const queue = new SendQueue((bytes) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = (): void => {
      // Until now they may be looked at.
      written.push(Buffer.from(bytes));
      resolve();
    };
    under.push({ bytes, done });
    return promise;
  });
  const push = (name: string, length: number): Buffer => {
    const bytes = new Uint8Array(length).fill(name.charCodeAt(0));
    const expected = Buffer.from(bytes);
    lend(bytes, (memory) => {
      returned.push(name);
      new Uint8Array(memory).fill(0xee);
    });
    queue.push(bytes);
    return expected;
  };
  const end = async (): Promise<void> => {
    await settled(() => under.length > 0);
    under.shift()?.done();
    // What follows on it has happened.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { under, written, returned, push, end };
};

test("what was lent is given back when it has gone out, and not before", async () => {
  const { under, returned, push, end } = lending();
  push("a", 50_000);
  push("b", 60_000);
  await settled(() => under.length > 0);
  expect(returned).toEqual([]);
  await end();
  expect([returned, under.length]).toEqual([["a"], 1]);
  await end();
  expect(returned).toEqual(["a", "b"]);
});

test("small ones that go out together are given back, once each", async () => {
  const { under, returned, push, end, written } = lending();
  const expected = Buffer.concat([push("a", 10), push("b", 20), push("c", 30)]);
  await settled(() => under.length > 0);
  expect(under.map(({ bytes }) => bytes.length)).toEqual([60]);
  await end();
  expect(returned.toSorted()).toEqual(["a", "b", "c"]);
  expect(Buffer.concat(written).equals(expected)).toBe(true);
});

test("a large one whose beginning joined small ones is given back when its end has gone out", async () => {
  const { under, returned, push, end, written } = lending();
  const expected = Buffer.concat([push("a", 1000), push("b", 100_000)]);
  await settled(() => under.length > 0);
  expect(returned).not.toContain("b");
  await end();
  expect(returned).not.toContain("b");
  await end();
  expect(returned.toSorted()).toEqual(["a", "b"]);
  expect([under.length, Buffer.concat(written).equals(expected)]).toEqual([0, true]);
});

test("nothing that was lent is changed before it has gone out, and all of it comes back, however it is queued", async () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 20_000, max: 70_000 })), {
    minLength: 1,
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(sizes, fc.array(fc.boolean()), async (lengths, pauses) => {
      const { under, returned, push, end, written } = lending();
      const expected: Buffer[] = [];
      for (const [index, length] of lengths.entries()) {
        expected.push(push(String.fromCharCode(65 + index), length));
        if (pauses[index] === true) await end();
      }
      const all = Buffer.concat(expected);
      while (written.reduce((sum, { length }) => sum + length, 0) < all.length) await end();
      expect([under.length, Buffer.concat(written).equals(all)]).toEqual([0, true]);
      expect(returned.toSorted()).toEqual(lengths.map((_, index) => String.fromCharCode(65 + index)));
    }),
    { numRuns: 40 },
  );
});
