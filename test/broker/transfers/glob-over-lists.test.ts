import { afterAll, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { globOverLists } from "../../../src/broker/transfers/glob-over-lists.ts";
import { globProgram, parseGlob } from "../../../src/core/files/remote-scripts.ts";
import { cleanup } from "../../support/cleanup.ts";
import { sftpMachine } from "../../support/sftp-process.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);

test("a server without sh leads to the same paths as one with it", async () => {
  const home = tempDir("home");
  for (const folder of ["a", "b", "c/d", ".hidden"]) mkdirSync(join(home, folder), { recursive: true });
  for (const file of ["a/1.log", "a/2.log", "a/.log", "b/1.log", "c/d/x", "f*", "[x]", "é", ".hidden/1.log"])
    writeFileSync(join(home, file), "");
  symlinkSync("nowhere", join(home, "a", "broken.log"));
  symlinkSync("a", join(home, "link"));
  const { files, run } = await sftpMachine({ home });
  const bySh = async (pattern: string): Promise<string[]> => {
    const said: Uint8Array[] = [];
    const stdout = { write: async (chunk: Uint8Array) => void said.push(chunk.slice()) };
    await run({ script: globProgram(pattern), stdout, timeoutMs: null });
    return parseGlob(Buffer.concat(said), pattern);
  };
  const patterns = [
    ...["*", "*/*.log", "[ab]/1*", "?/*", "*/", "*/d/", "c/*/x", "c/*/y", ".*/1.log", "f\\*", "\\[x]", "[!a-c]*"],
    ...[`${home}/*/*.log`, "nothing/*", "a/1.log/*", "l*/2.log"],
  ];
  for (const pattern of patterns) {
    const expected = (await bySh(pattern)).filter((path) => !/(^|\/)\.\.?(\/|$)/.test(path));
    expect([pattern, await globOverLists(files, pattern)]).toEqual([pattern, expected]);
  }
});
