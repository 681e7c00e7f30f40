import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { DirectoryEntry } from "../../../src/core/files/file-facts.ts";
import { pathBytes, pathText } from "../../../src/core/files/path-text.ts";
import type { RemoteFiles } from "../../../src/core/files/remote-files.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { type SftpProcessOptions, sftpMachine } from "../../support/sftp-process.ts";
import { makeSmallDisk } from "../../support/small-disk.ts";
import { within } from "../../support/wait.ts";

afterAll(cleanup);

const machine = async (options: SftpProcessOptions = {}) => {
  const { files, home, client } = await sftpMachine(options);
  return { files, home, client, at: (name: string) => join(home, name) };
};

const listed = async (files: RemoteFiles, path: string): Promise<DirectoryEntry[]> => {
  const found: DirectoryEntry[] = [];
  for await (const entries of files.list(path)) found.push(...entries);
  return found;
};

const textOf = async (files: RemoteFiles, path: string): Promise<string> => {
  const file = await files.open(path);
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.read(0, null)) chunks.push(chunk);
  file.close();
  return Buffer.concat(chunks).toString();
};

const bytesOf = async function* (text: string | Uint8Array) {
  yield Buffer.from(text as string);
};

describe("paths", () => {
  test("are meant from the home directory, and resolved without links", async () => {
    const { files, home, at } = await machine();
    mkdirSync(at("d"));
    symlinkSync("d", at("l"));
    expect(await Promise.all([files.resolve(""), files.resolve("."), files.resolve("l/../l")])).toEqual([
      home,
      home,
      at("d"),
    ]);
  });

  test("what is there, and what is not", async () => {
    const { files, at } = await machine();
    writeFileSync(at("f"), "12345", { mode: 0o604 });
    symlinkSync("f", at("l"));
    symlinkSync("nothing", at("dangling"));
    const mtime = Math.floor(statSync(at("f")).mtimeMs / 1000);
    const facts = {
      type: "file",
      size: 5,
      mode: 0o604,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
      mtime,
    } as const;
    expect(await files.stat("f")).toEqual(facts as never);
    expect(await files.stat("l")).toEqual(facts as never);
    expect((await files.lstat("l"))?.type).toBe("symlink");
    expect(
      await Promise.all([files.stat("dangling"), files.stat("none"), files.lstat("none"), files.stat("f/x")]),
    ).toEqual([null, null, null, null]);
    expect(await files.readLink("l")).toBe("f");
  });

  test("with a NUL, or longer than any system takes them, are not sent", async () => {
    const { files, client } = await machine();
    for (const path of ["a\0b", "x".repeat(20_000)]) {
      await expect(files.stat(path)).rejects.toMatchObject({ code: "INVALID_INPUT" });
      await expect(files.symlink(path, "l")).rejects.toMatchObject({ code: "INVALID_INPUT" });
      await expect(listed(files, path)).rejects.toMatchObject({ code: "INVALID_INPUT" });
    }
    await expect(files.stat("x".repeat(5000))).rejects.toMatchObject({ code: "REMOTE_IO" });
    expect(client.isEnded).toBeFalse();
  });

  test("of any bytes come back from a real disk", async () => {
    const { files, home } = await machine();
    const byte = fc.integer({ min: 1, max: 255 }).filter((value) => value !== 0x2f);
    const name = fc.array(byte, { minLength: 1, maxLength: 120 }).map((bytes) => pathText(Uint8Array.from(bytes)));
    const names = fc.sample(name, 300).filter((each) => each !== "." && each !== "..");
    const wanted = new Set(names);
    for (const each of wanted)
      await files.write(`d/../${each}`.replace("d/../", ""), bytesOf(pathBytes(each)), anyFile);
    const found = await listed(files, "");
    expect(new Set(found.map((entry) => entry.name))).toEqual(wanted);
    const onDisk = readdirSync(Buffer.from(home), { encoding: "buffer" }).map((each) => each.toString("hex"));
    expect(new Set(onDisk)).toEqual(new Set([...wanted].map((each) => Buffer.from(pathBytes(each)).toString("hex"))));
    for (const each of [...wanted].slice(0, 30)) expect(pathText(Buffer.from(await textBytes(files, each)))).toBe(each);
  });
});

const anyFile = { offset: 0, create: "any", mode: null } as const;

const textBytes = async (files: RemoteFiles, path: string): Promise<Buffer> => {
  const file = await files.open(path);
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.read(0, null)) chunks.push(chunk);
  file.close();
  return Buffer.concat(chunks);
};

describe("changes", () => {
  test("mode, owner and time", async () => {
    const { files, at } = await machine();
    writeFileSync(at("f"), "");
    await files.change("f", { mode: 0o4711, gid: 12, mtime: 1_000_000_000 });
    const { mode, uid, gid, mtimeMs } = statSync(at("f"));
    expect({ mode: mode & 0o7777, uid, gid, mtimeMs }).toEqual({ mode: 0o4711, uid: 0, gid: 12, mtimeMs: 1e12 });
    await files.change("f", { uid: 7 });
    expect(statSync(at("f"))).toMatchObject({ uid: 7, gid: 12 });
    await expect(files.change("none", { uid: 7 })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("directories and links", async () => {
    const { files, at } = await machine({ umask: "077" });
    await files.makeDirectory("d", 0o2775);
    await files.makeDirectory("e", null);
    expect([statSync(at("d")).mode & 0o7777, statSync(at("e")).mode & 0o7777]).toEqual([0o2775, 0o700]);
    await files.symlink("../any where", "d/l");
    expect(readlinkSync(at("d/l"))).toBe("../any where");
    await expect(files.makeDirectory("d", 0o700)).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    expect(statSync(at("d")).mode & 0o7777).toBe(0o2775);
    await expect(files.removeDirectory("d")).rejects.toMatchObject({
      code: "REMOTE_IO",
      message: 'cannot remove the directory "d" on db1: the directory is not empty',
    });
    await files.remove("d/l");
    await files.removeDirectory("d");
    expect(existsSync(at("d"))).toBeFalse();
  });

  test("what stands in the way is said", async () => {
    const { files, at } = await machine();
    mkdirSync(at("d"));
    writeFileSync(at("f"), "");
    const failures: [() => Promise<unknown>, string, string][] = [
      [() => files.remove("d"), "REMOTE_IO", "it is a directory"],
      [() => files.removeDirectory("f"), "REMOTE_IO", "it is not a directory"],
      [() => files.symlink("x", "f"), "ALREADY_EXISTS", "it exists already"],
      [() => files.readLink("f"), "REMOTE_IO", "it is not a symbolic link"],
      [() => listed(files, "f"), "REMOTE_IO", "it is not a directory"],
      [() => listed(files, "none"), "NOT_FOUND", "no such file or directory"],
      [() => textOf(files, "d"), "REMOTE_IO", "it is a directory"],
      [() => textOf(files, "none"), "NOT_FOUND", "no such file or directory"],
      [() => files.rename("none", "x", true), "NOT_FOUND", "no such file or directory"],
      [() => files.rename("f", "d", true), "REMOTE_IO", "the new name is a directory"],
      [() => files.write("d", bytesOf("x"), anyFile), "REMOTE_IO", "it is a directory"],
      [() => files.write("none/x", bytesOf("x"), anyFile), "NOT_FOUND", "no such file or directory"],
    ];
    for (const [work, code, words] of failures) {
      await expect(work()).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
    }
  });

  test("permission and read-only servers", async () => {
    const { files, at } = await machine({ words: ["-R"] });
    writeFileSync(at("f"), "text");
    expect(await textOf(files, "f")).toBe("text");
    for (const work of [
      () => files.remove("f"),
      () => files.write("f", bytesOf("x"), anyFile),
      () => files.makeDirectory("d", null),
    ]) {
      await expect(work()).rejects.toMatchObject({ code: "REMOTE_PERMISSION" });
    }
  });

  test("a read-only disk is named as the reason", async () => {
    const disk = await makeSmallDisk(1024 * 1024);
    writeFileSync(join(disk.path, "f"), "text");
    await disk.makeReadOnly();
    const { files } = await machine({ home: disk.path });
    for (const work of [
      () => files.remove("f"),
      () => files.write("g", bytesOf("x"), anyFile),
      () => files.change("f", { mode: 0o600 }),
    ]) {
      await expect(work()).rejects.toMatchObject({ message: expect.stringContaining("the file system is read-only") });
    }
    expect(await files.free(".")).toBeGreaterThan(0);
  });
});

describe.each([
  ["OpenSSH", []],
  ["a server without posix-rename", ["-P", "posix-rename"]],
  ["a server without extensions", ["-P", "posix-rename,limits,statvfs,fstatvfs,fsync"]],
])("renaming on %s", (_, words) => {
  test("to a new name, and over an old one", async () => {
    const { files, home, at } = await machine({ words });
    writeFileSync(at("a"), "a");
    writeFileSync(at("b"), "b");
    await expect(files.rename("a", "b", false)).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    expect([readFileSync(at("a"), "utf8"), readFileSync(at("b"), "utf8")]).toEqual(["a", "b"]);
    await files.rename("a", "b", true);
    expect([readdirSync(home), readFileSync(at("b"), "utf8")]).toEqual([["b"], "a"]);
    await files.rename("b", "c", false);
    await files.rename("c", "d", true);
    expect(readdirSync(home)).toEqual(["d"]);
  });

  test("a link is replaced itself, and a directory by nothing", async () => {
    const { files, at } = await machine({ words });
    writeFileSync(at("a"), "a");
    writeFileSync(at("b"), "b");
    symlinkSync("b", at("l"));
    mkdirSync(at("d"));
    writeFileSync(at("d/x"), "x");
    await files.rename("a", "l", true);
    expect([lstatSync(at("l")).isFile(), readFileSync(at("b"), "utf8")]).toEqual([true, "b"]);
    await expect(files.rename("b", "d", true)).rejects.toMatchObject({ code: "REMOTE_IO" });
    await expect(files.rename("b", "d", false)).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    expect([readFileSync(at("b"), "utf8"), readFileSync(at("d/x"), "utf8")]).toEqual(["b", "x"]);
  });
});

describe("directories", () => {
  test("a large one comes whole", async () => {
    const { files, at } = await machine();
    mkdirSync(at("d"));
    await mustRun(["sh", "-c", `cd '${at("d")}' && seq -f 'a-name-of-some-length-%06g' 5000 | xargs touch`]);
    const names = (await listed(files, "d")).map(({ name }) => name).sort();
    expect([names.length, names[0], names[4999]]).toEqual([
      5000,
      "a-name-of-some-length-000001",
      "a-name-of-some-length-005000",
    ]);
  });

  test("an empty one, and one that may not be read", async () => {
    const { files, at } = await machine();
    mkdirSync(at("d"));
    expect(await listed(files, "d")).toEqual([]);
    chmodSync(at("d"), 0);
    expect((await files.stat("d"))?.mode).toBe(0);
  });

  test("handles are freed", async () => {
    const { files, at } = await machine();
    mkdirSync(at("d"));
    writeFileSync(at("f"), "x");
    for (let round = 0; round < 2000; round++) {
      for await (const _ of files.list("")) break;
      if (round % 2 === 0) await textOf(files, "f");
      else (await files.open("f")).close();
    }
    expect(await textOf(files, "f")).toBe("x");
  });
});

test("a FIFO is refused, and holds nobody up", async () => {
  const { files, at, client } = await machine();
  Bun.spawnSync(["mkfifo", at("p")]);
  await expect(files.open("p")).rejects.toMatchObject({ code: "UNSUPPORTED" });
  await within(client.ended, { what: "the stuck channel's end" });
  await expect(files.stat("p")).rejects.toMatchObject({ code: "CONNECTION_LOST" });
});
