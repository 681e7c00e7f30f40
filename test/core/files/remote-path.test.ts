import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { escapeHidden } from "../../../src/core/escape.ts";
import { pathText } from "../../../src/core/files/path-text.ts";
import { baseName, joined, parentOf, remotePath, withoutSlashes } from "../../../src/core/files/remote-path.ts";

const cli = { face: "cli" } as const;
const mcp = { face: "mcp" } as const;

test.each([
  ["~", ""],
  ["~/", ""],
  ["~/a", "a"],
  ["~//a", "a"],
  ["./~", "./~"],
  ["~bob/x", "~bob/x"],
  ["a/~", "a/~"],
  ["", ""],
  ["/", "/"],
])("%p means %p", (text, path) => {
  expect(remotePath(text, cli)).toBe(path);
});

describe("an agent's path", () => {
  test("has the characters again that its answer wrote out", () => {
    expect(remotePath("a\\udcffb", mcp)).toBe("a\udcffb");
    expect(remotePath("a\\u200bb\\x9b\\u{e0041}", mcp)).toBe("a\u200bb\u009b\u{e0041}");
    expect(remotePath("a\\udcffb", cli)).toBe("a\\udcffb");
  });

  test("keeps what no answer has written so", () => {
    for (const text of ["\\x41", "\\u0041", "\\n", "C:\\new", "\\u{41}", "\\udc", "\\x0", "\\x00", "\\u{ffffff}"]) {
      expect(remotePath(text, mcp)).toBe(text);
    }
  });

  test("of any bytes comes back as it was", () => {
    fc.assert(
      fc.property(fc.uint8Array({ min: 1, maxLength: 40 }), (bytes) => {
        const path = `/${pathText(bytes.filter((byte) => byte !== 0 && byte !== 0x5c))}`;
        expect(remotePath(escapeHidden(path), mcp)).toBe(path);
      }),
    );
  });
});

test.each([
  ["/a/b", "b", "/a"],
  ["/a/b//", "b", "/a"],
  ["a", "a", ""],
  ["a/b", "b", "a"],
  ["/a", "a", "/"],
  ["//a", "a", "/"],
  ["/", "", "/"],
  ["-rf", "-rf", ""],
  ["a//b", "b", "a"],
])("%p ends in %p, in %p", (path, name, parent) => {
  expect(baseName(path)).toBe(name);
  expect(parentOf(path)).toBe(parent);
});

test("slashes at the end go, and the root's stays", () => {
  expect(["/a//", "a/", "/", "a"].map(withoutSlashes)).toEqual(["/a", "a", "/", "a"]);
  expect([joined("", "a"), joined("/", "a"), joined("b", "a"), joined("b/", "a")]).toEqual(["a", "/a", "b/a", "b/a"]);
});
