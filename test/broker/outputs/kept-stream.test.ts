import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { KeptStream } from "../../../src/broker/outputs/kept-stream.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe("a stream that fits", () => {
  test("is whole, however it came", () => {
    const stream = new KeptStream(1024, 64);
    for (const piece of ["one\n", "", "two", "\nthree"]) stream.append(bytesOf(piece));
    expect(textOf(stream.slice(0, stream.bytes))).toBe("one\ntwo\nthree");
    expect({ bytes: stream.bytes, lines: stream.lines, start: stream.start }).toEqual({
      bytes: 13,
      lines: 3,
      start: 0,
    });
    expect([1, 2, 3, 4, 9].map((line) => stream.offsetOfLine(line))).toEqual([0, 4, 8, 13, 13]);
    expect([0, 3, 4, 8, 13].map((offset) => stream.lineAt(offset))).toEqual([1, 1, 2, 3, 3]);
  });

  test("costs little when it is small", () => {
    const stream = new KeptStream(8 * 1024 * 1024);
    expect(stream.allocated).toBe(0);
    stream.append(bytesOf("hi\n"));
    expect(stream.allocated).toBeLessThanOrEqual(1024);
    stream.append(new Uint8Array(100_000));
    expect(stream.allocated).toBeLessThanOrEqual(2 * 64 * 1024);
  });

  test("holds copies", () => {
    const stream = new KeptStream(1024, 64);
    const chunk = bytesOf("abc");
    stream.append(chunk);
    chunk.fill(0);
    expect(textOf(stream.slice(0, 3))).toBe("abc");
    stream.slice(0, 3).fill(0);
    expect(textOf(stream.slice(0, 3))).toBe("abc");
  });
});

test("an endless stream: the newest is kept, and no more storage than the limit", () => {
  const limit = 8 * 1024 * 1024;
  const stream = new KeptStream(limit);
  const chunk = bytesOf("y\n".repeat(16 * 1024));
  for (let count = 0; count < 2000; count++) stream.append(chunk);
  expect(stream.allocated).toBe(limit);
  expect(stream.bytes).toBe(2000 * chunk.length);
  expect(stream.lines).toBe(2000 * 16 * 1024);
  expect(stream.bytes - stream.start).toBeGreaterThan(limit - 64 * 1024);
  expect(stream.lineAt(stream.bytes - 2)).toBe(stream.lines);
  expect(stream.offsetOfLine(1)).toBe(stream.start);
});

test("what was let go of is no error to ask about", () => {
  const stream = new KeptStream(256, 32);
  stream.append(bytesOf("one\ntwo\nthree"));
  stream.clear();
  expect({ start: stream.start, bytes: stream.bytes, lines: stream.lines }).toEqual({ start: 13, bytes: 13, lines: 3 });
  expect(stream.slice(0, 13)).toHaveLength(0);
  expect([0, 5, 13].map((offset) => stream.lineAt(offset))).toEqual([3, 3, 3]);
  expect([1, 3].map((line) => stream.offsetOfLine(line))).toEqual([13, 13]);
});

test("any stream in any chunks is what was written, with its own numbers", () => {
  const chunk = fc.array(fc.constantFrom("a", "b", "\n", "é"), { maxLength: 80 }).map((each) => bytesOf(each.join("")));
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 30 }), fc.nat(), fc.nat(), (chunks, one, other) => {
      const stream = new KeptStream(256, 32);
      for (const each of chunks) stream.append(each);
      const all = Buffer.concat(chunks);
      expect(stream.bytes).toBe(all.length);
      expect(stream.allocated).toBeLessThanOrEqual(256);
      expect(stream.start).toBeLessThanOrEqual(Math.max(0, all.length - 256 + 32));
      const [from, to] = [one % (all.length + 1), other % (all.length + 1)].sort((a, b) => a - b) as [number, number];
      expect(Buffer.from(stream.slice(from, to))).toEqual(
        all.subarray(Math.max(from, stream.start), Math.max(to, stream.start)),
      );
      const text = all.toString("latin1");
      const lines = text === "" ? 0 : text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
      expect(stream.lines).toBe(lines);
      const at = Math.max(from, stream.start);
      expect(stream.lineAt(at)).toBe(text.slice(0, at).split("\n").length);
      for (let line = 1; line <= lines; line++) {
        const begin =
          line === 1
            ? 0
            : text
                .split("\n")
                .slice(0, line - 1)
                .join("\n").length + 1;
        expect(stream.offsetOfLine(line)).toBe(Math.max(begin, stream.start));
        expect(stream.hasBeginOfLine(line)).toBe(begin >= stream.start);
      }
    }),
    { numRuns: 500 },
  );
});
