import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { editDistance, suggest } from "../../src/core/suggest.ts";

const commands = [
  "connect",
  "exec",
  "ls",
  "close",
  "serve",
  "cp",
  "cat",
  "shell",
  "--json",
  "--help",
  "--timeout",
  "-p",
];

const table: [word: string, suggestion: string | null][] = [
  ["conect", "connect"],
  ["connetc", "connect"],
  ["xeec", "exec"],
  ["exce", "exec"],
  ["EXEC", "exec"],
  ["con", "connect"],
  ["clo", "close"],
  ["sl", "ls"],
  ["l", "ls"],
  ["c", "cp"],
  ["se", "serve"],
  ["sh", "shell"],
  ["-json", "--json"],
  ["--jsno", "--json"],
  ["--time-out", "--timeout"],
  ["--timeuot", "--timeout"],
  ["--frobnicate", null],
  ["zzz", null],
  ["x", null],
  ["-x", null],
  ["--", null],
  ["", null],
  ["disconnect", "connect"],
  ["a".repeat(1_000_000), null],
];

describe("suggestions", () => {
  test.each(table.map(([word, suggestion]) => [word.slice(0, 20), word, suggestion] as const))(
    "%s",
    (_n, word, suggestion) => {
      expect(suggest(word, commands)).toBe(suggestion);
    },
  );

  test("the shortest that begins so, then the first of equals", () => {
    expect(suggest("ab", ["abcd", "abc", "abd"])).toBe("abc");
    expect(suggest("bat", ["cat", "hat"])).toBe("cat");
    expect(suggest("anything", [])).toBeNull();
  });

  test("every candidate is its own suggestion with two neighbours swapped", () => {
    const words = ["connect", "disconnect", "sessions", "timeout", "identity"];
    for (const word of words) {
      for (let i = 0; i + 1 < word.length; i++) {
        const swapped = word.slice(0, i) + word.charAt(i + 1) + word.charAt(i) + word.slice(i + 2);
        expect([swapped, suggest(swapped, words)]).toEqual([swapped, word]);
      }
    }
  });
});

describe("edit distance", () => {
  test.each([
    ["", "", 0],
    ["", "abc", 3],
    ["abc", "abc", 0],
    ["abc", "abd", 1],
    ["abc", "acb", 1],
    ["abc", "ab", 1],
    ["abc", "xabc", 1],
    ["ca", "abc", 3],
    ["kitten", "sitting", 3],
  ] as const)("%j to %j is %d", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  test("is symmetric, zero only for equals, and within the lengths", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
