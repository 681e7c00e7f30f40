/** Trees to and from servers that give one channel at a time: what a program holds, requests about files wait for. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../../support/cleanup.ts";
import { startDropbear } from "../../../support/dropbear.ts";
import { makeKey } from "../../../support/keys.ts";
import { startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { configFor } from "../../sessions/files/servers.ts";
import { overSsh } from "../ssh-transfer.ts";
import { treeOf } from "../transfer-fixture.ts";

setDefaultTimeout(60_000);
afterAll(cleanup);

let config: string;
beforeAll(async () => {
  const key = await makeKey();
  const one = await startSshd({ authorizedKeys: [key.line], options: ["MaxSessions 1"] });
  config = configFor({ one, dropbear: await startDropbear({ authorizedKeys: [key.line] }) }, key);
});

/** No line, and nothing that a shell or a pattern leaves alone. */
const names: readonly Buffer[] = [
  ...["a\nb", "\n", "x\n", "'", '"', "a'b\"c", "*", "?", "[ab]", "a*?[!x]", "-dash", "--", "-rf", " ", " a ", "$(x)"],
  ...["`x`", "\\", "\\n", "~", "#", "{a,b}", ";", "&", "|", "a\tb", "\u001b[31m", "é", "😀", "!", "%s"],
]
  .map((name) => Buffer.from(name))
  .concat([
    Buffer.from([0xff, 0xfe]),
    Buffer.from("n".repeat(250)),
    Buffer.from("é".repeat(127)),
    Buffer.from("m".repeat(255)),
  ]);

const pathOf = (...parts: (string | Buffer)[]): Buffer =>
  Buffer.concat(parts.flatMap((part, index) => [Buffer.from(index === 0 ? "" : "/"), Buffer.from(part)]));

const makeNames = (root: string): void => {
  mkdirSync(join(root, "D"), { recursive: true });
  for (const [index, name] of names.entries()) {
    writeFileSync(pathOf(root, name), `${index}`);
    mkdirSync(pathOf(root, "D", name));
    writeFileSync(pathOf(root, "D", name, name), `below ${index}`);
  }
  symlinkSync("nowhere", join(root, "broken"));
  symlinkSync("D", join(root, "link"));
  writeFileSync(join(root, "middle"), Buffer.alloc(300_000, 1));
  writeFileSync(join(root, "large"), Buffer.alloc(3_000_000, 2));
};

/** Folders that each have what a tar is worth. */
const makeFolders = (root: string): void => {
  for (let folder = 0; folder < 40; folder++) {
    mkdirSync(join(root, `d${folder}`), { recursive: true });
    for (let file = 0; file < 20; file++) writeFileSync(join(root, `d${folder}`, `f${file}`), `${folder} ${file}`);
  }
};

const trees = { names: makeNames, folders: makeFolders };
const kinds = ["names", "folders"] as const;

test.each(kinds.flatMap((kind) => [["one", kind] as const, ["dropbear", kind] as const]))(
  "a tree goes there, is there already, and comes back (%s, %s)",
  async (name, kind) => {
    const here = tempDir("here");
    const there = tempDir("there");
    chmodSync(there, 0o777);
    trees[kind](join(here, "tree"));
    const session = await overSsh(config, name, here);
    const options = { recursive: true, preserve: true };
    const facts = (root: string) => treeOf(root, "-printf", "%P %y %s %m %l\n");
    const before = await facts(join(here, "tree"));
    // The second one finds every name taken.
    for (const _ of ["new", "over it"]) {
      const put = await session.cp(["tree/."], `${name}:${there}/tree`, options);
      expect(put.failures).toEqual([]);
      expect(await facts(join(there, "tree"))).toBe(before);
    }
    const got = await session.cp([`${name}:${there}/tree`], "back", options);
    expect(got.failures).toEqual([]);
    expect(await facts(join(here, "back"))).toBe(before);
    await session.end();
  },
);
