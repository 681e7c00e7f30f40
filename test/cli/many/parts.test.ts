/** What the views are made of. */
import { expect, test } from "bun:test";
import { hostFileName } from "../../../src/cli/many/host-file-name.ts";
import { NamelessFile } from "../../../src/cli/many/nameless-file.ts";
import { PrefixedLines } from "../../../src/cli/many/prefixed-lines.ts";
import { SharedInput } from "../../../src/cli/many/shared-input.ts";
import { Spool } from "../../../src/cli/many/spool.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = async (chunks: AsyncIterable<Uint8Array>): Promise<string> => {
  let text = "";
  for await (const chunk of chunks) text += new TextDecoder().decode(chunk);
  return text;
};

test("lines that come in pieces are shown whole, and the last one without an end too", async () => {
  const shown: string[] = [];
  const sink = { write: async (chunk: Uint8Array) => void shown.push(new TextDecoder().decode(chunk)) };
  const lines = new PrefixedLines("a: ", sink, true);
  for (const piece of ["one\ntw", "o\n\nü".slice(0, 3), "\x1b[31mred\r\npar", "t"]) await lines.write(bytes(piece));
  expect(shown.join("")).toBe("a: one\na: two\na: \na: \\x1b[31mred\r\n");
  await lines.end();
  await lines.end();
  expect(shown.join("")).toEndWith("a: part\n");
});

test("a line without an end is cut before it fills the memory", async () => {
  let shown = 0;
  const write = async ({ length }: Uint8Array): Promise<void> => {
    shown += length;
  };
  const lines = new PrefixedLines("", { write }, false);
  for (let at = 0; at < 64; at++) await lines.write(new Uint8Array(64 * 1024).fill(120));
  expect(shown).toBeGreaterThan(63 * 64 * 1024);
});

test("where nothing is written out every byte is kept, and no character is cut", async () => {
  const shown: Uint8Array[] = [];
  const sink = { write: async (chunk: Uint8Array) => void shown.push(chunk) };
  const raw = new PrefixedLines("", sink, false);
  const hostile = Uint8Array.of(0xff, 0xfe, 0, 0x1b, 0x5b, 0x41, 0xc3, 10);
  await raw.write(hostile);
  expect(Buffer.concat(shown)).toEqual(Buffer.from(hostile));
  for (const escapes of [true, false]) {
    shown.length = 0;
    const lines = new PrefixedLines("", sink, escapes);
    // A euro sign is three bytes, and 64 KiB no multiple of them.
    await lines.write(bytes("€".repeat(50_000)));
    await lines.end();
    const text = Buffer.concat(shown).toString();
    expect(text.replaceAll("\n", "")).toBe("€".repeat(50_000));
    expect(text.split("\n").length).toBe(4);
  }
});

test("one input for several: whole for each, read no further than somebody wants, and bounded", async () => {
  let read = 0;
  const source = (async function* () {
    for (const piece of ["a", "b", "c"]) {
      read++;
      yield bytes(piece);
    }
  })();
  const shared = new SharedInput(source);
  const first = shared.reader();
  expect(read).toBe(0);
  await first.next();
  expect(read).toBe(1);
  expect(await Promise.all([textOf(shared.reader()), textOf(shared.reader())])).toEqual(["abc", "abc"]);
  expect(await textOf(first)).toBe("bc");
  expect(await textOf(shared.reader())).toBe("abc");
  const large = new SharedInput(
    (async function* () {
      for (;;) yield new Uint8Array(1000);
    })(),
    10_000,
  );
  for (const reader of [large.reader(), large.reader()]) {
    await expect(textOf(reader)).rejects.toMatchObject({ code: "TOO_LARGE" });
  }
});

test("a spool holds little in memory, and gives back all of it", async () => {
  const spool = new Spool();
  expect(spool.endsLine).toBe(true);
  await spool.write(bytes("short"));
  expect([spool.held, spool.endsLine]).toEqual([5, false]);
  for (let at = 0; at < 100; at++) await spool.write(new Uint8Array(100_000).fill(at));
  expect([spool.held, spool.bytes]).toEqual([0, 10_000_005]);
  let seen = 0;
  for await (const chunk of spool.chunks()) seen += chunk.length;
  expect(seen).toBe(10_000_005);
  const same = new Spool();
  await same.write(bytes("sho"));
  await same.write(bytes("rt"));
  for (let at = 0; at < 100; at++) await same.write(new Uint8Array(100_000).fill(at));
  const digest = spool.digest();
  expect(same.digest()).toBe(digest);
  // Of many, one file is open.
  const file = await NamelessFile.make();
  for (const one of [spool, same]) await one.moveTo(file);
  for (const one of [spool, same]) {
    const hash = new Bun.CryptoHasher("sha256");
    for await (const chunk of one.chunks()) hash.update(chunk);
    expect(hash.digest("hex")).toBe(digest);
    await one.close();
  }
  await file.close();
  const bounded = new Spool(10);
  await bounded.write(bytes("0123456789"));
  await expect(bounded.write(bytes("0"))).rejects.toMatchObject({ code: "TOO_LARGE" });
});

test("the file of a host is in its folder whatever it is called", () => {
  expect(hostFileName("me@10.0.0.1:2222")).toBe("me@10.0.0.1:2222");
  for (const target of [
    "..",
    ".",
    "../../etc/passwd",
    "/etc/passwd",
    "a/b",
    "-rf",
    "a\0b",
    "a\nb",
    "ü",
    "[::1]:22",
    "x".repeat(5000),
  ]) {
    const name = hostFileName(target);
    expect(name).toMatch(/^[A-Za-z0-9_@:+%][A-Za-z0-9._@:+%-]*$/);
    expect(name.length).toBeLessThanOrEqual(200);
  }
  const long = "x".repeat(300);
  expect(new Set(["a/b", "a%2Fb", "a.b", long, `${long}y`].map(hostFileName)).size).toBe(5);
});
