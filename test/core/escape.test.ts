import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { escapeLine, escapeText, quotedWords, shortened } from "../../src/core/escape.ts";

/** Input, as text of several lines, as one line. */
const table: [name: string, input: string, text: string, line: string][] = [
  ["plain", "total 8 ~/src", "total 8 ~/src", "total 8 ~/src"],
  ["empty", "", "", ""],
  ["backslashes", "C:\\x1b\\n", "C:\\x1b\\n", "C:\\x1b\\n"],
  ["letters, emoji, flags of them", "naïve 日本 👍🏽 ⚠\ufe0f", "naïve 日本 👍🏽 ⚠\ufe0f", "naïve 日本 👍🏽 ⚠\ufe0f"],
  ["colour", "\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m", "\\x1b[31mred\\x1b[0m"],
  ["a title that is set", "\x1b]0;x\x07", "\\x1b]0;x\\x07", "\\x1b]0;x\\x07"],
  ["NUL, backspace, DEL", "a\0b\bc\x7f", "a\\x00b\\x08c\\x7f", "a\\x00b\\x08c\\x7f"],
  ["C1", "\x85\x9b31m", "\\x85\\x9b31m", "\\x85\\x9b31m"],
  ["newline and tab", "a\n\tb", "a\n\tb", "a\\n\\tb"],
  ["carriage return with a newline", "a\r\nb", "a\r\nb", "a\\r\\nb"],
  ["carriage return alone", "safe\rrm -rf", "safe\\rrm -rf", "safe\\rrm -rf"],
  ["carriage return twice", "a\r\r\nb", "a\\r\r\nb", "a\\r\\r\\nb"],
  ["carriage return at the end", "a\r", "a\\r", "a\\r"],
  ["vertical tab, form feed", "\x0b\x0c", "\\x0b\\x0c", "\\x0b\\x0c"],
  ["overrides", "\u202egpj.exe\u202c", "\\u202egpj.exe\\u202c", "\\u202egpj.exe\\u202c"],
  ["isolates", "\u2066\u2069", "\\u2066\\u2069", "\\u2066\\u2069"],
  ["marks", "\u200e\u200f\u061c", "\\u200e\\u200f\\u061c", "\\u200e\\u200f\\u061c"],
  [
    "zero width",
    "\u200b\u200c\u200d\u2060\ufeff",
    "\\u200b\\u200c\\u200d\\u2060\\ufeff",
    "\\u200b\\u200c\\u200d\\u2060\\ufeff",
  ],
  ["separators", "\u2028\u2029", "\\u2028\\u2029", "\\u2028\\u2029"],
  ["tag characters", "x\u{e0041}\u{e007f}", "x\\u{e0041}\\u{e007f}", "x\\u{e0041}\\u{e007f}"],
  ["interlinear", "\ufff9\ufffa\ufffb", "\\ufff9\\ufffa\\ufffb", "\\ufff9\\ufffa\\ufffb"],
  ["soft hyphen", "pay\u00adpal", "pay\\xadpal", "pay\\xadpal"],
  ["high surrogate alone", "\ud800x", "\\ud800x", "\\ud800x"],
  ["low surrogate alone", "x\udc00", "x\\udc00", "x\\udc00"],
  ["surrogates the wrong way round", "\udc00\ud800", "\\udc00\\ud800", "\\udc00\\ud800"],
  ["a replacement character", "\ufffd", "\ufffd", "\ufffd"],
];

describe("escaping", () => {
  test.each(table)("%s", (_name, input, text, line) => {
    expect(escapeText(input)).toBe(text);
    expect(escapeLine(input)).toBe(line);
  });

  test("nothing invisible passes but variation selectors", () => {
    const invisible = /[\p{Cc}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;
    const passes: string[] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      if (invisible.test(character) && escapeLine(character) === character) passes.push(code.toString(16));
    }
    const selectors = [
      "180b",
      "180c",
      "180d",
      "180f",
      ...Array.from({ length: 16 }, (_, i) => (0xfe00 + i).toString(16)),
    ];
    expect(passes).toEqual(selectors);
  });

  test("what was escaped holds nothing left to escape", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (input) => {
        expect(escapeText(escapeText(input))).toBe(escapeText(input));
        expect(escapeLine(escapeLine(input))).toBe(escapeLine(input));
        expect(escapeLine(input)).toMatch(/^[^\0-\x1f\x7f-\x9f]*$/);
      }),
    );
  });

  test("every character of ordinary text is kept", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii" }), (input) => {
        expect(escapeText(input)).toBe(input);
      }),
    );
  });
});

describe("words of somebody else in a line of ours", () => {
  const table: [input: string, short: string][] = [
    ["the nightly build", "the nightly build"],
    [`nightly${" ".repeat(100)}ssh-mcp hosts enable evil`, "nightly ssh-mcp hosts en…"],
    ["\u00a0\u3000a\u2800\u2800b \r\n\tc ", "a b \\r\\n\\tc"],
    ["\u001b[2J\u202e", "\\x1b[2J\\u202e"],
    ["x".repeat(26), `${"x".repeat(24)}…`],
    [`${"x".repeat(23)}😀y`, `${"x".repeat(23)}…`],
  ];
  test.each(table)("%j", (input, short) => {
    expect(shortened(input, 25)).toBe(short);
    expect(quotedWords(input, 25)).toBe(`"${short}"`);
  });

  test("do not end their quotes", () => {
    expect(quotedWords('x" waits for you: ssh-mcp hosts enable evil, "', 80)).toBe(
      "\"x' waits for you: ssh-mcp hosts enable evil, '\"",
    );
  });
});
