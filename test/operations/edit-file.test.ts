import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { editFile } from "../../src/operations/edit-file.ts";
import { writeFile } from "../../src/operations/write-file.ts";
import { cleanup } from "../support/cleanup.ts";
import { startMachine } from "./on-machine.ts";

afterAll(cleanup);

let there: Awaited<ReturnType<typeof startMachine>>;
beforeEach(async () => {
  there = await startMachine();
});

const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");
const edit = (input: Record<string, unknown>) => there.run(editFile, input);
const put = (name: string, content: string | Uint8Array): void => writeFileSync(there.at(name), content);
const bytes = (name: string): Buffer => readFileSync(there.at(name));
const content = (name: string): string => bytes(name).toString();

test("replaces, and says what changed", async () => {
  put("x", "a\nb\nc\n");
  chmodSync(there.at("x"), 0o750);
  expect(
    await edit({
      path: "x",
      edits: [
        { old: "b", new: "B" },
        { old: "c", new: "C" },
      ],
    }),
  ).toEqual({
    ...{ target: "web", path: "x", changed: true, written: true, created: false, applied: 2, offsets: [], cut: false },
    ...{ diff: "--- x\n+++ x\n@@ -1,3 +1,3 @@\n a\n-b\n-c\n+B\n+C\n", bytes: 6, sha256: sha256("a\nB\nC\n") },
  });
  expect([content("x"), statSync(there.at("x")).mode & 0o777]).toEqual(["a\nB\nC\n", 0o750]);
});

test("all or none: one edit that does not fit leaves the file", async () => {
  put("x", "a\nb\n");
  const edits = [
    { old: "a", new: "A" },
    { old: "z", new: "Z" },
  ];
  await expect(edit({ path: "x", edits })).rejects.toMatchObject({
    code: "INVALID_INPUT",
    message: expect.stringContaining("edit 2 of 2"),
  });
  expect(content("x")).toBe("a\nb\n");
});

test("a dry run writes nothing, and says the same", async () => {
  put("x", "a\n");
  const input = { path: "x", edits: [{ old: "a", new: "b" }] };
  const dry = await edit({ ...input, dryRun: true });
  expect([content("x"), dry.written, dry.changed]).toEqual(["a\n", false, true]);
  expect(await edit(input)).toEqual({ ...dry, written: true });
});

test("an edit that changes nothing writes nothing", async () => {
  put("x", "a\n");
  const before = statSync(there.at("x")).ino;
  expect(await edit({ path: "x", edits: [{ old: "a", new: "a" }] })).toMatchObject({ changed: false, diff: "" });
  expect(statSync(there.at("x")).ino).toBe(before);
});

describe("what it keeps", () => {
  test.each([
    ["CRLF", Buffer.from("a\r\nb\r\n"), Buffer.from("a\r\nx\r\ny\r\n")],
    ["no newline at the end", Buffer.from("a\nb"), Buffer.from("a\nx\ny")],
    ["a byte order mark", Buffer.from("\ufeffa\nb\n"), Buffer.from("\ufeffa\nx\ny\n")],
    ["UTF-16", Buffer.from("\ufeffa\r\nb\r\n", "utf16le"), Buffer.from("\ufeffa\r\nx\r\ny\r\n", "utf16le")],
    [
      "bytes that are no UTF-8",
      Buffer.from("a\nb\n\xe9\xff \n", "latin1"),
      Buffer.from("a\nx\ny\n\xe9\xff \n", "latin1"),
    ],
  ])("%s", async (_, before, after) => {
    put("x", before);
    await edit({ path: "x", edits: [{ old: "b", new: "x\ny" }] });
    expect(bytes("x")).toEqual(after);
    put("x", before);
    await edit({ path: "x", diff: "@@ -2,1 +2,2 @@\n-b\n+x\n+y\n" });
    expect(bytes("x")).toEqual(after);
  });

  test("the bytes of an older encoding beside UTF-8, edited as either", async () => {
    put("x", Buffer.concat([Buffer.from("é "), Buffer.from("\xe9 some more text\n", "latin1")]));
    await edit({ path: "x", edits: [{ old: "é ", new: "ü " }] });
    expect(bytes("x")).toEqual(Buffer.concat([Buffer.from("ü "), Buffer.from("\xe9 some more text\n", "latin1")]));
    put("x", Buffer.from("caf\xe9 and more\n", "latin1"));
    await edit({ path: "x", edits: [{ old: "café", new: "thé" }] });
    expect(bytes("x")).toEqual(Buffer.from("th\xe9 and more\n", "latin1"));
    await expect(edit({ path: "x", edits: [{ old: "thé", new: "€" }] })).rejects.toThrow("latin1");
  });
});

describe("a diff", () => {
  test("of several hunks, some lines away", async () => {
    put("x", `head\n${Array.from({ length: 30 }, (_, index) => `${index + 1}\n`).join("")}`);
    const diff = "--- a/x\n+++ b/x\n@@ -2,3 +2,3 @@\n 2\n-3\n+three\n 4\n@@ -20,2 +20,1 @@\n-20\n 21\n";
    expect(await edit({ path: "x", diff })).toMatchObject({ applied: 2, offsets: [1, 1] });
    expect(content("x")).toContain("2\nthree\n4\n");
    expect(content("x")).not.toContain("\n20\n");
  });

  test("makes a file", async () => {
    const diff = "--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n";
    expect(await edit({ path: "x", diff })).toMatchObject({
      created: true,
      diff: expect.stringContaining("/dev/null"),
    });
    expect(content("x")).toBe("a\nb\n");
    await expect(edit({ path: "y", diff: "@@ -1 +1 @@\n-a\n+b\n" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    expect(existsSync(there.at("y"))).toBe(false);
  });
});

test("an edit of a file that is not there, is binary, or is too large", async () => {
  const edits = [{ old: "a", new: "b" }];
  await expect(edit({ path: "nowhere", edits })).rejects.toMatchObject({ code: "NOT_FOUND" });
  put("binary", new Uint8Array([0x61, 0]));
  await expect(edit({ path: "binary", edits })).rejects.toThrow("binary");
  put("large", "a");
  truncateSync(there.at("large"), 5 * 1024 * 1024);
  await expect(edit({ path: "large", edits })).rejects.toMatchObject({ code: "TOO_LARGE" });
});

test("only while it is as expected", async () => {
  put("x", "a\n");
  const edits = [{ old: "a", new: "b" }];
  await expect(edit({ path: "x", edits, ifSha256: sha256("b\n") })).rejects.toMatchObject({
    code: "PRECONDITION_FAILED",
  });
  await edit({ path: "x", edits, ifSha256: sha256("a\n") });
  expect(content("x")).toBe("b\n");
});

test("of many edits at once each is there, by whatever name the file is called", async () => {
  put("x", `${"0\n".repeat(10)}end\n`);
  symlinkSync("x", there.at("link"));
  const names = ["x", "./x", there.at("x"), "link"];
  const all = Array.from({ length: 10 }, (_, index) => `${index}!`);
  await Promise.all(
    all.map((word, index) => edit({ path: names[index % 4], edits: [{ old: "end", new: `${word}\nend` }] })),
  );
  expect([...(content("x").match(/\d!/g) ?? [])].sort()).toEqual(all);
  expect(readdirSync(there.machine.home).sort()).toEqual(["link", "x"]);
});

test("what is added while others edit is there as well", async () => {
  put("x", "begin\n");
  const words = Array.from({ length: 6 }, (_, index) => `${index}!`);
  await Promise.all([
    ...words.map((word) => edit({ path: "x", edits: [{ old: "begin\n", new: `begin\nedit ${word}\n` }] })),
    ...words.map((word) => there.run(writeFile, { path: "./x", content: `add ${word}\n`, append: true })),
  ]);
  const lines = content("x").trim().split("\n").sort();
  expect(lines).toEqual([...words.map((word) => `add ${word}`), "begin", ...words.map((word) => `edit ${word}`)]);
});

test("an edit that others never let through is refused", async () => {
  put("x", "0\nend\n");
  const { files } = there.machine;
  const stat = files.stat.bind(files);
  // What another machine does before each look stands in no line of ours.
  let others = 0;
  files.stat = (path) => {
    put("x", `${"x".repeat(++others)}end\n`);
    return stat(path);
  };
  await expect(edit({ path: "x", edits: [{ old: "end", new: "new" }] })).rejects.toMatchObject({
    code: "PRECONDITION_FAILED",
    message: expect.stringContaining("nothing was written"),
  });
  expect(content("x")).not.toContain("new");
});

test.each<[Record<string, unknown>]>([
  [{}],
  [{ edits: [] }],
  [{ edits: [{ old: "a", new: "b" }], diff: "x" }],
  [{ edits: [{ old: "x".repeat(600_000), new: "" }] }],
  [{ diff: "x", ifSha256: "1" }],
])("%# is no request", async (input) => {
  await expect(edit({ path: "x", ...input })).rejects.toThrow(/field/);
});
