import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { globMatches } from "../../src/policy/glob.ts";

const table: [pattern: string, name: string, matches: boolean][] = [
  ["web", "web", true],
  ["web", "web1", false],
  ["web", "aweb", false],
  ["", "", true],
  ["", "a", false],
  ["*", "", true],
  ["*", "anything", true],
  ["?", "", false],
  ["?", "a", true],
  ["?", "ab", false],
  ["?", "😀", true],
  ["prod-*", "prod-db", true],
  ["prod-*", "prod-", true],
  ["prod-*", "PROD-db", true],
  ["PROD-*", "prod-db", true],
  ["prod-*", "preprod-db", false],
  ["*.example", "db.example", true],
  ["*.example", "db.example.net", false],
  ["*prod*", "my-prod-db", true],
  ["a*b*c", "a-b-b-c", true],
  ["a*b*c", "a-c-b", false],
  ["**", "x", true],
  ["*?", "", false],
  ["?*?", "ab", true],
  ["a.b", "axb", false],
  ["[ab]", "a", false],
  ["[ab]", "[ab]", true],
  ["a+", "aa", false],
  ["\\*", "*", false],
  ["a*", "a\nb", true],
];

describe("globs", () => {
  test.each(table)("%j on %j: %p", (pattern, name, matches) => {
    expect(globMatches(pattern, name)).toBe(matches);
  });

  test("agree with the regular expression they mean", () => {
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 });
    fc.assert(
      fc.property(pattern, name, (glob, text) => {
        const meant = new RegExp(`^${glob.replaceAll("*", ".*").replaceAll("?", ".")}$`);
        expect(globMatches(glob, text)).toBe(meant.test(text));
      }),
      { numRuns: 3000 },
    );
  });

  test("a pattern of many stars takes no exponential time", () => {
    expect(globMatches(`${"*a".repeat(50)}b`, "a".repeat(5000))).toBe(false);
  });
});
