import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { readFile } from "../../src/operations/read-file.ts";
import { cleanup } from "../support/cleanup.ts";
import { startMachine } from "./on-machine.ts";

afterAll(cleanup);

let there: Awaited<ReturnType<typeof startMachine>>;
beforeAll(async () => {
  there = await startMachine();
});

const put = (name: string, content: string | Uint8Array): void => writeFileSync(there.at(name), content);
const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");
const read = (input: Record<string, unknown>) => there.run(readFile, input);
const numbers = (count: number): string => Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("");

/** What would be printed. */
const streamed = async (input: Record<string, unknown>): Promise<string> => {
  const chunks: Uint8Array[] = [];
  const stdout = {
    write: async (chunk: Uint8Array) => {
      chunks.push(chunk.slice());
    },
  };
  const result = await there.run(readFile, input, { face: "cli", streamed: true, stdout });
  expect(result.content).toBeNull();
  return Buffer.concat(chunks).toString("latin1");
};

describe("a small file", () => {
  test("is told whole, with its facts", async () => {
    put("a", "é\nb\n");
    chmodSync(there.at("a"), 0o640);
    const content = "é\nb\n";
    expect(await read({ path: "a" })).toMatchObject({
      ...{ target: "web", path: "a", content, encoding: "utf-8", bom: false, lineEnding: "lf", binary: false },
      ...{ cut: false, startLine: 1, endLine: 2, offset: 0, nextLine: null, nextOffset: null },
      ...{ size: 5, lines: 2, sha256: sha256(content), mode: "0640" },
    });
  });

  test.each([
    [
      "a byte order mark aside",
      new Uint8Array([0xef, 0xbb, 0xbf, 0x61]),
      { content: "a", encoding: "utf-8", bom: true },
    ],
    [
      "UTF-16 decoded",
      new Uint8Array([0xff, 0xfe, 0x61, 0, 13, 0, 10, 0, 0x62, 0]),
      { content: "a\r\nb", encoding: "utf-16le", bom: true, lineEnding: "crlf", lines: 2 },
    ],
    [
      "UTF-16 decoded, big end first",
      new Uint8Array([0xfe, 0xff, 0, 0x61]),
      { content: "a", encoding: "utf-16be", lineEnding: "none" },
    ],
    [
      "an older encoding byte by byte",
      new Uint8Array([0x61, 0x62, 0xe9, 0x63, 10, 0x64]),
      { content: "abéc\nd", encoding: "latin1" },
    ],
    ["nothing", new Uint8Array(), { content: "", encoding: "utf-8", size: 0, lines: 0, sha256: sha256("") }],
    [
      "binary as such",
      new Uint8Array([0, 1, 2]),
      { content: null, binary: true, encoding: null, size: 3, sha256: sha256(new Uint8Array([0, 1, 2])) },
    ],
  ])("with %s", async (_, bytes, expected) => {
    put("form", bytes);
    expect(await read({ path: "form" })).toMatchObject(expected);
  });

  test("in base64 is exact", async () => {
    put("raw", new Uint8Array([0, 255, 254]));
    expect(await read({ path: "raw", base64: true })).toMatchObject({
      content: "AP/+",
      encoding: "base64",
      binary: true,
    });
  });

  test.each([
    [
      { startLine: 2, endLine: 3 },
      { content: "2\n3\n", startLine: 2, endLine: 3, cut: false, lines: 10 },
    ],
    [{ startLine: 9 }, { content: "9\n10\n", startLine: 9, endLine: 10, cut: false }],
    [{ startLine: 11 }, { content: "", cut: false, lines: 10 }],
    [{ tail: 2 }, { content: "9\n10\n", startLine: 9, endLine: 10, offset: 16 }],
    [{ tail: 99 }, { content: numbers(10), startLine: 1 }],
    [{ offset: 18 }, { content: "10\n", offset: 18, startLine: 10 }],
    [{ offset: 99 }, { content: "", cut: false }],
    [{ limit: 5 }, { content: "1\n2\n", cut: true, nextLine: 3, nextOffset: 4 }],
    [{ startLine: 9, lineNumbers: true }, { content: "     9\t9\n    10\t10\n" }],
  ])("%j gives a part of it", async (input, expected) => {
    put("ten", numbers(10));
    expect(await read({ path: "ten", ...input })).toMatchObject(expected);
  });
});

describe("what is no UTF-16, though its mark says so", () => {
  test.each([
    ["cut in a character", Buffer.from("\ufeffabc", "utf16le").subarray(0, 7)],
    ["half a pair", Buffer.from([0xff, 0xfe, 0x4e, 0x4e, 0x00, 0xd8, 0x4e, 0x4e])],
    ["half a pair, big end first", Buffer.from([0xfe, 0xff, 0x4e, 0x4e, 0xd8, 0x00, 0x4e, 0x4e])],
    ["half a pair at the end", Buffer.from([0xff, 0xfe, 0x4e, 0x4e, 0x00, 0xd8])],
    ["half a pair far behind", Buffer.from(`\ufeff${"x\n".repeat(100_000)}\udc00`, "utf16le")],
  ])("%s, is binary", async (_, bytes) => {
    put("utf-16", bytes);
    expect(await read({ path: "utf-16" })).toMatchObject({ content: null, binary: true, encoding: null });
    const raw = await read({ path: "utf-16", base64: true, limit: 8 });
    const begin = Buffer.from(raw.content ?? "", "base64");
    expect([begin.length > 0, begin]).toEqual([true, bytes.subarray(0, begin.length)]);
  });

  test("a long one that is cut is text", async () => {
    put("utf-16", Buffer.from(`\ufeff${"😀\n".repeat(1_000_000)}`, "utf16le"));
    expect(await read({ path: "utf-16", endLine: 2 })).toMatchObject({ content: "😀\n😀\n", encoding: "utf-16le" });
  });
});

describe("a file that is read on and on", () => {
  const all = async (limit: number): Promise<{ bytes: Buffer; encodings: Set<unknown> }> => {
    const pieces: Buffer[] = [];
    const encodings = new Set<unknown>();
    for (let offset: number | null = 0; offset !== null; ) {
      const part: Awaited<ReturnType<typeof read>> = await read({ path: "paged", offset, limit });
      encodings.add(part.encoding);
      pieces.push(Buffer.from(part.content ?? "", part.encoding === "latin1" ? "latin1" : "utf8"));
      if (part.nextOffset !== null && part.nextOffset <= offset) throw new Error(`stands still at ${offset}`);
      offset = part.nextOffset;
    }
    return { bytes: Buffer.concat(pieces), encodings };
  };

  test.each([
    ["UTF-8", Buffer.from("aé€😀\nz😀é")],
    [
      "an older encoding",
      Buffer.from("caf\xe9, some words, \xb0 or \xb1, in a line\n\xe9 and \xb3 more of them, on and on\xe9", "latin1"),
    ],
    ["both", Buffer.concat([Buffer.from("é€ and "), Buffer.from("\xb0C \xe9t\xe9, some more text\n", "latin1")])],
  ])("gives every byte once: %s", async (_, bytes) => {
    put("paged", bytes);
    for (const limit of [1, 2, 3, 5, 100]) expect([limit, (await all(limit)).bytes]).toEqual([limit, bytes]);
  });

  test("begins and ends between characters", async () => {
    put("paged", "é€😀");
    expect(await read({ path: "paged", offset: 1, limit: 1 })).toMatchObject({
      content: "€",
      offset: 2,
      nextOffset: 5,
    });
    expect(await read({ path: "paged", offset: 3, limit: 99 })).toMatchObject({ content: "😀", offset: 5, cut: false });
    expect(await read({ path: "paged", offset: 7 })).toMatchObject({ content: "", cut: false, nextOffset: null });
    expect(await read({ path: "paged", limit: 1 })).toMatchObject({ content: "é", offset: 0, nextOffset: 2 });
    expect(await read({ path: "paged", limit: 1, base64: true })).toMatchObject({ content: "ww==", nextOffset: 1 });
    expect((await all(1)).encodings).toEqual(new Set(["utf-8"]));
  });
});

describe("a long file", () => {
  test("is cut after 2000 lines, or 64 KiB, and says where to read on", async () => {
    put("long", numbers(5000));
    const first = await read({ path: "long" });
    expect(first).toMatchObject({ content: numbers(2000), cut: true, endLine: 2000, nextLine: 2001, lines: 5000 });
    expect(await read({ path: "long", startLine: first.nextLine })).toMatchObject({ startLine: 2001, endLine: 4000 });
    put("wide", `${"x".repeat(100_000)}\n`);
    const wide = await read({ path: "wide" });
    expect(wide).toMatchObject({ cut: true, nextLine: null, nextOffset: 65_536 });
    expect(await read({ path: "wide", offset: wide.nextOffset })).toMatchObject({ offset: 65_536, cut: false });
  });

  test("of gigabytes gives its tail, its head and its middle at once", async () => {
    put("huge", "begin\n");
    truncateSync(there.at("huge"), 2 ** 31);
    const end = Buffer.from("\nlast but one\nlast\n");
    const file = await import("node:fs").then(({ openSync }) => openSync(there.at("huge"), "r+"));
    const { closeSync, writeSync } = await import("node:fs");
    writeSync(file, end, 0, end.length, 2 ** 31);
    closeSync(file);
    const startedAt = performance.now();
    expect(await read({ path: "huge", tail: 2 })).toMatchObject({
      content: "last but one\nlast\n",
      sha256: null,
      lines: null,
    });
    expect(await streamed({ path: "huge", tail: 2 })).toBe("last but one\nlast\n");
    expect(await read({ path: "huge", endLine: 1 })).toMatchObject({ content: "begin\n", cut: false });
    expect(await read({ path: "huge", offset: 2 ** 31 + 1, limit: 8 })).toMatchObject({
      content: "last but",
      cut: true,
    });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test("is printed byte for byte", async () => {
    const bytes = Buffer.alloc(3_000_000, "0123456789abcde\n");
    bytes[7] = 0;
    put("bytes", bytes);
    const printed = await streamed({ path: "bytes" });
    expect(sha256(Buffer.from(printed, "latin1"))).toBe(sha256(bytes));
  });
});

test.each([
  [{ startLine: 3, endLine: 4 }, "3\n4\n"],
  [{ startLine: 9, lineNumbers: true }, "     9\t9\n    10\t10\n"],
  [{ tail: 1, lineNumbers: true }, "    10\t10\n"],
  [{ tail: 20 }, numbers(10)],
  [{ offset: 2, limit: 3 }, "2\n3"],
  [{ startLine: 2, limit: 3 }, "2\n3"],
])("%j is printed", async (input, expected) => {
  put("printed", numbers(10));
  expect(await streamed({ path: "printed", ...input })).toBe(expected);
});

describe("what has no content", () => {
  test("files of /proc and /sys are read, whatever their size says", async () => {
    expect(await read({ path: "/proc/self/status" })).toMatchObject({
      content: expect.stringContaining("VmRSS"),
      cut: false,
    });
    expect(await streamed({ path: "/proc/version" })).toStartWith("Linux version");
    expect((await streamed({ path: "/proc/self/status", tail: 1 })).split("\n")).toHaveLength(2);
    expect(await read({ path: "/sys/kernel/mm/transparent_hugepage/enabled" })).toMatchObject({
      content: expect.stringContaining("always"),
    });
  });

  test("a directory is an error that says how to list it", async () => {
    mkdirSync(there.at("d"));
    await expect(read({ path: "d" })).rejects.toMatchObject({
      code: "REMOTE_IO",
      hint: 'ssh_list_directory {"target":"web","path":"d"}',
    });
  });

  test("the home directory is named", async () => {
    await expect(read({ path: "" })).rejects.toMatchObject({ code: "REMOTE_IO", message: '"~" is a directory' });
  });

  test("a fifo and a device are refused, and the next file is read", async () => {
    Bun.spawnSync(["mkfifo", there.at("fifo")]);
    await expect(read({ path: "fifo" })).rejects.toThrow(/fifo/i);
    await expect(read({ path: "/dev/zero" })).rejects.toMatchObject({ code: "REMOTE_IO" });
    put("next", "next\n");
    expect(await read({ path: "next" })).toMatchObject({ content: "next\n" });
  });

  test("a file that is not there", async () => {
    await expect(read({ path: "nowhere" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

test.each([
  [{ startLine: 2, tail: 1 }],
  [{ offset: 2, tail: 1 }],
  [{ endLine: 1, startLine: 2 }],
  [{ endLine: 1, tail: 2 }],
  [{ startLine: 0 }],
  [{ limit: 1.5 }],
  [{ lineNumbers: true, base64: true }],
])("%j is no request", async (input) => {
  await expect(read({ path: "x", ...input })).rejects.toThrow(/field/);
});
