import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { writeFile } from "../../src/operations/write-file.ts";
import { cleanup } from "../support/cleanup.ts";
import { startMachine } from "./on-machine.ts";

afterAll(cleanup);

let there: Awaited<ReturnType<typeof startMachine>>;
beforeEach(async () => {
  there = await startMachine();
});

const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");
const write = (input: Record<string, unknown>) => there.run(writeFile, input);
const content = (name: string): string => readFileSync(there.at(name), "utf8");
const mode = (name: string): number => statSync(there.at(name)).mode & 0o7777;

test("makes a file, and says what it is", async () => {
  const result = await write({ path: "new", content: "é\n", mode: "0600" });
  expect(result).toEqual({ target: "web", path: "new", bytes: 3, created: true, sha256: sha256("é\n"), mode: "0600" });
  expect([content("new"), mode("new"), readdirSync(there.machine.home)]).toEqual(["é\n", 0o600, ["new"]]);
});

test("replaces a file, which keeps its mode and the link that led to it", async () => {
  writeFileSync(there.at("real"), "old");
  chmodSync(there.at("real"), 0o755);
  symlinkSync("real", there.at("link"));
  expect(await write({ path: "link", content: "new" })).toMatchObject({ created: false, mode: "0755", path: "link" });
  expect([content("real"), mode("real"), readdirSync(there.machine.home).sort()]).toEqual([
    "new",
    0o755,
    ["link", "real"],
  ]);
});

test("gives a file that was there the mode that was asked for", async () => {
  writeFileSync(there.at("script"), "old");
  expect(await write({ path: "script", content: "new", mode: "755" })).toMatchObject({ mode: "0755" });
  expect(mode("script")).toBe(0o755);
});

test("no mode is passed over in silence where bytes are added", async () => {
  await write({ path: "log", content: "a\n", append: true, mode: "0640" });
  await write({ path: "log", content: "b\n", append: true, mode: "0640" });
  await expect(write({ path: "log", content: "c\n", append: true, mode: "0600" })).rejects.toMatchObject({
    code: "INVALID_INPUT",
    message: expect.stringContaining("0640"),
  });
  expect([content("log"), mode("log")]).toEqual(["a\nb\n", 0o640]);
});

test("takes bytes in base64, and none at all", async () => {
  await write({ path: "bytes", contentBase64: "AP/+" });
  expect([...readFileSync(there.at("bytes"))]).toEqual([0, 255, 254]);
  expect(await write({ path: "bytes", content: "" })).toMatchObject({ bytes: 0, created: false });
  expect(content("bytes")).toBe("");
});

test("adds to the end", async () => {
  expect(await write({ path: "log", content: "a\n", append: true })).toMatchObject({ created: true, bytes: 2 });
  expect(await write({ path: "log", content: "b\n", append: true })).toMatchObject({ created: false, sha256: null });
  expect(content("log")).toBe("a\nb\n");
});

test("of many that add at once each is there whole, by whatever name the file is called", async () => {
  symlinkSync("log", there.at("link"));
  const names = ["log", "./log", there.at("log"), "link"];
  const texts = Array.from({ length: 8 }, (_, index) => `${String(index).repeat(100_000 * (index % 2) + 5)}\n`);
  await Promise.all(texts.map((text, index) => write({ path: names[index % 4], content: text, append: true })));
  expect(
    content("log")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => `${line}\n`)
      .sort(),
  ).toEqual(texts.sort());
});

test("makes the directories above it when asked to", async () => {
  await expect(write({ path: "a/b/c", content: "x" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await write({ path: "a/b/c", content: "x", parents: true });
  expect(content("a/b/c")).toBe("x");
});

describe("a condition", () => {
  test("of absence", async () => {
    await write({ path: "x", content: "first", ifAbsent: true });
    await expect(write({ path: "x", content: "second", ifAbsent: true })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
    });
    symlinkSync("nowhere", there.at("dangling"));
    await expect(write({ path: "dangling", content: "y", ifAbsent: true })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
    });
    expect([content("x"), existsSync(there.at("nowhere"))]).toEqual(["first", false]);
  });

  test("of content, which says what it is now", async () => {
    await write({ path: "x", content: "one" });
    await expect(write({ path: "x", content: "two", ifSha256: sha256("zero") })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
      message: expect.stringContaining(sha256("one")),
    });
    await write({ path: "x", content: "two", ifSha256: sha256("one").toUpperCase() });
    await expect(write({ path: "nowhere", content: "", ifSha256: sha256("") })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });
    expect(content("x")).toBe("two");
  });

  test("lets one of many writers at once through", async () => {
    await write({ path: "x", content: "0" });
    const tries = Array.from({ length: 8 }, (_, index) =>
      write({ path: "x", content: `${index}!`, ifSha256: sha256("0") }),
    );
    const ends = await Promise.allSettled(tries);
    expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const end of ends)
      if (end.status === "rejected") expect(end.reason).toMatchObject({ code: "PRECONDITION_FAILED" });
    expect(content("x")).toBe(`${ends.findIndex(({ status }) => status === "fulfilled")}!`);
    expect(readdirSync(there.machine.home)).toEqual(["x"]);
  });

  test("lets one of many writers through, by whatever name they know it", async () => {
    mkdirSync(there.at("d"));
    await write({ path: "d/x", content: "0" });
    symlinkSync("d/x", there.at("link"));
    const names = ["d/x", "./d/x", "d/../d/x", "link", there.at("d/x"), "~/d/x"];
    const tries = names.map((path, index) => write({ path, content: `${index}!`, ifSha256: sha256("0") }));
    const ends = await Promise.allSettled(tries);
    expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(content("d/x")).toBe(`${ends.findIndex(({ status }) => status === "fulfilled")}!`);
  });

  test("a file that another program changes while it is written, in the same second and of the same size", async () => {
    await write({ path: "x", content: "one" });
    const stdin = (async function* () {
      yield Buffer.from("two");
      writeFileSync(there.at("x"), "1ne");
    })();
    const input = { path: "x", ifSha256: sha256("one") };
    await expect(there.run(writeFile, input, { face: "cli", stdin })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });
    expect([content("x"), readdirSync(there.machine.home)]).toEqual(["1ne", ["x"]]);
  });
});

test("an input that breaks leaves the old file, and nothing beside it", async () => {
  await write({ path: "x", content: "old" });
  const stdin = (async function* () {
    yield new Uint8Array(100_000);
    throw new Error("cut");
  })();
  await expect(there.run(writeFile, { path: "x" }, { face: "cli", stdin })).rejects.toThrow("cut");
  expect([content("x"), readdirSync(there.machine.home)]).toEqual(["old", ["x"]]);
});

test("input of any size streams", async () => {
  const stdin = (async function* () {
    for (let turn = 0; turn < 200; turn++) yield new Uint8Array(65_536).fill(turn);
  })();
  expect(await there.run(writeFile, { path: "big" }, { face: "cli", stdin })).toMatchObject({ bytes: 200 * 65_536 });
  expect(statSync(there.at("big")).size).toBe(200 * 65_536);
});

test("a directory is not replaced, and no model writes without content", async () => {
  mkdirSync(there.at("d"));
  await expect(write({ path: "d", content: "" })).rejects.toMatchObject({ code: "REMOTE_IO" });
  await expect(write({ path: "x" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  expect(existsSync(there.at("x"))).toBe(false);
});

test.each([
  [{ path: "" }],
  [{ path: "d/" }],
  [{ path: "x", mode: "u+x" }],
  [{ path: "x", content: "a", contentBase64: "YQ==" }],
  [{ path: "x", contentBase64: "a" }],
  [{ path: "x", ifSha256: "abc" }],
  [{ path: "x", ifSha256: sha256(""), ifAbsent: true }],
  [{ path: "x", content: "x".repeat(600_000) }],
])("%# is no request", async (input) => {
  await expect(write({ ...input })).rejects.toThrow(/field/);
});

test("half a character is no content", () => {
  const issues = writeFile.validate({ target: "web", path: "x", content: "a\ud800" });
  expect(issues).toMatchObject([{ field: "content" }]);
});
