import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { nameProblem, pathProblem, staysInside } from "../../../src/core/files/file-name.ts";
import { pathBytes, pathText } from "../../../src/core/files/path-text.ts";
import { partName } from "../../../src/core/files/transfer-side.ts";

const systems = ["linux", "darwin", "win32"] as const;
const nowhere = "linux darwin win32";

/** A name, and the systems that take it. */
const table: [name: string, takers: string][] = [
  ["a", nowhere],
  ["...", "linux darwin"],
  [".hidden", nowhere],
  ["naïve", nowhere],
  ["😀", nowhere],
  ["", ""],
  [".", ""],
  ["..", ""],
  ["../x", ""],
  ["/etc/x", ""],
  ["a/b", ""],
  ["a\0b", ""],
  ["..\\x", "linux darwin"],
  ["a\\b", "linux darwin"],
  ["a:b", "linux darwin"],
  ["a ", "linux darwin"],
  ["a.", "linux darwin"],
  ["a\n", "linux darwin"],
  ["a?", "linux darwin"],
  ["CON", "linux darwin"],
  ["con.txt", "linux darwin"],
  ["NUL .txt", "linux darwin"],
  ["Com1", "linux darwin"],
  ["COM¹.log", "linux darwin"],
  ["LPT9", "linux darwin"],
  ["CONIN$", "linux darwin"],
  ["console", nowhere],
  ["com", nowhere],
  ["COM10", nowhere],
  ["\udcff", "linux"],
  ["a\udc80b", "linux"],
  ["\ud800", ""],
  ["\udc00", ""],
  ["\udd00", ""],
  ["x".repeat(255), nowhere],
  ["x".repeat(256), ""],
  ["é".repeat(128), ""],
];

test.each(table)("%j is a name on: %s", (name, takers) => {
  expect(systems.filter((system) => nameProblem(name, system) === null).join(" ")).toBe(takers);
});

test("every byte string without a slash and a NUL is a name on Linux, and comes back", () => {
  const bytes = fc
    .uint8Array({ minLength: 1, maxLength: 255 })
    .map((all) => all.map((byte) => (byte === 0 || byte === 47 ? 1 : byte)));
  fc.assert(
    fc.property(bytes, (all) => {
      const name = pathText(all);
      expect(pathBytes(name)).toEqual(all);
      if (name !== "." && name !== "..") expect(nameProblem(name, "linux")).toBeNull();
    }),
  );
});

test("a path is as good as each of its names", () => {
  expect(pathProblem("a/b/c", "linux")).toBeNull();
  for (const path of ["", "/a", "a/", "a//b", "a/../b", "./a"]) expect(pathProblem(path, "linux")).not.toBeNull();
});

describe("a link", () => {
  test.each([
    ["l", "x"],
    ["l", "./x/y"],
    ["a/l", "../x"],
    ["a/b/l", "../../x"],
    ["a/l", ".."],
  ])("%s to %s stays inside", (path, target) => expect(staysInside(path, target)).toBe(true));

  test.each([
    ["l", ""],
    ["l", "/etc/passwd"],
    ["l", ".."],
    ["l", "../x"],
    ["a/l", "../../x"],
    // What x is a link to decides where that leads.
    ["l", "x/.."],
    ["l", "x/../y"],
    ["l", "a\0b"],
  ])("%s to %j may not", (path, target) => expect(staysInside(path, target)).toBe(false));
});

describe("the name of a part", () => {
  test("is beside its file's, and short enough for every file system", () => {
    expect(partName("a.txt")).toBe(".a.txt.ssh-mcp-part");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 255 }), (bytes) => {
        const part = partName(pathText(bytes.map((byte) => byte || 1)));
        expect(pathBytes(part).length).toBeLessThanOrEqual(255);
      }),
    );
  });

  test("is another one for another long name, and the same for the same", () => {
    const [one, other] = [`${"x".repeat(250)}1`, `${"x".repeat(250)}2`];
    expect(partName(one)).toBe(partName(one));
    expect(partName(one)).not.toBe(partName(other));
  });
});
