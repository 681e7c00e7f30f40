import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { applyEdits } from "../../../../src/core/files/text/exact-edits.ts";
import { counted, last } from "./steps.ts";

interface Edit {
  old: string;
  new: string;
  all?: boolean;
}

const allSteps = (text: string, edits: readonly Edit[]): { text: string; replaced: number } =>
  last(applyEdits(text, edits));

const edited = (text: string, ...edits: Edit[]): string => allSteps(text, edits).text;

describe("an exact edit", () => {
  test.each([
    ["in a line", "a b c\n", "b", "x", "a x c\n"],
    ["of two lines", "a\nb\nc\n", "a\nb", "x", "x\nc\n"],
    ["to nothing", "a\nb\n", "b\n", "", "a\n"],
    ["with what a replacement means to JavaScript", "a\n", "a", "$& $1 $$", "$& $1 $$\n"],
    ["with what a pattern means", "a.*\r\nb\nabc\n", "a.*\nb", "x\ny", "x\r\ny\nabc\n"],
    ["of a file without a final newline", "a\nb", "b", "c", "a\nc"],
    ["of CRLF by \\n", "a\r\nb\r\nc\r\n", "a\nb", "x\ny\nz", "x\r\ny\r\nz\r\nc\r\n"],
    ["of LF by \\r\\n", "a\nb\n", "a\r\nb", "x\r\ny", "x\ny\n"],
    ["within a line of CRLF that becomes two", "a\r\nb\r\n", "b", "x\ny", "a\r\nx\r\ny\r\n"],
    ["of mixed endings, line by line", "a\r\nb\nc\r\n", "a\nb\nc", "x\ny\nz", "x\r\ny\nz\r\n"],
  ])("%s", (_, text, old, replacement, expected) => {
    expect(edited(text, { old, new: replacement })).toBe(expected);
  });

  test("each applies to the result of the one before", () => {
    expect(edited("a\n", { old: "a", new: "b" }, { old: "b", new: "c" })).toBe("c\n");
  });

  test("all replaces every place, and none of what it wrote", () => {
    expect(allSteps("aXaXa", [{ old: "a", new: "aa", all: true }])).toEqual({ text: "aaXaaXaa", replaced: 3 });
  });

  test.each([
    ["is not there", "a\nb\n", { old: "c", new: "x" }, "not found"],
    ["is there twice", "a\nb\na\n", { old: "a", new: "x" }, "found 2 times (lines 1, 3)"],
    ["is there twice, overlapping", "aaa\n", { old: "aa", new: "x" }, "found 2 times"],
    ["is empty", "a\n", { old: "", new: "x" }, "old is empty"],
  ])("that %s is refused", (_, text, edit, said) => {
    expect(() => edited(text, edit)).toThrow(said);
  });

  test("that comes after others which fit changes nothing, and is named", () => {
    const edits = [
      { old: "a", new: "b" },
      { old: "c", new: "d" },
    ];
    expect(() => allSteps("a\n", edits)).toThrow("edit 2 of 2: old is not found");
  });

  test("that differs in white space alone is told where", () => {
    expect(() => edited("x\n\tif (a)  {\n", { old: "  if (a) {", new: "" })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("line 2 differs from it in white space only") }),
    );
  });

  test("that differs so is told where, whatever the white space and the words before", () => {
    const word = fc.constantFrom("a", "b", "ab");
    const space = fc.constantFrom(" ", "\t", "\n", "  ", " \n\n ", "\u00a0");
    const words = fc.array(fc.tuple(word, space), { minLength: 1, maxLength: 8 }).map((all) => all.flat().join(""));
    fc.assert(
      fc.property(words, words, (text, old) => {
        if (text.includes(old)) return;
        const near = new RegExp(old.trim().split(/\s+/).join("\\s+")).exec(text);
        const said =
          near === null ? "read the file again" : `line ${text.slice(0, near.index).split("\n").length} differs`;
        expect(() => edited(text, { old, new: "" })).toThrow(
          expect.objectContaining({ hint: expect.stringContaining(said) }),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test("gives what a plain replacement gives, for any text", () => {
    const word = fc.constantFrom("a", "b", "\n", "ab", " ", ".", "$&", "é");
    const words = fc.array(word, { maxLength: 12 }).map((all) => all.join(""));
    fc.assert(
      fc.property(words, words, words, (text, old, replacement) => {
        if (old === "" || !text.includes(old)) return;
        expect(edited(text, { old, new: replacement, all: true })).toBe(text.split(old).join(replacement));
        const crlf = (plain: string) => plain.replaceAll("\n", "\r\n");
        if (!text.includes("\n")) return;
        expect(edited(crlf(text), { old, new: replacement, all: true })).toBe(crlf(text.split(old).join(replacement)));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a large text", () => {
  const size = 4 * 1024 * 1024;

  test.each([
    ["that is everywhere", " ".repeat(size), " ", "more than 5 times"],
    ["that is long and overlaps itself", "a".repeat(size), "a".repeat(65_536), "more than 5 times"],
    ["that is nearly there, again and again", `${"a".repeat(size)}\n`, `${"a".repeat(65_536)}b`, "not found"],
    ["whose words are there, but for the last", "0 ".repeat(size / 2), `${"0 ".repeat(1000)}1`, "not found"],
    [
      "whose characters are there in another order",
      `${"a".repeat(9999)}b`.repeat(400),
      `${"a".repeat(9998)}ba`,
      "times (lines 1",
    ],
  ])("an edit of something %s is refused soon", (_, text, old, said) => {
    expect(() => edited(text, { old, new: "" })).toThrow(said);
  });

  test("is edited in steps, also at every second place", () => {
    const done = counted(applyEdits("a,".repeat(size / 2), [{ old: ",", new: ";", all: true }]));
    expect(done.value).toEqual({ text: "a;".repeat(size / 2), replaced: size / 2 });
    expect(done.steps).toBeGreaterThan(500);
  });

  test("is given no more line endings than its lines have, and looked at once for them", () => {
    const text = `a\r\nb\n${"x".repeat(200_000)}`;
    const done = edited(text, { old: "x", new: "\n", all: true });
    expect(done).toBe(`a\r\nb\n${"\n".repeat(200_000)}`);
  });

  test("does not grow without measure", () => {
    const edit = { old: "a", new: "b".repeat(100_000), all: true };
    expect(() => edited("a".repeat(size), edit)).toThrow("larger than 16 MiB");
  });
});

describe("mixed line endings", () => {
  test("places that overlap are counted", () => {
    expect(() => edited("a\r\nb\n\n\nc\n", { old: "\n\n", new: "Q" })).toThrow("found 2 times (lines 2, 3)");
  });

  test("edits give what they give where all lines end alike, whatever the endings are", () => {
    const word = fc.constantFrom("a", "b", "\n", "\n", "ab");
    const words = fc.array(word, { maxLength: 10 }).map((all) => all.join(""));
    const plain = (text: string) => text.replaceAll("\r\n", "\n");
    fc.assert(
      fc.property(words, words, words, fc.array(fc.boolean()), (text, old, replacement, returns) => {
        if (old === "" || !text.includes(old)) return;
        const mixed = text.replace(/\n/g, () => (returns.shift() === true ? "\r\n" : "\n"));
        expect(plain(edited(mixed, { old, new: replacement, all: true }))).toBe(text.split(old).join(replacement));
        if (text.split(old).length > 2) expect(() => edited(mixed, { old, new: "" })).toThrow("times");
      }),
      { numRuns: 1000 },
    );
  });
});
