import { afterAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { pathBytes, pathText } from "../../../src/core/files/path-text.ts";
import {
  globProgram,
  parseGlob,
  parseRemoval,
  parseSha256,
  parseTools,
  removeTreeProgram,
  sha256Program,
  toolsProgram,
} from "../../../src/core/files/remote-scripts.ts";
import { type LocalShell, localRun, localShells } from "../../ssh/sh-files/local-run.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);

const outputOf = async (shell: LocalShell, home: string, script: string): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  const stdout = { write: async (chunk: Uint8Array) => void chunks.push(chunk) };
  await localRun(shell, home)({ script, stdout, timeoutMs: null });
  return Buffer.concat(chunks);
};

const odd = [
  "a",
  "A",
  "-rf",
  "two\nlines",
  "tail\n",
  "*",
  "[a]",
  "'$(touch run)'",
  "\\",
  " ",
  "\udcff\udc80x",
  ".hidden",
  "ü",
];
const hex = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

for (const shell of localShells(tempDir("tools"))) {
  const home = tempDir("home");
  const at = (path: string): Buffer => Buffer.concat([Buffer.from(`${home}/`), pathBytes(path)]);
  const say = (script: string): Promise<Buffer> => outputOf(shell, home, script);

  describe(shell.name, () => {
    test("SHA-256 of a file, of its first bytes, and of nothing that cannot be read", async () => {
      const sha256 = async (path: string, length: number | null) =>
        parseSha256(await say(sha256Program(path, length)), path);
      for (const name of odd) {
        writeFileSync(at(name), `content of ${name}`);
        expect(await sha256(name, null)).toBe(hex(`content of ${name}`));
      }
      expect(await sha256("a", 7)).toBe(hex("content"));
      expect(await sha256("a", 0)).toBe(hex(""));
      expect(sha256("none", null)).rejects.toThrow("cannot be read");
      expect(sha256(".", null)).rejects.toThrow("cannot be read");
      expect(sha256(".", 3)).rejects.toThrow("cannot be read");
    });

    test("patterns lead to what sh says, and to nothing else", async () => {
      const glob = async (pattern: string) => parseGlob(await say(globProgram(pattern)), pattern);
      mkdirSync(at("dir"));
      writeFileSync(at("dir/file one"), "");
      symlinkSync("nowhere", at("dir/file two"));
      const visible = odd.filter((name) => name !== ".hidden");
      const sorted = [...visible, "dir"]
        .map((name) => Buffer.from(pathBytes(name)))
        .sort(Buffer.compare)
        .map(pathText);
      expect(await glob("*")).toEqual(sorted);
      expect(await glob("d*/f*")).toEqual(["dir/file one", "dir/file two"]);
      expect(await glob(`${home}/dir/*`)).toEqual([`${home}/dir/file one`, `${home}/dir/file two`]);
      expect(await glob(".h*")).toEqual([".hidden"]);
      expect(await glob("[aA]")).toEqual(["A", "a"]);
      expect(await glob("[^b-zB-Z -.]")).toContain("a");
      expect(await glob("[!a-zA-Z -.]")).not.toContain("a");
      expect(await glob("\\*")).toEqual(["*"]);
      expect(await glob("\\[a\\]")).toEqual(["[a]"]);
      expect(await glob("none*")).toEqual([]);
      expect(await glob("$(touch run)*")).toEqual([]);
      expect(await glob("[$(touch run)]`touch run`")).toEqual([]);
      expect(await glob("~")).toEqual([]);
      expect(existsSync(at("run"))).toBe(false);
      for (const name of visible) expect(await glob(name.replace(/[*?[\\]/g, "\\$&"))).toEqual([name]);
    });

    test("a tree is removed, and nothing that its links lead to", async () => {
      mkdirSync(at("kept"));
      writeFileSync(at("kept/file"), "");
      mkdirSync(at("tree/deep"), { recursive: true });
      for (const name of odd) writeFileSync(at(`tree/deep/${name}`), "");
      symlinkSync("../kept", at("tree/link"));
      symlinkSync("kept", at("kept-link"));
      const remove = async (path: string) => parseRemoval(await say(removeTreeProgram(path)));
      expect(await remove("tree")).toBe("removed");
      expect(existsSync(at("tree"))).toBe(false);
      expect(await remove("kept-link/")).toBe("removed");
      expect(readdirSync(at("kept"))).toEqual(["file"]);
      expect(await remove("-rf")).toBe("removed");
      expect(await remove("none")).toBe("absent");
    });

    test("what nobody removes is refused where it really lies", async () => {
      symlinkSync("/", at("root"));
      const remove = async (path: string) => parseRemoval(await say(removeTreeProgram(path)));
      for (const path of [
        home,
        `${home}/../${home.split("/").at(-1)}`,
        "/tmp",
        "root/tmp",
        "//usr",
        "/proc/self/root/tmp",
      ])
        expect([path, await remove(path)]).toEqual([path, "refused"]);
      for (const path of ["/", "//", "", ".", "..", "a/..", "a/.", "/tmp/."])
        expect(() => removeTreeProgram(path)).toThrow("cannot be removed");
    });

    test("what has become another directory meanwhile is not removed from", async () => {
      mkdirSync(at("other/etc"), { recursive: true });
      symlinkSync("other", at("was"));
      expect(parseRemoval(await say(removeTreeProgram(`${home}/was/etc`)))).toBe("moved");
      expect(existsSync(at("other/etc"))).toBe(true);
      for (const name of odd) mkdirSync(at(`other/etc/${name}/x`), { recursive: true });
      for (const name of odd)
        expect(parseRemoval(await say(removeTreeProgram(`${home}/other/etc/${name}`)))).toBe("removed");
      expect(readdirSync(at("other/etc"))).toEqual([]);
    });

    test("tools are told", async () => {
      const tools = parseTools(await say(toolsProgram()));
      expect(tools.sha256).toBe(true);
      const few = shell.name === "dash with few tools";
      expect(tools.find).toBe(few ? null : shell.name === "busybox" ? "print0" : "printf");
      expect(tools.tar).toBe(shell.name === "busybox" ? "busybox" : "gnu");
    });
  });
}

test("a pattern without anything special is one word of sh", () => {
  const plain = fc.string({ minLength: 1 }).filter((text) => !/[*?[\\\0]/.test(text));
  fc.assert(
    fc.property(plain, (text) => {
      expect(globProgram(`/${text}`)).toContain(`for p in '/${text.replaceAll("'", "'\\''")}';do`);
    }),
  );
});

test("answers among noise, and cut ones", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  expect(parseSha256(bytes(`motd\nssh-mcp-answer: sha256 ${hex("x")}  -\n`), "x")).toBe(hex("x"));
  expect(parseSha256(bytes(`ssh-mcp-answer: sha256 SHA2-256(stdin)= ${hex("x")}\n`), "x")).toBe(hex("x"));
  expect(parseSha256(bytes("ssh-mcp-answer: none\n"), "x")).toBeNull();
  expect(() => parseSha256(bytes(`ssh-mcp-answer: sha256 ${hex("x").slice(2)}`), "x")).toThrow();
  expect(() => parseGlob(bytes("./a\0./b"), "*")).toThrow();
  expect(parseRemoval(bytes(""))).toBe("unknown");
  expect(parseTools(bytes("ssh-mcp-answer: tar evil\n"))).toEqual({ tar: null, find: null, sha256: false });
});
