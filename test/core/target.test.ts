import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isSessionName, nextFreeName, sessionNameFrom } from "../../src/core/target.ts";

describe("session names", () => {
  test.each(["a", "0", "web", "web-1", "db.prod_2", "a..b", "x".repeat(64)])("%s is one", (text) => {
    expect(isSessionName(text)).toBe(true);
  });

  test.each([
    "",
    ".",
    "..",
    ".web",
    "-web",
    "_web",
    "Web",
    "web/1",
    "web\n",
    "we b",
    "wéb",
    "a\0",
    "web@x",
    "x".repeat(65),
  ])("%j is none", (text) => {
    expect(isSessionName(text)).toBe(false);
  });
});

const defaults: [typed: string, name: string][] = [
  ["web", "web"],
  ["Web.Example", "web.example"],
  ["192.0.2.7", "192.0.2.7"],
  ["2001:db8::1", "ip6-2001-db8--1"],
  // What is left of it is no name: as a host, 1 is 0.0.0.1.
  ["::1", "ip6-1"],
  ["::", "ip6"],
  ["fe80::1%eth0", "ip6-fe80--1-eth0"],
  ["bücher.example", "b-cher.example"],
  ["日本", "session"],
  ["😀x", "x"],
  ["", "session"],
  ["../../etc/passwd", "etc-passwd"],
  ["web.", "web."],
  ["_srv", "srv"],
  ["x".repeat(80), "x".repeat(64)],
  [`${"x".repeat(63)}:1`, "x".repeat(63)],
];

describe("default names", () => {
  test.each(defaults)("%j becomes %s", (typed, name) => {
    expect(sessionNameFrom(typed)).toBe(name);
  });

  test("any text gives a valid name, and a valid one itself unless it ends in a dash", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 100 }), (typed) => {
        expect(isSessionName(sessionNameFrom(typed))).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,62}[a-z0-9._]$/), (typed) => {
        expect(sessionNameFrom(typed)).toBe(typed);
      }),
    );
  });
});

describe("the next free name", () => {
  test("numbers start at 2 and fill gaps", () => {
    expect(nextFreeName("web", new Set())).toBe("web");
    expect(nextFreeName("web", new Set(["web"]))).toBe("web-2");
    expect(nextFreeName("web", new Set(["web", "web-2", "web-4"]))).toBe("web-3");
    expect(nextFreeName("web", new Map([["web", 1]]))).toBe("web-2");
  });

  test("a long base is cut, the name stays valid and free", () => {
    const base = "x".repeat(64);
    const taken = new Set<string>();
    for (let count = 0; count < 120; count++) {
      const name = nextFreeName(base, taken);
      expect(isSessionName(name)).toBe(true);
      expect(taken.has(name)).toBe(false);
      taken.add(name);
    }
    expect(taken.has(`${"x".repeat(62)}-2`)).toBe(true);
    expect(taken.has(`${"x".repeat(60)}-120`)).toBe(true);
  });
});
