import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { isUnfinished, writeAtomically } from "../../src/files/atomic-write.ts";
import { cleanup } from "../support/cleanup.ts";
import { startProgram } from "../support/program.ts";
import { makeSmallDisk } from "../support/small-disk.ts";
import { tempDir } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { rejectionOf } from "./thrown.ts";

afterAll(cleanup);

const module = join(import.meta.dir, "../../src/files/atomic-write.ts");

test("writes text and bytes, of the mode that was said, whatever the umask, and leaves nothing else", async () => {
  const folder = tempDir("write");
  const before = process.umask(0o777);
  try {
    await writeAtomically(join(folder, "text"), "é\n", 0o600);
    await writeAtomically(join(folder, "bytes"), new Uint8Array([0, 255]), 0o644);
    await writeAtomically(join(folder, "empty"), "", 0o600);
  } finally {
    process.umask(before);
  }
  expect(readFileSync(join(folder, "text"), "utf8")).toBe("é\n");
  expect([...readFileSync(join(folder, "bytes"))]).toEqual([0, 255]);
  expect(statSync(join(folder, "empty")).size).toBe(0);
  expect(statSync(join(folder, "text")).mode & 0o7777).toBe(0o600);
  expect(statSync(join(folder, "bytes")).mode & 0o7777).toBe(0o644);
  expect(readdirSync(folder).sort()).toEqual(["bytes", "empty", "text"]);
});

test("replaces a file, a hard link and a symbolic link, and what these led to stays as it was", async () => {
  const folder = tempDir("write");
  const path = join(folder, "file");
  const other = join(folder, "other");
  writeFileSync(other, "other");
  chmodSync(other, 0o640);
  for (const plant of [() => writeFileSync(path, "old"), () => linkSync(other, path), () => symlinkSync(other, path)]) {
    plant();
    await writeAtomically(path, "new", 0o600);
    expect(lstatSync(path).isFile()).toBe(true);
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(readFileSync(other, "utf8")).toBe("other");
    expect(statSync(other).mode & 0o777).toBe(0o640);
    await Bun.file(path).delete();
  }
});

test("on a full disk the old file stays whole, nothing is left behind, and the error says so", async () => {
  const disk = await makeSmallDisk(64 * 1024);
  const path = join(disk.path, "file");
  await writeAtomically(path, "old", 0o600);
  for (const size of [64 * 1024, 10 * 1024 * 1024]) {
    const error = await rejectionOf(writeAtomically(path, new Uint8Array(size), 0o600));
    expect(error).toMatchObject({ code: "LOCAL_IO", cause: { code: "ENOSPC" }, hint: `df -h ${disk.path}` });
    expect(error.message).toBe(`${path} cannot be written (ENOSPC)`);
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(disk.path)).toEqual(["file"]);
  }
  await writeAtomically(path, "new", 0o600);
  expect(readFileSync(path, "utf8")).toBe("new");
});

test("where nothing can be written it fails with the system's error", async () => {
  const disk = await makeSmallDisk(64 * 1024);
  mkdirSync(join(disk.path, "folder"));
  writeFileSync(join(disk.path, "folder/inside"), "");
  const inPlaceOfFolder = await rejectionOf(writeAtomically(join(disk.path, "folder"), "new", 0o600));
  expect(inPlaceOfFolder).toMatchObject({ code: "LOCAL_IO", hint: `ls -ld ${disk.path}` });
  expect(readdirSync(disk.path)).toEqual(["folder"]);
  const missing = await rejectionOf(writeAtomically(join(disk.path, "missing/file"), "new", 0o600));
  expect(missing).toMatchObject({ code: "LOCAL_IO", cause: { code: "ENOENT" } });
  await disk.makeReadOnly();
  const readOnly = await rejectionOf(writeAtomically(join(disk.path, "file"), "new", 0o600));
  expect(readOnly).toMatchObject({ code: "LOCAL_IO", cause: { code: "EROFS" } });
});

test("fifty writers at once: each reader sees the whole of one of them", async () => {
  const folder = tempDir("write");
  const path = join(folder, "file");
  const contents = Array.from({ length: 50 }, (_, index) => String.fromCharCode(48 + index).repeat(40_000));
  await writeAtomically(path, contents[0] as string, 0o600);
  let writing = true;
  const writers = Promise.all(contents.map((content) => writeAtomically(path, content, 0o600))).then(() => {
    writing = false;
  });
  const seen = new Set<string>();
  while (writing) seen.add(await Bun.file(path).text());
  await writers;
  for (const content of seen) expect(contents.includes(content)).toBe(true);
  expect(readdirSync(folder)).toEqual(["file"]);
});

test("killed at any moment it leaves the old content or the new one, and what is unfinished can be told by its name", async () => {
  const folder = tempDir("write");
  const path = join(folder, "file");
  for (let round = 0; round < 15; round++) {
    const program = startProgram([
      process.execPath,
      "-e",
      `const { writeAtomically } = await import(${JSON.stringify(module)});
       for (let n = 0; ; n++) {
         await writeAtomically(${JSON.stringify(path)}, String(n % 10).repeat(200_000), 0o600);
         if (n === ${round}) console.log("going");
       }`,
    ]);
    await program.waitForStdout("going");
    program.signal("SIGKILL");
    await program.exit();
    const content = readFileSync(path, "utf8");
    expect(content).toBe((content[0] as string).repeat(200_000));
  }
  const others = readdirSync(folder).filter((name) => name !== "file");
  expect(others.filter((name) => !isUnfinished(name))).toEqual([]);
  // Kills that hit nothing would prove nothing.
  expect(others.length).toBeGreaterThan(0);
  for (const name of others) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
});

test("what is planted under a likely name is not written to", async () => {
  const folder = tempDir("write");
  const target = join(folder, "target");
  for (const name of ["file.tmp", ".file.tmp", `file.${process.pid}`]) symlinkSync(target, join(folder, name));
  await writeAtomically(join(folder, "file"), "new", 0o600);
  expect(existsSync(target)).toBe(false);
});

test("another user's file is replaced by one of ours", async () => {
  const path = join(tempDir("write"), "file");
  writeFileSync(path, "theirs");
  chownSync(path, 65534, 65534);
  await writeAtomically(path, "ours", 0o600);
  await waitFor(() => statSync(path).uid === process.getuid?.(), { what: "the new owner" });
});

test.each(["web.json", ".tmp", "x.tmp", ".web.json.0123456789abcdef.tmp", ".web.json.corrupt-20250101T000000.000Z"])(
  "%s is no unfinished file",
  (name) => expect(isUnfinished(name)).toBe(false),
);
