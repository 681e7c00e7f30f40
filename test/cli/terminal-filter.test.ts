import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { TerminalFilter } from "../../src/cli/terminal-filter.ts";

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const asLatin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What is shown of these pieces, byte for byte. */
const shown = (...pieces: Uint8Array[]): string => {
  const filter = new TerminalFilter();
  return [...pieces.map((piece) => asLatin1(filter.push(piece))), asLatin1(filter.end())].join("");
};

describe("what passes", () => {
  test.each([
    ["text", "plain text, 日本語, Grüße, 👩‍👩‍👧, e\u0301"],
    ["space and movement within the line", "a\tb\r\nc\bd\x0b\x0c\x07"],
    ["colours", "\x1b[m\x1b[0m\x1b[1;31mred\x1b[38;5;196mx\x1b[38:2::1:2:3my\x1b[0m"],
    ["erasing the rest of a line, as grep does", "\x1b[01;31m\x1b[Kmatch\x1b[m\x1b[K"],
  ])("%s", (_, text) => {
    expect(shown(utf8(text))).toBe(asLatin1(utf8(text)));
  });

  test("is the chunk itself, not a copy", () => {
    const chunk = utf8("nothing to change é\n");
    expect(new TerminalFilter().push(chunk)).toBe(chunk);
  });

  test("comes at once, but for the begin of a sequence or of a character", () => {
    const filter = new TerminalFilter();
    expect(asLatin1(filter.push(utf8("prompt> ")))).toBe("prompt> ");
    expect(asLatin1(filter.push(latin1("a\x1b[3")))).toBe("a");
    expect(asLatin1(filter.push(latin1("1mb\xe2\x82")))).toBe("\x1b[31mb");
    expect(asLatin1(filter.push(latin1("\xac")))).toBe("\xe2\x82\xac");
    expect(asLatin1(filter.end())).toBe("");
  });
});

describe("what is written out", () => {
  test.each([
    ["the clipboard (OSC 52)", "\x1b]52;c;aGk=\x07"],
    ["the title", "\x1b]0;title\x1b\\"],
    ["a link", "\x1b]8;;http://evil/\x1b\\here"],
    ["DCS, as DECRQSS", "\x1bP$qm\x1b\\"],
    ["APC", "\x1b_G\x1b\\"],
    ["PM", "\x1b^x\x1b\\"],
    ["SOS", "\x1bXx\x1b\\"],
    ["device attributes", "\x1b[c\x1b[>c"],
    ["status reports", "\x1b[6n\x1b[5n"],
    ["modes", "\x1b[?1049h\x1b[?2004l\x1b[4h"],
    ["window reports and sizes", "\x1b[21t\x1b[8;1;1t"],
    ["key modifiers, which look like a colour", "\x1b[>4;2m"],
    ["an intermediate byte", "\x1b[1 m"],
    ["cursor and screen", "\x1b[2J\x1b[H\x1b[1A\x1b7\x1b8\x1bc"],
    ["repeat", "\x1b[9999999b"],
    ["character sets", "\x0e\x0f\x1b(0"],
    ["an answerback", "\x05"],
    ["a colour that is none", `\x1b[${"1;".repeat(100)}m`],
    ["C1 in UTF-8", "\xc2\x9b31m\xc2\x9d0;x\xc2\x9c"],
    ["C1 as bytes", "\x9b31m\x9d0;x\x9c"],
    ["ESC in too many bytes", "\xe0\x80\x9b\xc0\x9b\xf0\x80\x80\x9b"],
    ["what is no UTF-8", "\xff \xfe \xe4 \xc2 \xc3( \xe2\x82 \xed\xa0\x80 \xf4\x90\x80\x80 \xc0\xaf \xbf"],
  ])("%s", (_, text) => {
    const bytes = latin1(text);
    const all = shown(bytes);
    expect(harmIn(all)).toBeNull();
    expect(all).toContain("\\x");
    // Nothing of what is written out is left before it.
    expect(all).not.toContain("\xc2\\x");
    // Byte by byte it is the same.
    expect(shown(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toBe(all);
  });

  test("one that never ends, and one that the stream ends in", () => {
    expect(shown(latin1("\x1b"))).toBe("\\x1b");
    expect(shown(latin1("a\x1b[31"))).toBe("a\\x1b[31");
    expect(shown(latin1("a\xe2\x82"))).toBe("a\\xe2\\x82");
    expect(shown(latin1("\xc2"))).toBe("\\xc2");
    const filter = new TerminalFilter();
    const endless = Array.from({ length: 1000 }, () => asLatin1(filter.push(latin1("\x1b[;;;;")))).join("");
    // No more than one sequence is ever held.
    expect(endless.length).toBeGreaterThan(1000 * 8);
    expect(harmIn(endless)).toBeNull();
  });
});

/** The first thing in it that is neither text nor one of the two sequences that pass; by another way than the filter's. */
const harmIn = (output: string): string | null => {
  const rest = output.replace(/\x1b\[[0-9:;]*[mK]/g, "");
  const control = /[\x00-\x06\x0e-\x1f\x7f]/.exec(rest);
  if (control !== null) return JSON.stringify(control[0]);
  const characters = /[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}/g;
  for (const character of rest.match(characters) ?? []) {
    const code = Buffer.from(character, "latin1").toString("utf8").codePointAt(0) ?? 0;
    if (code < 0xa0) return `U+${code.toString(16)}`;
  }
  const alone = /[\x80-\xff]/.exec(rest.replace(characters, ""));
  return alone === null ? null : JSON.stringify(alone[0]);
};

const hostile = fc.array(
  fc.constantFrom(
    ...[
      "\x1b",
      "[",
      "]",
      "52;c;",
      "0",
      ";",
      ":",
      "?",
      ">",
      "m",
      "K",
      "h",
      "c",
      "n",
      "\\",
      "P",
      "_",
      "^",
      " ",
      "\x07",
      "\r\n",
    ],
    ...[
      "\x9b",
      "\x9d",
      "\xc2",
      "\x80",
      "\xbf",
      "\xe2\x82\xac",
      "\xe0",
      "\xed",
      "\xf0\x9f\x98\x80",
      "\xf4",
      "\xff",
      "\x0e",
      "a",
    ],
  ),
  { maxLength: 60 },
);
const split = (bytes: Uint8Array, borders: readonly number[]): Uint8Array[] => {
  const sorted = [...borders.map((border) => border % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b);
  return sorted.slice(1).map((to, index) => bytes.slice(sorted[index] ?? 0, to));
};

test("whatever comes, in whatever pieces: nothing harmful passes, and the pieces make no difference", () => {
  const any = fc.oneof(
    hostile.map((words) => latin1(words.join(""))),
    fc.uint8Array({ maxLength: 80 }),
  );
  fc.assert(
    fc.property(any, fc.array(fc.nat(), { maxLength: 8 }), (bytes, borders) => {
      const all = shown(...split(bytes, borders));
      expect(harmIn(all)).toBeNull();
      expect(all).toBe(shown(bytes));
    }),
    { numRuns: 5000 },
  );
});

test("any text without controls passes as it is, in whatever pieces", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 60 }).filter((each) => !/\p{Cc}/u.test(each));
  fc.assert(
    fc.property(text, fc.array(fc.nat(), { maxLength: 8 }), (each, borders) => {
      expect(shown(...split(utf8(each), borders))).toBe(asLatin1(utf8(each)));
    }),
    { numRuns: 2000 },
  );
});
