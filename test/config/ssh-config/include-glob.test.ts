import { afterAll, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expandGlob } from "../../../src/config/ssh-config/include-glob.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);

const folder = tempDir("glob");
const names = ["a.conf", "b.conf", "B.conf", ".hidden.conf", "a*b", "[x]", "a{b,c}", "d1/one", "d2/one", "d2/two", "ä"];
for (const name of names) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), "");
}
symlinkSync("nowhere", join(folder, "dangling"));

test.each([
  ["*.conf", ["B.conf", "a.conf", "b.conf"]],
  ["?.conf", ["B.conf", "a.conf", "b.conf"]],
  ["[ab].conf", ["a.conf", "b.conf"]],
  ["[a-z].conf", ["a.conf", "b.conf"]],
  ["[!a].conf", ["B.conf", "b.conf"]],
  [".*.conf", [".hidden.conf"]],
  ["a\\*b", ["a*b"]],
  ["\\[x]", ["[x]"]],
  ["[[]x]", ["[x]"]],
  ["a{b,c}", ["a{b,c}"]],
  ["d*/one", ["d1/one", "d2/one"]],
  ["**/two", ["d2/two"]],
  ["d*/*", ["d1/one", "d2/one", "d2/two"]],
  ["d2//two", ["d2/two"]],
  ["dangling", ["dangling"]],
  ["dangl*", ["dangling"]],
  ["missing", []],
  ["a.conf/*", []],
  ["ä", ["ä"]],
  ["[", []],
])("%s", (pattern, expected) => {
  expect(expandGlob(join(folder, "x").slice(0, -1) + pattern)).toEqual(expected.map((name) => join(folder, name)));
});

test("byte order is that of ls in the C locale", async () => {
  const listed = await mustRun(["ls", "-1", folder], { env: { LC_ALL: "C" } });
  expect(expandGlob(`${folder}/*`)).toEqual(
    listed
      .trimEnd()
      .split("\n")
      .map((name) => join(folder, name)),
  );
});
