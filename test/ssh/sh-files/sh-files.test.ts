import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../support/cleanup.ts";
import { codeOf, content, given, listed, subjects } from "./subjects.ts";

afterAll(cleanup);

for (const { name, files, home, programs } of await subjects()) {
  const at = (path: string) => join(home, path);
  const write = (path: string, text: string, create: "new" | "existing" | "any", mode: number | null = null) =>
    files.write(path, given(text), { offset: 0, create, mode });

  describe(name, () => {
    test("facts are those of the file, or of what a link leads to", async () => {
      writeFileSync(at("facts"), "12345");
      chmodSync(at("facts"), 0o4751);
      symlinkSync("facts", at("facts-link"));
      symlinkSync("nowhere", at("facts-dangling"));
      Bun.spawnSync(["mkfifo", at("facts-fifo")]);
      Bun.spawnSync(["touch", "-d", "@1000000000", at("facts")]);
      const facts = {
        type: "file",
        size: 5,
        mode: 0o4751,
        uid: process.getuid?.(),
        gid: process.getgid?.(),
        mtime: 1e9,
      };
      expect(await files.stat("facts")).toEqual(facts as never);
      expect(await files.stat(at("facts-link"))).toEqual(facts as never);
      expect((await files.lstat("facts-link"))?.type).toBe("symlink");
      expect((await files.lstat("facts-dangling"))?.type).toBe("symlink");
      expect(await files.stat("facts-dangling")).toBeNull();
      expect(await files.lstat("none")).toBeNull();
      expect(await files.stat("none/deeper")).toBeNull();
      expect(await files.stat("facts/deeper")).toBeNull();
      expect((await files.stat(""))?.type).toBe("directory");
      expect((await files.stat("facts-fifo"))?.type).toBe("fifo");
      expect((await files.stat("/dev/null"))?.type).toBe("character");
    });

    test("each method is one program", async () => {
      const before = programs();
      await files.stat("facts");
      await write("one", "1", "any", 0o600);
      await files.rename("one", "other", true);
      await files.remove("other");
      if (name !== "sftp") expect(programs() - before).toBe(4);
    });

    test("a file is made with exactly the mode that was asked for, and only if the name is free", async () => {
      expect(await write("made", "hello", "new", 0o664)).toBe(5);
      expect(statSync(at("made")).mode & 0o7777).toBe(0o664);
      expect(await codeOf(write("made", "again", "new", 0o600))).toBe("ALREADY_EXISTS");
      symlinkSync("nowhere", at("made-link"));
      expect(await codeOf(write("made-link", "again", "new", 0o600))).toBe("ALREADY_EXISTS");
      expect(existsSync(at("nowhere"))).toBe(false);
      symlinkSync("/dev/null", at("made-device"));
      expect(await codeOf(write("made-device", "again", "new", 0o600))).toBe("ALREADY_EXISTS");
      expect(await codeOf(write("gone", "again", "existing"))).toBe("NOT_FOUND");
      expect(await codeOf(write("gone/deeper", "again", "any"))).toBe("NOT_FOUND");
      expect(readFileSync(at("made"), "utf8")).toBe("hello");
    });

    test("names that are something else to a shell or its tools", async () => {
      for (const odd of ["\\c", "-n", "$HOME%s", "é\n\n", "`x`;!", "~"]) {
        await write(odd, odd, "new", 0o600);
        await write(odd, `${odd}${odd}`, "existing");
        expect((await content(files, odd)).toString()).toBe(`${odd}${odd}`);
        expect((await files.stat(odd))?.size).toBe(2 * Buffer.byteLength(odd));
        expect(await files.resolve(odd)).toBe(at(odd));
        await files.rename(odd, `${odd}.2`, false);
        await files.remove(`${odd}.2`);
      }
      expect(await codeOf(files.stat("a\0b"))).toBe("INVALID_INPUT");
    });

    // Over SFTP, the channel is given up for one.
    // Over SFTP it would end the channel that the others use.
    if (name !== "sftp")
      test("nobody waits for the other end of a FIFO", async () => {
        Bun.spawnSync(["mkfifo", at("fifo")]);
        expect(await codeOf(files.open("fifo"))).toBe("UNSUPPORTED");
        expect(await codeOf(write("fifo", "x", "any"))).toBe("UNSUPPORTED");
        expect(await codeOf(write("fifo", "x", "new", 0o600))).toBe("ALREADY_EXISTS");
      });

    test("a write cuts the file at its offset, and keeps its mode", async () => {
      writeFileSync(at("cut"), "0123456789");
      chmodSync(at("cut"), 0o640);
      const told: number[] = [];
      await files.write("cut", given("ab", "cd"), {
        offset: 3,
        create: "existing",
        mode: 0o777,
        onWritten: (n) => told.push(n),
      });
      expect(readFileSync(at("cut"), "utf8")).toBe("012abcd");
      expect(told.at(-1)).toBe(4);
      await write("cut", "x", "any", 0o777);
      expect(readFileSync(at("cut"), "utf8")).toBe("x");
      expect(statSync(at("cut")).mode & 0o7777).toBe(0o640);
      symlinkSync("cut-target", at("cut-link"));
      await write("cut-link", "through", "any", 0o600);
      expect(readFileSync(at("cut-target"), "utf8")).toBe("through");
      expect(lstatSync(at("cut-link")).isSymbolicLink()).toBe(true);
    });

    test("ranges are exact, also behind the end", async () => {
      writeFileSync(at("range"), "0123456789");
      expect((await content(files, "range")).toString()).toBe("0123456789");
      expect((await content(files, "range", 3, 4)).toString()).toBe("3456");
      expect((await content(files, "range", 1)).toString()).toBe("123456789");
      expect((await content(files, "range", 8, 9)).toString()).toBe("89");
      expect((await content(files, "range", 10)).toString()).toBe("");
      expect((await content(files, "range", 50, 3)).toString()).toBe("");
      expect((await content(files, "range", 0, 0)).toString()).toBe("");
      expect(await codeOf(content(files, "none"))).toBe("NOT_FOUND");
      expect((await content(files, "/proc/version")).toString()).toBe(readFileSync("/proc/version", "utf8"));
    });

    test("a directory lists all its names, and nothing else is one", async () => {
      mkdirSync(at("dir"));
      expect(await listed(files, "dir")).toEqual([]);
      const names = [
        ".hidden",
        "..odd",
        "a b",
        "-rf",
        "two\nlines",
        "*",
        "'",
        "ü",
        "tail\n",
        "x\nc81a4 1 1 1 1 1.1 ",
        "c81a4 1 1 1 1 1.1 ",
      ];
      for (const each of names) writeFileSync(at(`dir/${each}`), each);
      symlinkSync("nowhere", at("dir/dangling"));
      expect(await listed(files, "dir")).toEqual([...names, "dangling"].sort());
      symlinkSync("dir", at("dir-link"));
      expect((await listed(files, "dir-link")).length).toBe(names.length + 1);
      expect(await codeOf(listed(files, "none"))).toBe("NOT_FOUND");
      writeFileSync(at("no-dir"), "");
      expect(["REMOTE_IO", "NOT_FOUND"]).toContain((await codeOf(listed(files, "no-dir"))) as string);
    });

    test("a rename never goes into a directory", async () => {
      mkdirSync(at("into"));
      symlinkSync("into", at("into-link"));
      writeFileSync(at("from"), "from");
      expect(await codeOf(files.rename("from", "into", true))).toBe("REMOTE_IO");
      expect(await codeOf(files.rename("from", "into", false))).toBe("ALREADY_EXISTS");
      expect(await codeOf(files.rename("from", "into-link", false))).toBe("ALREADY_EXISTS");
      // Some of mv replace no link that leads to a directory, or would follow it.
      if (name !== "busybox" && !name.endsWith("BSD")) await files.rename("from", "into-link", true);
      else expect(await codeOf(files.rename("from", "into-link", true))).toBe("REMOTE_IO");
      expect(await listed(files, "into")).toEqual([]);
    });

    test("a rename replaces, or refuses to", async () => {
      writeFileSync(at("old"), "old");
      writeFileSync(at("young"), "young");
      expect(await codeOf(files.rename("young", "old", false))).toBe("ALREADY_EXISTS");
      expect(readFileSync(at("old"), "utf8")).toBe("old");
      await files.rename("young", "old", true);
      expect(readFileSync(at("old"), "utf8")).toBe("young");
      await files.rename("old", "free", false);
      expect([existsSync(at("old")), readFileSync(at("free"), "utf8")]).toEqual([false, "young"]);
      expect(await codeOf(files.rename("none", "free", true))).toBe("NOT_FOUND");
      mkdirSync(at("moved"));
      await files.rename("moved", "moved-too", false);
      expect(statSync(at("moved-too")).isDirectory()).toBe(true);
      symlinkSync("free", at("moved-link"));
      await files.rename("moved-link", "moved-link-too", false);
      expect(readlinkSync(at("moved-link-too"))).toBe("free");
    });

    test("links say what was written, byte for byte", async () => {
      for (const target of ["a b\n\n", "-n", "../\udcff'\udc80", " -> x"]) {
        await files.symlink(target, "said");
        expect(readlinkSync(at("said"), "buffer").toString("latin1")).not.toBe("");
        expect(await files.readLink("said")).toBe(target);
        await files.remove("said");
      }
      mkdirSync(at("said-dir"));
      symlinkSync("said-dir", at("said-link"));
      for (const path of ["said-dir", "said-link"])
        expect(["ALREADY_EXISTS", "REMOTE_IO"]).toContain((await codeOf(files.symlink("x", path))) as string);
      expect(await listed(files, "said-dir")).toEqual([]);
      expect(["REMOTE_IO", "NOT_FOUND"]).toContain((await codeOf(files.readLink("said-dir"))) as string);
    });

    test("directories are made with their mode, and removed when they are empty", async () => {
      await files.makeDirectory("new-dir", 0o751);
      expect(statSync(at("new-dir")).mode & 0o7777).toBe(0o751);
      expect(await codeOf(files.makeDirectory("new-dir", null))).toBe("ALREADY_EXISTS");
      expect(await codeOf(files.makeDirectory("none/deeper", null))).toBe("NOT_FOUND");
      writeFileSync(at("new-dir/x"), "");
      expect(await codeOf(files.removeDirectory("new-dir"))).toBe("REMOTE_IO");
      expect(await codeOf(files.remove("new-dir"))).toBe("REMOTE_IO");
      await files.remove("new-dir/x");
      await files.removeDirectory("new-dir");
      expect(await codeOf(files.removeDirectory("new-dir"))).toBe("NOT_FOUND");
      expect(await codeOf(files.remove("new-dir"))).toBe("NOT_FOUND");
    });

    test("changes", async () => {
      writeFileSync(at("changed"), "");
      await files.change("changed", { mode: 0o1604, mtime: 951_782_400 });
      expect(statSync(at("changed")).mode & 0o7777).toBe(0o1604);
      expect(statSync(at("changed")).mtimeMs).toBe(951_782_400_000);
      if (process.getuid?.() === 0) {
        await files.change("changed", { uid: 12, gid: 34 });
        expect([statSync(at("changed")).uid, statSync(at("changed")).gid]).toEqual([12, 34]);
      }
      expect(await codeOf(files.change("none", { mtime: 1 }))).toBe("NOT_FOUND");
      expect(existsSync(at("none"))).toBe(false);
    });

    test("paths are resolved from the home directory", async () => {
      mkdirSync(at("real"));
      symlinkSync("real", at("unreal"));
      expect(await files.resolve("")).toBe(home);
      expect(await files.resolve(".")).toBe(home);
      expect(await files.resolve("unreal/../real")).toBe(at("real"));
      expect(await files.resolve("unreal")).toBe(at("real"));
      expect(await files.resolve("unreal/not-yet")).toBe(at("real/not-yet"));
      expect(await codeOf(files.resolve("none/deeper"))).toBe("NOT_FOUND");
      expect(await files.free(".")).toBeGreaterThan(0);
    });
  });
}
