import { describe, expect, test } from "bun:test";
import { LineWriter } from "../../src/mcp/writer.ts";

/** A reader that takes nothing until it is told to, then everything. */
const slowReader = () => {
  const taken: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const write = async (text: string): Promise<void> => {
    await promise;
    taken.push(text);
  };
  return { taken, write, takeAll: resolve };
};

const never = (): never => {
  throw new Error("not broken");
};

describe("LineWriter", () => {
  test("writes one text after the other", async () => {
    const open: string[] = [];
    const writer = new LineWriter(async (text) => {
      open.push(`begin ${text}`);
      await Promise.resolve();
      open.push(`end ${text}`);
    }, never);
    await Promise.all([writer.write("a"), writer.write("b")]);
    expect(open).toEqual(["begin a", "end a", "begin b", "end b"]);
  });

  test("has room until 4 Mi characters wait, and again when they are taken", async () => {
    const reader = slowReader();
    const writer = new LineWriter(reader.write, never);
    void writer.write("x".repeat(4 * 1024 * 1024));
    await writer.room();
    void writer.write("y");
    let roomy = false;
    const room = writer.room().then(() => {
      roomy = true;
    });
    await Promise.resolve();
    expect(roomy).toBe(false);
    reader.takeAll();
    await room;
    expect(reader.taken.length).toBe(2);
  });

  test("says once that nobody reads, and drops the rest in silence", async () => {
    const tried: string[] = [];
    let broken = 0;
    const writer = new LineWriter(
      async (text) => {
        tried.push(text);
        throw new Error("EPIPE");
      },
      () => {
        broken++;
      },
    );
    await Promise.all([writer.write("a"), writer.write("b"), writer.write("c")]);
    await writer.flushed();
    expect(tried).toEqual(["a"]);
    expect(broken).toBe(1);
  });
});
