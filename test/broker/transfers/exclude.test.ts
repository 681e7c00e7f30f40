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
  ["node_modules", "a/node_modules/b", false, true],
  [".git", ".gitignore", false, false],
  ["?", "ab", false, false],
];

test.each(cases)("%s: %s", (pattern, path, isDirectory, excluded) => {
  expect(excludedBy([pattern])(path, isDirectory)).toBe(excluded);
});

test("nothing is excluded by nothing", () => {
  expect(excludedBy([])("a", false)).toBe(false);
  expect(excludedBy(["", "/"])("a", false)).toBe(false);
});
