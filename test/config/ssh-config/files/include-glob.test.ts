import { afterAll, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expandGlob } from "../../../../src/config/ssh-config/files/include-glob.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { mustRun } from "../../../support/command.ts";
import { tempDir } from "../../../support/temp.ts";

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
  ["[^a].conf", ["a.conf"]],
  ["[]x[]*", ["[x]"]],
  ["a[*]b", ["a*b"]],
  ["a[!-*]b", []],
  ["[[:digit:][:lower:]].conf", ["a.conf", "b.conf"]],
  ["[![:lower:]].conf", ["B.conf"]],
  ["d[[:digit:]]/[[:alpha:]]*", ["d1/one", "d2/one", "d2/two"]],
  ["[[:nothing:]].conf", []],
  ["[[:alpha].conf", ["a.conf"]],
  ["[\\]]x]", []],
  ["[\\[]x[\\]]", ["[x]"]],
  ["\\.hidden*", [".hidden.conf"]],
  ["?", []],
  ["??", ["d1", "d2", "ä"]],
  ["[ä]*", ["ä"]],
  ["[B-a].conf", ["B.conf", "a.conf"]],
  ["[a-].conf", ["a.conf"]],
  ["a[", []],
  ["a[!", []],
  ["***.conf", ["B.conf", "a.conf", "b.conf"]],
])("%s", (pattern, expected) => {
  expect(expandGlob(join(folder, "x").slice(0, -1) + pattern)).toEqual(expected.map((name) => join(folder, name)));
  // ssh reads the same files.
  const ssh = Bun.spawnSync(["ssh", "-vG", "-F", "/dev/stdin", "h"], {
    stdin: Buffer.from(`Include "${folder}/${pattern.replaceAll("\\", "\\\\")}"\n`),
    env: { LC_ALL: "C.UTF-8" },
  });
  const read = [...ssh.stderr.toString().matchAll(/^debug1: Reading configuration data (.*)$/gm)].map(([, path]) =>
    path?.replace("//", "/").replace("\\303\\244", "ä"),
  );
  const files = expected.filter((name) => name !== "dangling").map((name) => join(folder, name));
  expect(read.slice(1)).toEqual(files);
});

test("a pattern of many stars takes no longer than another", () => {
  const name = "a".repeat(200);
  writeFileSync(join(folder, name), "");
  expect(expandGlob(`${folder}/${"*a".repeat(60)}*b`)).toEqual([]);
  expect(expandGlob(`${folder}/${"*a".repeat(60)}*`)).toEqual([join(folder, name)]);
  expect(expandGlob(`${folder}/${"[".repeat(4000)}`)).toEqual([]);
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
