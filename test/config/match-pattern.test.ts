import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { lowerCase, matchHostname, matchPattern, matchPatternList } from "../../src/config/match-pattern.ts";

describe("matchPattern", () => {
  test.each([
    ["", "", true],
    ["", "*", true],
    ["", "?", false],
    ["web1", "web1", true],
    ["web1", "WEB1", false],
    ["web1", "web", false],
    ["web1", "web1x", false],
    ["web1", "?eb?", true],
    ["web1", "w*1", true],
    ["web1", "*e**1*", true],
    ["web1", "*2", false],
    ["a.b", "a?b", true],
    ["axb", "a.b", false],
    ["a[b", "a[b", true],
  ])("%p against %p is %p", (text, pattern, expected) => {
    expect(matchPattern(text, pattern)).toBe(expected);
  });

  test("says what the regular expression of the pattern says", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 12 });
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "?", "*"), maxLength: 8 });
    fc.assert(
      fc.property(text, pattern, (given, wanted) => {
        const source = wanted.replaceAll("*", ".*").replaceAll("?", ".");
        expect(matchPattern(given, wanted)).toBe(new RegExp(`^${source}$`).test(given));
      }),
      { numRuns: 2000 },
    );
  });

  test("takes no exponential time for many stars", () => {
    expect(matchPattern("a".repeat(20_000), `${"*a".repeat(100)}b`)).toBe(false);
  });
});

describe("lists", () => {
  test.each([
    ["web1", "web1,web2", true],
    ["web2", "web1,web2", true],
    ["web3", "web1,web2", false],
    ["web1", "web*,!web1", false],
    ["web1", "!web1,web*", false],
    ["web2", "!web1,web*", true],
    // Negation alone never matches.
    ["web2", "!web1", false],
    ["", "", true],
    ["web1", `web1,${"x".repeat(1023)}`, false],
    ["web1", `web1,${"x".repeat(1022)}`, true],
  ])("%p against %p is %p", (text, list, expected) => {
    expect(matchPatternList(text, list, false)).toBe(expected);
  });

  test("fold case for host names, and only when told for others", () => {
    expect(matchHostname("WEB1", "Web*")).toBe(true);
    expect(matchPatternList("ann", "ANN", true)).toBe(true);
    expect(matchPatternList("ann", "ANN", false)).toBe(false);
  });

  test("fold ASCII alone", () => {
    expect(lowerCase("ÄB\u212a")).toBe("Äb\u212a");
  });
});
