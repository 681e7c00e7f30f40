import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { escapeHidden } from "../../../src/core/escape.ts";
import { pathText } from "../../../src/core/files/path-text.ts";
import { baseName, joined, parentOf, remotePath, withoutSlashes } from "../../../src/core/files/remote-path.ts";

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
  expect(remotePath(text)).toBe(path);
});

describe("a path", () => {
  test("has the bytes again that its answer wrote out", () => {
    expect(remotePath("a\\udcffb\\udc80")).toBe("a\udcffb\udc80");
  });

  test("keeps every other backslash", () => {
    for (const text of [
      "mnt-\\xc3\\x9cber.mount",
      "dev-disk-by\\x2duuid",
      "a\\x0bb\\u200b\\u{e0041}",
      "C:\\new\\udcx",
      "\\udc",
      "\\udc7f",
      "\\udd80",
      "\\ud800",
      "\\UDCFF",
    ])
      expect(remotePath(text)).toBe(text);
  });

  test("of any bytes comes back as it was", () => {
    fc.assert(
      fc.property(fc.uint8Array({ min: 1, maxLength: 40 }), (bytes) => {
        const path = `/${pathText(bytes.filter((byte) => byte > 0x1f && byte !== 0x5c && byte !== 0x7f))}`;
        if (/[\p{Cc}\p{Cf}]/u.test(path)) return;
        expect(remotePath(escapeHidden(path))).toBe(path);
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
