import { expect, test } from "bun:test";
import { excludedBy } from "../../../src/broker/transfers/exclude.ts";

const cases: [pattern: string, path: string, isDirectory: boolean, excluded: boolean][] = [
  ["*.o", "a.o", false, true],
  ["*.o", "deep/er/a.o", false, true],
  ["*.o", "a.ok", false, false],
  ["build/", "build", true, true],
  ["build/", "build", false, false],
  ["build/", "x/build/y/z", false, true],
  ["/build", "build", true, true],
  ["/build", "x/build", true, false],
  ["/build", "build/x", false, true],
  ["a/b", "a/b", false, true],
  ["a/b", "x/a/b", false, true],
  ["/a/b", "x/a/b", false, false],
  ["a/*", "a/b/c", false, true],
  ["/a/*/c", "a/x/y/c", false, false],
  ["/a/**/c", "a/x/y/c", false, true],
  ["**/c", "a/x/y/c", false, true],
  ["**/c", "c", false, true],
  ["/a/**/c", "a/c", false, true],
  ["/a*c/**", "a/b/c/d", false, false],
  ["/a*c/**", "abc/d/e", false, true],
  ["foo/**", "foo", true, false],
  ["/x**z", "x/y/z", false, true],
  ["node_modules", "a/node_modules/b", false, true],
  [".git", ".gitignore", false, false],
  ["?", "ab", false, false],
  ["[ab]", "b", false, true],
  ["[ab]", "[ab]", false, false],
  ["[!x]y", "zy", false, true],
  ["[^x]y", "xy", false, false],
  ["f[0-9].[ch]", "d/f7.c", false, true],
  ["[]a]", "]", false, true],
  ["[a-]", "-", false, true],
  ["[[:digit:]]*", "7up", false, true],
  ["[\\]]", "]", false, true],
  ["\\[a*", "[abc", false, true],
  ["\\*.o", "*.o", false, true],
  ["\\*.o", "a.o", false, false],
  // A backslash is one, where there is nothing that it could make plain.
  ["a\\b", "a\\b", false, true],
  ["[ab", "[ab", false, true],
  ["/a/**/[xy]", "a/b/c/y", false, true],
  ["/a/**/\\*", "a/b/x", false, false],
  ["sub/***", "x/sub", true, true],
  ["sub/***", "sub/y/z", false, true],
  ["sub/***", "sub", false, false],
];

test.each(cases)("%s: %s", (pattern, path, isDirectory, excluded) => {
  expect(excludedBy([pattern])(path, isDirectory)).toBe(excluded);
});

test("nothing is excluded by nothing", () => {
  expect(excludedBy([])("a", false)).toBe(false);
  expect(excludedBy(["", "/"])("a", false)).toBe(false);
});
