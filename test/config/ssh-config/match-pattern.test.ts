import { describe, expect, test } from "bun:test";
import { lowerCase, matchHostname, matchPatternList } from "../../../src/config/ssh-config/match-pattern.ts";

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
