import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type AtomicOptions, appendTo, writeAtomically } from "../../../src/core/files/atomic-write.ts";
import type { RemoteFiles } from "../../../src/core/files/remote-files.ts";
import { SftpClient } from "../../../src/ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../../src/ssh/sftp/sftp-files.ts";
import { ShFiles } from "../../../src/ssh/sh-files/sh-files.ts";
import { localRun, localShells } from "../../ssh/sh-files/local-run.ts";
import { codeOf, given, subjects } from "../../ssh/sh-files/subjects.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startSftpProcess } from "../../support/sftp-process.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);

const usual: AtomicOptions = { mode: null, create: "any" };
const write = (files: RemoteFiles, path: string, text: string, options: Partial<AtomicOptions> = {}) =>
  writeAtomically(files, path, given(text), { ...usual, ...options });

async function* broken(text: string): AsyncGenerator<Uint8Array> {
  yield* given(text);
  throw new Error("the source broke");
}

const chosen = (await subjects()).filter(({ name }) => ["dash", "busybox", "sftp"].includes(name));
const isRoot = process.getuid?.() === 0;

for (const { name, files, home } of chosen) {
  const at = (path: string) => join(home, path);
  const text = (path: string) => readFileSync(at(path), "utf8");
  const mode = (path: string) => statSync(at(path)).mode & 0o7777;

  describe(name, () => {
    test("a new file has the mode that was asked for", async () => {
      const result = await write(files, "new", "hello", { mode: 0o664 });
      expect(result).toEqual({ path: "new", bytes: 5, created: true, mode: 0o664, ownerKept: true });
      expect([text("new"), mode("new")]).toEqual(["hello", 0o664]);
      await write(files, "read-only", "hello", { mode: 0o400 });
      expect(mode("read-only")).toBe(0o400);
      expect((await write(files, "special-bits", "hello", { mode: 0o4711 })).mode).toBe(0o4711);
      expect(mode("special-bits")).toBe(0o4711);
      expect(await codeOf(write(files, "new", "again", { create: "new" }))).toBe("ALREADY_EXISTS");
      expect(await codeOf(write(files, "none", "again", { create: "existing" }))).toBe("NOT_FOUND");
      expect(await codeOf(write(files, "none/deeper", "again"))).toBe("NOT_FOUND");
      expect(text("new")).toBe("hello");
    });

    test("a file that is there keeps its mode and its owner, and is never wider meanwhile", async () => {
      mkdirSync(at("keep"));
      writeFileSync(at("keep/file"), "old");
      if (isRoot) chownSync(at("keep/file"), 12, 34);
      chmodSync(at("keep/file"), 0o4750);
      const modes: number[] = [];
      const watch = async function* (): AsyncGenerator<Uint8Array> {
        for (let count = 0; count < 3; count++) {
          yield new Uint8Array(50_000);
          for (const each of readdirSync(at("keep"))) if (each !== "file") modes.push(mode(`keep/${each}`));
        }
      };
      const result = await writeAtomically(files, "keep/file", watch(), usual);
      expect([result.created, result.mode, result.ownerKept]).toEqual([false, 0o4750, true]);
      const facts = statSync(at("keep/file"));
      expect([facts.size, facts.mode & 0o7777]).toEqual([150_000, 0o4750]);
      if (isRoot) expect([facts.uid, facts.gid]).toEqual([12, 34]);
      expect(modes.filter((each) => (each & ~0o750) !== 0)).toEqual([]);
      expect(readdirSync(at("keep"))).toEqual(["file"]);
    });

    test("links are followed to where they lead, and stay", async () => {
      mkdirSync(at("links/deep"), { recursive: true });
      symlinkSync("../links/second", at("links/first"));
      symlinkSync("deep/target", at("links/second"));
      const result = await write(files, "links/first", "one");
      expect([result.created, text("links/deep/target")]).toEqual([true, "one"]);
      await write(files, "links/first", "two", { create: "existing" });
      expect(text("links/deep/target")).toBe("two");
      expect(readlinkSync(at("links/first"))).toBe("../links/second");
      expect(await codeOf(write(files, "links/first", "x", { create: "new" }))).toBe("ALREADY_EXISTS");
      symlinkSync("circle", at("links/circle"));
      expect(await codeOf(write(files, "links/circle", "x"))).toBe("REMOTE_IO");
    });

    test("what is no regular file is not replaced", async () => {
      mkdirSync(at("special"));
      Bun.spawnSync(["mkfifo", at("special/fifo")]);
      for (const path of ["special", "special/fifo", "special/", "/dev/null"]) {
        expect(await codeOf(write(files, path, "x"))).toBe("REMOTE_IO");
        expect(await codeOf(appendTo(files, path, given("x"), usual))).toBe("REMOTE_IO");
      }
      expect(lstatSync(at("special/fifo")).isFIFO()).toBe(true);
    });

    test("a file that is there has the mode that was asked for when it appears", async () => {
      mkdirSync(at("asked"));
      for (const [had, wanted] of [
        [0o644, 0o600],
        [0o600, 0o755],
        [0o640, 0o4711],
      ] as const) {
        writeFileSync(at("asked/file"), "old");
        if (isRoot) chownSync(at("asked/file"), 12, 34);
        chmodSync(at("asked/file"), had);
        const meanwhile: number[] = [];
        const check = (): void => {
          for (const each of readdirSync(at("asked"))) if (each !== "file") meanwhile.push(mode(`asked/${each}`));
        };
        const result = await write(files, "asked/file", "new", { mode: wanted, check });
        expect([result.mode, mode("asked/file"), meanwhile]).toEqual([wanted, wanted, [wanted]]);
        if (isRoot) expect(statSync(at("asked/file")).uid).toBe(12);
      }
    });

    test("what breaks leaves the old file, and nothing beside it", async () => {
      mkdirSync(at("breaks"));
      writeFileSync(at("breaks/file"), "old");
      await expect(writeAtomically(files, "breaks/file", broken("half"), usual)).rejects.toThrow("the source broke");
      const refuse = (): never => {
        throw new Error("changed meanwhile");
      };
      await expect(write(files, "breaks/file", "new", { check: refuse })).rejects.toThrow("changed meanwhile");
      expect([text("breaks/file"), readdirSync(at("breaks"))]).toEqual(["old", ["file"]]);
    });

    test("who swaps the file meanwhile gets no other file's owner or mode changed", async () => {
      mkdirSync(at("swap"));
      writeFileSync(at("swap-victim"), "victim");
      chmodSync(at("swap-victim"), 0o600);
      writeFileSync(at("swap/file"), "old");
      if (isRoot) chownSync(at("swap/file"), 12, 34);
      chmodSync(at("swap/file"), 0o666);
      const swapped = async function* (): AsyncGenerator<Uint8Array> {
        yield new Uint8Array(10);
        let beside: string | undefined;
        await waitFor(
          () => {
            beside = readdirSync(at("swap")).find((each) => each !== "file");
            return beside !== undefined;
          },
          { what: "the file beside" },
        );
        rmSync(at(`swap/${beside}`));
        symlinkSync("../swap-victim", at(`swap/${beside}`));
        yield new Uint8Array(10);
      };
      await writeAtomically(files, "swap/file", swapped(), usual).catch(() => {});
      const victim = statSync(at("swap-victim"));
      expect([text("swap-victim"), victim.mode & 0o7777, victim.uid]).toEqual([
        "victim",
        0o600,
        process.getuid?.() ?? 0,
      ]);
    });

    test("the longest names can be written", async () => {
      for (const each of ["n".repeat(255), "ü".repeat(127), "\udcff".repeat(255)]) {
        await write(files, each, "x");
        expect((await files.stat(each))?.size).toBe(1);
      }
    });

    test("of two that make the same file, exactly one does", async () => {
      for (let round = 0; round < (name === "sftp" ? 40 : 5); round++) {
        const two = ["a", "b"].map((who) => codeOf(write(files, `both${round}`, who.repeat(1000), { create: "new" })));
        const results = await Promise.all(two);
        expect(results.filter((result) => result === "ALREADY_EXISTS").length).toBe(1);
        expect(text(`both${round}`)).toBe((results[0] === "ALREADY_EXISTS" ? "b" : "a").repeat(1000));
      }
      expect(readdirSync(home).filter((each) => each.includes("ssh-mcp-tmp"))).toEqual([]);
    });

    test("adding to a file changes no mode, and does not pass over one in silence", async () => {
      writeFileSync(at("kept-mode"), "one");
      chmodSync(at("kept-mode"), 0o640);
      const add = (bits: number) => appendTo(files, "kept-mode", given("two"), { ...usual, mode: bits });
      expect(await codeOf(add(0o600))).toBe("INVALID_INPUT");
      expect([text("kept-mode"), mode("kept-mode")]).toEqual(["one", 0o640]);
      expect(await add(0o640)).toMatchObject({ bytes: 3 });
    });

    test("of what several add at once nothing is lost", async () => {
      const texts = Array.from({ length: 8 }, (_, index) => String(index).repeat(1000));
      await Promise.all(texts.map((each) => appendTo(files, "many", given(each), usual)));
      // Pieces may mix, and each is there.
      expect([...text("many")].sort().join("")).toBe(texts.join(""));
    });

    test("something can be added to a file, or to what a link leads to", async () => {
      writeFileSync(at("log"), "one\n");
      expect(await appendTo(files, "log", given("two\n"), usual)).toEqual({ bytes: 4, offset: 4, created: false });
      symlinkSync("log", at("log-link"));
      await appendTo(files, "log-link", given("three\n"), { ...usual, create: "existing" });
      expect(text("log")).toBe("one\ntwo\nthree\n");
      expect((await appendTo(files, "log2", given("x"), { ...usual, mode: 0o600 })).created).toBe(true);
      expect(mode("log2")).toBe(0o600);
      expect(await codeOf(appendTo(files, "log3", given("x"), { ...usual, create: "existing" }))).toBe("NOT_FOUND");
    });
  });
}

describe("a server that ends at any time", () => {
  test("leaves the old file or the new one over SFTP", async () => {
    const home = tempDir("home");
    const [old, young] = ["o".repeat(300_000), "y".repeat(400_000)];
    writeFileSync(join(home, "file"), old);
    let done = 0;
    for (let round = 0; round < 40; round++) {
      const { link, pid } = startSftpProcess({ home });
      const client = await SftpClient.open(link, AbortSignal.timeout(10_000));
      const files = new SftpFiles({ first: client, another: async () => null, where: "db1" });
      const timer = setTimeout(() => process.kill(pid, "SIGKILL"), Math.random() * 12);
      await write(files, "file", young).then(
        () => done++,
        () => {},
      );
      clearTimeout(timer);
      link.end();
      const now = readFileSync(join(home, "file"), "utf8");
      expect(now === old || now === young).toBe(true);
      writeFileSync(join(home, "file"), old);
    }
    expect(done).toBeLessThan(41);
  });

  test("leaves the old file or the new one over sh", async () => {
    const home = tempDir("home");
    const [shell] = localShells(tempDir("tools"));
    if (shell === undefined) throw new Error("no shell");
    writeFileSync(join(home, "file"), "old");
    for (let most = 0; most < 7; most++) {
      const run = localRun(shell, home);
      const files = new ShFiles({
        run: async (program) => {
          const result = await run(program);
          return run.count > most ? { ...result, outcome: "unknown", exitCode: null } : result;
        },
        where: "db1",
      });
      await write(files, "file", "new").catch(() => {});
      expect(["old", "new"]).toContain(readFileSync(join(home, "file"), "utf8"));
    }
  });
});

test("another user's file, where a file can and cannot be made beside it", async () => {
  const home = tempDir("home");
  chmodSync(home, 0o755);
  mkdirSync(join(home, "sealed"));
  writeFileSync(join(home, "sealed/file"), "old");
  chmodSync(join(home, "sealed/file"), 0o666);
  mkdirSync(join(home, "open"));
  chmodSync(join(home, "open"), 0o777);
  writeFileSync(join(home, "open/file"), "old");
  chmodSync(join(home, "open/file"), 0o4764);
  const [shell] = localShells(tempDir("tools"));
  if (shell === undefined) throw new Error("no shell");
  const argv = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...shell.argv];
  const files = new ShFiles({ run: localRun({ ...shell, argv }, home), where: "db1" });
  await expect(write(files, "sealed/file", "x")).rejects.toThrow("no file can be made beside it");
  expect(await codeOf(write(files, "sealed/file", "x"))).toBe("REMOTE_PERMISSION");
  const result = await write(files, "open/file", "new");
  // The group's bits were for another group, and the setuid bit for another user.
  expect([result.ownerKept, result.mode]).toEqual([false, 0o744]);
  expect(statSync(join(home, "open/file")).mode & 0o7777).toBe(0o744);
});
