/** Reading and writing without waiting: the rest of these functions is proved by those who look with them. */
import { afterAll, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { libcFiles, nodeFiles } from "../../src/files/quick-files.ts";
import { cleanup, onCleanup } from "../support/cleanup.ts";
import { mustRun } from "../support/command.ts";
import { tempDir } from "../support/temp.ts";

afterAll(cleanup);

const files = libcFiles() ?? nodeFiles();

/** Both ends of a pipe that waits, as a shell's does. */
const newPipe = async () => {
  const path = join(tempDir("pipe"), "pipe");
  await mustRun(["mkfifo", path]);
  // On Linux, opening one for both never waits.
  const both = openSync(path, "r+");
  const [reader, writer] = [openSync(path, "r"), openSync(path, "w")];
  closeSync(both);
  const open = new Set([reader, writer]);
  const close = (file: number): void => {
    if (open.delete(file)) closeSync(file);
  };
  onCleanup(() => [...open].forEach(close));
  return { reader, writer, close };
};

test("a pipe has nothing yet, something, and is over", async () => {
  const { reader, writer, close } = await newPipe();
  expect(files.inputOf(reader)).toBe("nothing yet");
  writeSync(writer, "x");
  expect(files.inputOf(reader)).toBe("something");
  close(writer);
  // What is in it comes first.
  expect(files.inputOf(reader)).toBe("something");
  readSync(reader, Buffer.alloc(1));
  expect(files.inputOf(reader)).toBe("over");
  close(reader);
  expect(files.inputOf(reader)).toBeNull();
});

test("a file always has something to say, if only its end", () => {
  const file = openSync("/dev/null", "r");
  onCleanup(() => closeSync(file));
  expect(files.inputOf(file)).toBe("something");
});

test("a full pipe takes what it has room for, and nobody waits", async () => {
  const { reader, writer, close } = await newPipe();
  const bytes = new Uint8Array(1024 * 1024).map((_, at) => at * 7);
  const taken = files.writeNow(writer, bytes);
  expect(taken).toBe(64 * 1024);
  expect(files.writeNow(writer, bytes)).toBe(0);
  const got = Buffer.alloc(bytes.length);
  expect(readSync(reader, got, 0, 4096, null)).toBe(4096);
  expect(files.writeNow(writer, bytes.subarray(taken))).toBe(4096);
  let length = 4096;
  while (length < taken + 4096) length += readSync(reader, got, length, got.length - length, null);
  expect(Buffer.compare(got.subarray(0, length), bytes.subarray(0, length))).toBe(0);
  close(reader);
  expect(files.writeNow(writer, bytes)).toBe(0);
});

test("a file takes all of it; a full disk and a closed descriptor nothing", () => {
  const path = join(tempDir("file"), "file");
  const file = openSync(path, "w");
  const bytes = new Uint8Array(300_001).map((_, at) => at * 13);
  expect(files.writeNow(file, bytes)).toBe(bytes.length);
  closeSync(file);
  expect(Buffer.compare(readFileSync(path), bytes)).toBe(0);
  expect(files.writeNow(file, bytes)).toBe(0);
  const full = openSync("/dev/full", "w");
  onCleanup(() => closeSync(full));
  expect(files.writeNow(full, bytes)).toBe(0);
});

test("where nothing says whether it would wait, nothing is written or read", () => {
  expect(nodeFiles().inputOf(0)).toBeNull();
  expect(nodeFiles().writeNow(1, new Uint8Array(1))).toBe(0);
});
