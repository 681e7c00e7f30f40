import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { applyEdits } from "../../../../src/core/files/text/exact-edits.ts";

interface Edit {
  old: string;
  new: string;
  all?: boolean;
}

const allSteps = (text: string, edits: readonly Edit[]): { text: string; replaced: number } => {
  const steps = applyEdits(text, edits);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
};

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
