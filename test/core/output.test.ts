import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { defaultCaptureLimit, OutputCapture } from "../../src/core/output.ts";

const encoder = new TextEncoder();
const bytesOf = (text: string): Uint8Array => encoder.encode(text);

const capture = (limit: number, ...chunks: (string | Uint8Array)[]): OutputCapture => {
  const output = new OutputCapture(limit);
  for (const chunk of chunks) void output.write(typeof chunk === "string" ? bytesOf(chunk) : chunk);
  return output;
};

const whole = (text: string) => ({ text, truncated: false, omittedBytes: 0, omittedLines: 0 });
const cut = (text: string, omittedBytes: number, omittedLines: number) => ({
  text,
  truncated: true,
  omittedBytes,
  omittedLines,
});

describe("output that fits", () => {
  test("the default limit is 16 KiB", () => {
    expect(defaultCaptureLimit).toBe(16_384);
  });

  test("nothing was written", () => {
    expect(capture(10).text()).toEqual(whole(""));
    expect(capture(0).text()).toEqual(whole(""));
    expect(capture(10, "", "").lines).toBe(0);
  });

  test("is exact, up to the limit itself", () => {
    expect(capture(10, "hello").text()).toEqual(whole("hello"));
    expect(capture(10, "hello", "world").text()).toEqual(whole("helloworld"));
    expect(capture(10, "h", "elloworl", "d").text()).toEqual(whole("helloworld"));
    expect(capture(1, "x").text()).toEqual(whole("x"));
  });

  test("a character across chunks, or across the middle, is whole", () => {
    const bytes = bytesOf("a😀é日b");
    expect(capture(100, ...Array.from(bytes, (byte) => Uint8Array.of(byte))).text()).toEqual(whole("a😀é日b"));
    for (let limit = bytes.length; limit < 2 * bytes.length; limit++)
      expect(capture(limit, bytes).text().text).toBe("a😀é日b");
  });

  test("a byte order mark and NUL characters stay", () => {
    expect(capture(100, "\ufeffa\0b").text()).toEqual(whole("\ufeffa\0b"));
  });

  test("malformed UTF-8 becomes U+FFFD", () => {
    expect(capture(100, Uint8Array.of(0x61, 0xff, 0x62, 0xe2, 0x82)).text()).toEqual(whole("a\ufffdb\ufffd"));
  });

  test("the text may be asked for early, and again", () => {
    const output = capture(100, "one ");
    expect(output.text().text).toBe("one ");
    void output.write(bytesOf("two"));
    expect(output.text().text).toBe("one two");
    expect(output.text().text).toBe("one two");
  });
});

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}\n`).join("");

const cuts: [name: string, limit: number, input: string, text: string, bytes: number, lines: number][] = [
  ["one byte over", 10, "0123456789x", "01234\n[… 1 byte, 0 lines omitted …]\n6789x", 1, 0],
  ["limit 0", 0, "a\nb", "[… 3 bytes, 2 lines omitted …]\n", 3, 2],
  ["limit 1", 1, "abc", "a\n[… 2 bytes, 1 line omitted …]\n", 2, 1],
  ["limit 2", 2, "abc", "a\n[… 1 byte, 0 lines omitted …]\nc", 1, 0],
  [
    "line borders near by",
    36,
    numbers(1, 9),
    "line 1\nline 2\n[… 35 bytes, 5 lines omitted …]\nline 8\nline 9\n",
    35,
    5,
  ],
  [
    "no newline at the end",
    34,
    `${numbers(1, 8)}line 9`,
    "line 1\nline 2\n[… 35 bytes, 5 lines omitted …]\nline 8\nline 9",
    35,
    5,
  ],
  ["line borders out of reach", 8, "a\nbcdefghij\nk", "a\nbc\n[… 5 bytes, 0 lines omitted …]\nij\nk", 5, 0],
  ["inside characters", 8, "é日日日日日é", "é\n[… 15 bytes, 0 lines omitted …]\né", 15, 0],
  ["a character longer than a side", 4, "😀😀", "[… 8 bytes, 1 line omitted …]\n", 8, 1],
  ["empty lines", 4, "\n\n\n\n\n\n", "\n\n[… 2 bytes, 2 lines omitted …]\n\n\n", 2, 2],
];

describe("output that does not fit", () => {
  test.each(cuts)("%s", (_name, limit, input, text, omittedBytes, omittedLines) => {
    const output = capture(limit, input);
    expect(output.text()).toEqual(cut(text, omittedBytes, omittedLines));
    expect(output.bytes).toBe(bytesOf(input).length);
  });

  test("of bytes that are no characters, three at most are given up", () => {
    expect(capture(20, new Uint8Array(40).fill(0x80)).text().omittedBytes).toBe(23);
    expect(capture(20, new Uint8Array(40).fill(0xff)).text().omittedBytes).toBe(21);
  });

  test("the incoming buffer may be used again: only copies are kept", () => {
    const buffer = bytesOf("0123456789");
    const output = capture(4, buffer);
    buffer.fill(0x78);
    void output.write(buffer.subarray(0, 1));
    expect(output.text().text).toBe("01\n[… 7 bytes, 0 lines omitted …]\n9x");
  });

  test("memory stays bounded while 512 MiB pass", () => {
    const chunk = new Uint8Array(1024 * 1024).fill(0x61);
    const output = new OutputCapture(defaultCaptureLimit);
    const before = process.memoryUsage.rss();
    for (let count = 0; count < 512; count++) void output.write(chunk);
    expect(output.bytes).toBe(512 * 1024 * 1024);
    expect(process.memoryUsage.rss() - before).toBeLessThan(128 * 1024 * 1024);
  });
});

const countLines = (bytes: Uint8Array): number =>
  bytes.filter((byte) => byte === 10).length + (bytes.length > 0 && bytes.at(-1) !== 10 ? 1 : 0);

/** Chunks of a stream: text with characters of every length, or bytes with many newlines and malformed sequences. */
const wellFormed = fc.string({ unit: fc.constantFrom("a", "b", "\n", "é", "日", "😀"), maxLength: 200 }).map(bytesOf);
const malformed = fc.uint8Array({ maxLength: 200 }).map((bytes) => bytes.map((byte) => (byte % 5 === 0 ? 10 : byte)));

const chunked = (stream: Uint8Array, borders: number[]): Uint8Array[] => {
  const sorted = [...borders.map((border) => border % (stream.length + 1)), 0, stream.length].sort((a, b) => a - b);
  return sorted.slice(1).map((to, index) => stream.slice(sorted[index] ?? 0, to));
};

const anyCapture = (stream: fc.Arbitrary<Uint8Array>) =>
  fc.record({ stream, borders: fc.array(fc.nat(), { maxLength: 10 }), limit: fc.nat({ max: 120 }) });

describe("any stream in any chunks", () => {
  test("counts are exact, and what fits is exact", () => {
    fc.assert(
      fc.property(anyCapture(fc.oneof(wellFormed, malformed)), ({ stream, borders, limit }) => {
        const output = capture(limit, ...chunked(stream, borders));
        expect(output.bytes).toBe(stream.length);
        expect(output.lines).toBe(countLines(stream));
        expect(output.text().truncated).toBe(stream.length > limit);
        if (stream.length <= limit) {
          expect(output.text()).toEqual(whole(new TextDecoder("utf-8", { ignoreBOM: true }).decode(stream)));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("how it was chunked does not show", () => {
    fc.assert(
      fc.property(anyCapture(fc.oneof(wellFormed, malformed)), ({ stream, borders, limit }) => {
        expect(capture(limit, ...chunked(stream, borders)).text()).toEqual(capture(limit, stream).text());
      }),
      { numRuns: 1000 },
    );
  });

  test("of a cut text, the head is a prefix, the tail a suffix, and kept and omitted are all of it", () => {
    fc.assert(
      fc.property(anyCapture(wellFormed), ({ stream, borders, limit }) => {
        fc.pre(stream.length > limit);
        const { text, omittedBytes, omittedLines } = capture(limit, ...chunked(stream, borders)).text();
        const [, before = "", after = ""] =
          /^([\s\S]*)\[… \d+ bytes?, \d+ lines? omitted …\]\n([\s\S]*)$/.exec(text) ?? [];
        const all = new TextDecoder().decode(stream);
        // The marker stands on its own line: the newline before it may be the marker's.
        const head =
          all.startsWith(before) && bytesOf(before + after).length + omittedBytes === stream.length
            ? before
            : before.slice(0, -1);
        expect(all.startsWith(head)).toBe(true);
        expect(all.endsWith(after)).toBe(true);
        expect(bytesOf(head).length + omittedBytes + bytesOf(after).length).toBe(stream.length);
        expect(bytesOf(head).length).toBeLessThanOrEqual(Math.ceil(limit / 2));
        expect(bytesOf(after).length).toBeLessThanOrEqual(Math.floor(limit / 2));
        expect(text).not.toContain("\ufffd");
        const omitted = stream.slice(bytesOf(head).length, stream.length - bytesOf(after).length);
        const ends = omitted.filter((byte) => byte === 10).length;
        expect(omittedLines).toBe(after === "" && omitted.at(-1) !== 10 ? ends + 1 : ends);
      }),
      { numRuns: 2000 },
    );
  });

  test("no more than a quarter of a side, or three bytes, is given up at a cut", () => {
    fc.assert(
      fc.property(anyCapture(fc.oneof(wellFormed, malformed)), ({ stream, limit }) => {
        fc.pre(stream.length > limit);
        const kept = stream.length - capture(limit, stream).text().omittedBytes;
        const side = Math.floor(limit / 2);
        expect(kept).toBeGreaterThanOrEqual(limit - 2 * Math.max(3, side / 4));
      }),
      { numRuns: 1000 },
    );
  });
});

test("a NUL byte, or many malformed ones, are no text; a few of an older encoding are", () => {
  expect(capture(100, "a\0b").isBinary).toBe(true);
  expect(capture(4, `${"a".repeat(50)}\0b`).isBinary).toBe(true);
  expect(capture(100, Uint8Array.of(0xff, 0xfe, 0xfd, 0xfc)).isBinary).toBe(true);
  expect(capture(100, bytesOf("Gr"), Uint8Array.of(0xfc), bytesOf("sse aus dem Wien")).isBinary).toBe(false);
  expect(capture(100, "日本語\n\x1b[1mbold\x1b[0m").isBinary).toBe(false);
  expect(capture(100).isBinary).toBe(false);
});

test("what is left out is said to begin where the head ends", () => {
  const { text } = capture(10, "0123456789x").text(undefined, (offset) => `read from ${offset}`);
  expect(text).toBe("01234\n[… 1 byte, 0 lines omitted: read from 5 …]\n6789x");
});

test("the last line is the one being written, else the last whole one", () => {
  expect(capture(100).lastLine()).toBe("");
  expect(capture(100, "one\ntwo\n").lastLine()).toBe("two");
  expect(capture(100, "one\n10%\r20%").lastLine()).toBe("20%");
  expect(capture(10, "0123456789\nabc").lastLine()).toBe("abc");
  expect(capture(4000, "x".repeat(3000)).lastLine()).toHaveLength(200);
  // 201 of UTF-16: the cut would halve the first.
  expect(capture(4000, `${"x".repeat(9)}\u{1f600}${"y".repeat(199)}`).lastLine()).toBe("y".repeat(199));
});
