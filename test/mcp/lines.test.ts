import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Line, LineReader } from "../../src/mcp/lines.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const read = (reader: LineReader, ...chunks: Uint8Array[]): Line[] => {
  const lines: Line[] = [];
  for (const chunk of chunks) reader.push(chunk, (line) => lines.push(line));
  reader.end((line) => lines.push(line));
  return lines;
};

const tooLong = { fault: "a message may have at most 8 bytes" };
const notUtf8 = { fault: "a message must be UTF-8" };

const cases: { what: string; chunks: (string | Uint8Array)[]; lines: Line[] }[] = [
  { what: "nothing", chunks: [], lines: [] },
  { what: "one line", chunks: ["abc\n"], lines: [{ text: "abc" }] },
  { what: "a carriage return stays for the JSON parser", chunks: ["a\r\n"], lines: [{ text: "a\r" }] },
  { what: "several lines in one chunk", chunks: ["a\nb\n\nc\n"], lines: ["a", "b", "", "c"].map((text) => ({ text })) },
  { what: "a line in pieces", chunks: ["a", "b", "c\nd", "\n"], lines: [{ text: "abc" }, { text: "d" }] },
  { what: "a last line without newline", chunks: ["a\nb"], lines: [{ text: "a" }, { text: "b" }] },
  { what: "a character cut in two", chunks: [bytes("ä").slice(0, 1), bytes("ä\n").slice(1)], lines: [{ text: "ä" }] },
  { what: "a byte order mark", chunks: ["\ufeffab\n"], lines: [{ text: "ab" }] },
  {
    what: "bytes that are no UTF-8",
    chunks: [Uint8Array.of(0x61, 0xff, 0x0a), "b\n"],
    lines: [notUtf8, { text: "b" }],
  },
  { what: "a line of exactly the limit", chunks: ["12345678\n"], lines: [{ text: "12345678" }] },
  { what: "a line over the limit", chunks: ["123456789\nb\n"], lines: [tooLong, { text: "b" }] },
  {
    what: "a line over the limit in pieces",
    chunks: ["12345", "67890", "12", "\nb\n"],
    lines: [tooLong, { text: "b" }],
  },
  { what: "two of them", chunks: ["123456789\n1234567890\n"], lines: [tooLong, tooLong] },
  { what: "one that never ends", chunks: ["123456789"], lines: [tooLong] },
];

describe("LineReader", () => {
  test.each(cases)("$what", ({ chunks, lines }) => {
    const given = chunks.map((chunk) => (typeof chunk === "string" ? bytes(chunk) : chunk));
    expect(read(new LineReader(8), ...given)).toEqual(lines);
  });

  test("reports a line over the limit before it has ended", () => {
    const lines: Line[] = [];
    new LineReader(8).push(bytes("123456789"), (line) => lines.push(line));
    expect(lines).toEqual([tooLong]);
  });

  test("does not care how the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), fc.array(fc.nat(20)), (texts, cuts) => {
        const expected = texts.map((text) => text.replaceAll("\n", "").replaceAll("\ufeff", "").toWellFormed());
        const stream = bytes(expected.map((text) => `${text}\n`).join(""));
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(stream.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(stream.subarray(at));
        expect(read(new LineReader(), ...chunks)).toEqual(expected.map((text) => ({ text })));
      }),
    );
  });

  test("keeps no view into a buffer that its owner reuses", () => {
    const reader = new LineReader();
    const lines: Line[] = [];
    const buffer = bytes("abc");
    reader.push(buffer, (line) => lines.push(line));
    buffer.fill(0x78);
    reader.push(bytes("\n"), (line) => lines.push(line));
    expect(lines).toEqual([{ text: "abc" }]);
  });
});
