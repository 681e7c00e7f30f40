import { afterAll, describe, expect, test } from "bun:test";
import { appendFileSync, closeSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { SshMcpError } from "../../../src/core/errors.ts";
import { packetType } from "../../../src/ssh/sftp/packet-types.ts";
import { SftpClient } from "../../../src/ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../../src/ssh/sftp/sftp-files.ts";
import { cleanup } from "../../support/cleanup.ts";
import { cutLink, slowLink } from "../../support/sftp-links.ts";
import { sftpMachine, startSftpProcess } from "../../support/sftp-process.ts";
import { scriptedSftp } from "../../support/sftp-server.ts";
import { tempDir } from "../../support/temp.ts";
import { within } from "../../support/wait.ts";

afterAll(cleanup);

const mebibyte = 1024 * 1024;
const never = new AbortController().signal;

const readAll = async (
  files: SftpFiles | { open: SftpFiles["open"] },
  path: string,
  from = 0,
  length: number | null = null,
) => {
  const file = await files.open(path);
  try {
    const facts = file.facts();
    const chunks: Uint8Array[] = [];
    for await (const chunk of file.read(from, length)) chunks.push(chunk);
    await facts;
    return Buffer.concat(chunks);
  } finally {
    file.close();
  }
};

/** Bytes of which every place is told apart from the others. */
const content = (bytes: number): Buffer => {
  const data = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) data.writeUInt32LE(at, at);
  return data;
};

test("every part of a file, around the borders of requests", async () => {
  const { files, home } = await sftpMachine();
  const request = 255 * 1024;
  for (const size of [0, 1, 4096, request - 1, request, request + 1, 3 * request, 10 * mebibyte + 3]) {
    const data = content(size);
    writeFileSync(join(home, "f"), data);
    expect((await readAll(files, "f")).equals(data)).toBeTrue();
    for (const [from, length] of [
      [0, 1],
      [1, request],
      [request - 1, 2],
      [size - 1, 5],
      [size, 5],
      [size + 9, null],
      [5, size],
    ] as const) {
      if (from < 0) continue;
      const part = await readAll(files, "f", from, length);
      expect(part.equals(data.subarray(from, length === null ? undefined : from + length))).toBeTrue();
    }
  }
});

test("files whose size says nothing", async () => {
  const { files } = await sftpMachine();
  expect((await readAll(files, "/proc/version")).toString()).toBe(readFileSync("/proc/version", "utf8"));
  const kallsyms = readFileSync("/proc/kallsyms", "utf8");
  expect((await readAll(files, "/proc/kallsyms", 0, 100_000)).toString()).toBe(kallsyms.slice(0, 100_000));
  expect((await readAll(files, "/proc/self/mountinfo")).length).toBeGreaterThan(0);
  expect((await readAll(files, "/sys/kernel/mm/transparent_hugepage/enabled")).toString()).toBe(
    readFileSync("/sys/kernel/mm/transparent_hugepage/enabled", "utf8"),
  );
  expect((await readAll(files, "/dev/zero", 0, 3 * mebibyte)).length).toBe(3 * mebibyte);
});

test("the tail of a sparse file of 5 GB takes a moment", async () => {
  const { files, home } = await sftpMachine();
  const path = join(home, "f");
  const size = 5_000_000_000;
  writeFileSync(path, "");
  truncateSync(path, size);
  const file = openSync(path, "r+");
  writeSync(file, "the end", size - 7);
  closeSync(file);
  const startedAt = performance.now();
  const tail = await readAll(files, "f", size - 100);
  expect(tail.toString()).toBe(`${"\0".repeat(93)}the end`);
  expect(performance.now() - startedAt).toBeLessThan(1000);
});

test("a file that grows gives what was there, or more", async () => {
  const { files, home } = await sftpMachine();
  const path = join(home, "f");
  const data = content(12 * mebibyte);
  writeFileSync(path, data.subarray(0, 6 * mebibyte + 77));
  const file = await files.open("f");
  const chunks: Uint8Array[] = [];
  let written = 6 * mebibyte + 77;
  for await (const chunk of file.read(0, null)) {
    chunks.push(chunk);
    if (written < data.length) {
      appendFileSync(path, data.subarray(written, written + 200_001));
      written = Math.min(data.length, written + 200_001);
    }
  }
  const read = Buffer.concat(chunks);
  expect(read.length).toBeGreaterThanOrEqual(6 * mebibyte + 77);
  expect(read.equals(data.subarray(0, read.length))).toBeTrue();
});

test.each([0, 5 * mebibyte + 1])("a file that is cut to %p bytes while it is read is an error", async (left) => {
  const { files, home } = await sftpMachine();
  writeFileSync(join(home, "f"), content(40 * mebibyte));
  const file = await files.open("f");
  const read = async () => {
    let isFirst = true;
    for await (const _ of file.read(0, null)) {
      if (isFirst) truncateSync(join(home, "f"), left);
      isFirst = false;
    }
  };
  await expect(read()).rejects.toMatchObject({
    code: "REMOTE_IO",
    message: expect.stringContaining("was cut while it was read"),
  });
});

test("a reader that does not take is not read ahead for without bound", async () => {
  let asked = 0;
  const server = scriptedSftp(
    ({ type, id, body }, answers) => {
      if (type === packetType.open) answers.handle(id);
      else if (type === packetType.read) {
        body.string();
        body.uint64();
        const length = body.uint32();
        asked += length;
        answers.data(id, Buffer.alloc(length));
      } else if (type === packetType.close || type === packetType.extended)
        answers.status(id, type === packetType.close ? 0 : 8);
      else answers.attributes(id, { size: 1e15 });
    },
    { extensions: [["limits@openssh.com", "1"]] },
  );
  const client = await SftpClient.open(server.link, never);
  const files = new SftpFiles({ first: client, another: async () => null, where: "db1" });
  const file = await files.open("x");
  let taken = 0;
  for await (const chunk of file.read(0, null)) {
    taken += chunk.length;
    await Bun.sleep(1);
    expect(asked - taken).toBeLessThanOrEqual(17 * mebibyte);
    if (taken > 40 * mebibyte) break;
  }
  const before = asked;
  await Bun.sleep(10);
  expect(asked).toBe(before);
});

test("a small file is read in two round trips", async () => {
  const home = tempDir("home");
  writeFileSync(join(home, "f"), "text");
  const { link } = startSftpProcess({ home });
  const client = await SftpClient.open(slowLink(link, 100), never);
  const files = new SftpFiles({ first: client, another: async () => null, where: "db1" });
  const startedAt = performance.now();
  expect((await readAll(files, "f")).toString()).toBe("text");
  expect(performance.now() - startedAt).toBeLessThan(290);
});

test("a large file far away is asked for as deep as its round trip is long", async () => {
  const home = tempDir("home");
  const data = content(60 * mebibyte);
  writeFileSync(join(home, "f"), data);
  const client = await SftpClient.open(slowLink(startSftpProcess({ home }).link, 100), never);
  const files = new SftpFiles({ first: client, another: async () => null, where: "db1" });
  const startedAt = performance.now();
  expect((await readAll(files, "f")).equals(data)).toBeTrue();
  // 2 MiB for each round trip would take 3 s.
  expect(performance.now() - startedAt).toBeLessThan(2500);
});

describe("a link that dies at any byte", () => {
  const home = tempDir("home");
  const data = content(3 * mebibyte);
  writeFileSync(join(home, "f"), data);
  test.each(Array.from({ length: 40 }, (_, index) => index))("cut %p", async (index) => {
    const cut = index < 10 ? 1 + index * 9 : 1 + Math.floor(Math.random() * (data.length + 600));
    const link = cutLink(startSftpProcess({ home }).link, cut);
    const read = async (): Promise<Buffer> => {
      const client = await SftpClient.open(link, never);
      return await readAll(new SftpFiles({ first: client, another: async () => null, where: "db1" }), "f");
    };
    const outcome = await within(
      read().catch((thrown: SshMcpError) => thrown),
      { what: `an end after ${cut} bytes` },
    );
    if (outcome instanceof Buffer) expect(outcome.equals(data)).toBeTrue();
    else expect({ cut, code: (outcome as SshMcpError).code }).toEqual({ cut, code: "CONNECTION_LOST" });
  });
});
