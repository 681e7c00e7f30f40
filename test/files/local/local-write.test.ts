/** Writing on this machine: whole, in its own place, and through nothing. */
import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
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
import { pathText } from "../../../src/core/files/path-text.ts";
import { partName } from "../../../src/core/files/transfer-side.ts";
import { forOtherGroup } from "../../../src/files/local/local-write.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeSmallDisk } from "../../support/small-disk.ts";
import { broken, codeOf, place, plain, small, stream, walked, writeAll } from "./sides.ts";

afterAll(cleanup);

const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

describe("one file", () => {
  test("has its name when it is whole, and nothing else is left", async () => {
    const { root, side } = place();
    await side.write(root, "f", stream("one ", "two"), 0, { mode: 0o640, masked: false, mtime: 1_000_000 });
    expect(readFileSync(join(root, "f"), "utf8")).toBe("one two");
    expect(statSync(join(root, "f")).mtimeMs).toBe(1_000_000_000);
    expect(readdirSync(root)).toEqual(["f"]);
  });

  test("that breaks is no file yet, and goes on where it broke", async () => {
    const { root, side } = place();
    expect(await codeOf(side.write(root, "f", broken("half"), 0, plain))).not.toBe("fine");
    expect(readdirSync(root)).toEqual([partName("f")]);
    expect(modeOf(join(root, partName("f")))).toBe(0o600);
    expect(await side.part(root, "f")).toBe(4);
    expect(await side.hash(join(root, "f"), 4, true)).toBe(new Bun.CryptoHasher("sha256").update("half").digest("hex"));
    await side.write(root, "f", stream("lf"), 2, plain);
    expect(readFileSync(join(root, "f"), "utf8")).toBe("half");
    expect(await side.part(root, "f")).toBeNull();
  });

  test("that breaks before its first byte leaves nothing", async () => {
    const { root, side } = place();
    expect(await codeOf(side.write(root, "f", broken(), 0, plain))).not.toBe("fine");
    expect(readdirSync(root)).toEqual([]);
  });

  test("takes the place of a link, and the other end stays as it was", async () => {
    const { root, outside, side } = place();
    writeFileSync(join(outside, "o"), "theirs");
    symlinkSync(join(outside, "o"), join(root, "f"));
    symlinkSync(join(outside, "o"), join(root, "s"));
    await side.write(root, "f", stream("mine"), 0, plain);
    expect((await writeAll(side, root, [small("s")])).written).toBe(1);
    expect(lstatSync(join(root, "f")).isFile()).toBe(true);
    expect(lstatSync(join(root, "s")).isFile()).toBe(true);
    expect(readFileSync(join(outside, "o"), "utf8")).toBe("theirs");
  });

  test("is not written over a directory, and two do not write one part", async () => {
    const { root, side } = place();
    mkdirSync(join(root, "d"));
    expect(await codeOf(side.write(root, "d", stream("x"), 0, plain))).toBe("LOCAL_IO");
    expect((await writeAll(side, root, [small("d")])).failed).toMatchObject([{ path: "d", code: "LOCAL_IO" }]);
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const slow = async function* () {
      yield* stream("a");
      begun.resolve();
      await goOn.promise;
      yield* stream("b");
    };
    const first = side.write(root, "f", slow(), 0, plain);
    await begun.promise;
    expect(await codeOf(side.write(root, "f", stream("other"), 0, plain))).toBe("LOCAL_IO");
    goOn.resolve();
    await first;
    expect(readFileSync(join(root, "f"), "utf8")).toBe("ab");
  });

  test("what the caller named may be a link that leads to nothing yet", async () => {
    const { root, side } = place();
    symlinkSync("second", join(root, "first"));
    symlinkSync(`${root}/new`, join(root, "second"));
    expect(await side.look(join(root, "first"))).toBeNull();
    await side.write(join(root, "first"), "", stream("content"), 0, plain);
    expect(readFileSync(join(root, "new"), "utf8")).toBe("content");
    expect(lstatSync(join(root, "first")).isSymbolicLink()).toBe(true);
  });

  test("what the caller named may be a device: it is written to, and stays", async () => {
    const { side } = place();
    await side.write("/dev/null", "", stream("gone"), 0, plain);
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
  });
});

describe("a part that somebody planted", () => {
  test("as a link is removed, and not written through", async () => {
    const { root, outside, side } = place();
    writeFileSync(join(outside, "o"), "theirs");
    symlinkSync(join(outside, "o"), join(root, partName("f")));
    expect(await side.part(root, "f")).toBeNull();
    expect(await codeOf(side.write(root, "f", stream("x"), 2, plain))).toBe("LOCAL_IO");
    await side.write(root, "f", stream("mine"), 0, plain);
    expect(readFileSync(join(outside, "o"), "utf8")).toBe("theirs");
    expect(readFileSync(join(root, "f"), "utf8")).toBe("mine");
  });

  test("with a second name is not gone on with, nor changed", async () => {
    const { root, outside, side } = place();
    writeFileSync(join(outside, "o"), "theirs");
    linkSync(join(outside, "o"), join(root, partName("f")));
    expect(await side.part(root, "f")).toBeNull();
    expect(await codeOf(side.write(root, "f", stream("x"), 2, plain))).toBe("LOCAL_IO");
    await side.write(root, "f", stream("mine"), 0, plain);
    expect(readFileSync(join(outside, "o"), "utf8")).toBe("theirs");
  });
});

describe("modes", () => {
  test.each([
    [0o600, true, 0o600],
    [0o666, true, 0o666 & ~process.umask()],
    [0o4755, true, 0o755 & ~process.umask()],
    [0o4755, false, 0o4755],
    [0o400, false, 0o400],
    [null, true, 0o666 & ~process.umask()],
  ])("%o, masked %p, of a new file is %o", async (mode, masked, is) => {
    const { root, side } = place();
    const form = { mode, masked, mtime: null };
    await side.write(root, "one", stream("x"), 0, form);
    await writeAll(side, root, [small("many")], form);
    expect([modeOf(join(root, "one")), modeOf(join(root, "many"))]).toEqual([is, is]);
  });

  test("an existing file keeps its own where the mode is only a new file's", async () => {
    const { root, side } = place();
    for (const name of ["one", "many"]) writeFileSync(join(root, name), "", { mode: 0o600 });
    const form = { mode: 0o666, masked: true, mtime: null };
    await side.write(root, "one", stream("x"), 0, form);
    await writeAll(side, root, [small("many")], form);
    expect([modeOf(join(root, "one")), modeOf(join(root, "many"))]).toEqual([0o600, 0o600]);
  });
});

describe("the mode of a file that is replaced", () => {
  test.each([
    [0o644, 0o600, 0o600],
    [0o755, 0o644, 0o644],
    [0o600, 0o666, 0o600],
    [0o664, null, 0o664],
    [0o644, 0o000, 0o600],
    [0o4755, 0o4755, 0o755],
  ])("%o, of a source with %p, is %o: never wider than either", async (old, mode, is) => {
    const { root, side } = place();
    for (const name of ["one", "many"]) {
      writeFileSync(join(root, name), "");
      chmodSync(join(root, name), old);
    }
    const form = { mode, masked: true, mtime: null };
    await side.write(root, "one", stream("x"), 0, form);
    await writeAll(side, root, [small("many")], form);
    expect([modeOf(join(root, "one")), modeOf(join(root, "many"))]).toEqual([is, is]);
  });

  test("stays with its owner and its group, where they can be kept", async () => {
    if (process.geteuid?.() !== 0) return;
    const { root, side } = place();
    writeFileSync(join(root, "f"), "");
    chownSync(join(root, "f"), 1234, 2345);
    chmodSync(join(root, "f"), 0o660);
    await side.write(root, "f", stream("x"), 0, plain);
    const { uid, gid } = statSync(join(root, "f"));
    expect([uid, gid, modeOf(join(root, "f"))]).toEqual([1234, 2345, 0o660]);
  });

  test.each([
    [0o660, 0o600],
    [0o664, 0o644],
    [0o750, 0o700],
    [0o644, 0o644],
    [0o604, 0o604],
  ])("%o is %o for another group", (mode, is) => expect(forOtherGroup(mode)).toBe(is));
});

describe("names of a server", () => {
  const names = ["../x", "/etc/x", "", ".", "..", "a/../../x", "a\0b", "a//b", "x".repeat(256)];

  test.each(names)("%j is refused by name, and nothing appears anywhere", async (name) => {
    const { base, root, side } = place();
    mkdirSync(join(root, "a"));
    const { failed } = await writeAll(side, root, [small(name, "x"), small("good")]);
    expect(failed).toHaveLength(1);
    expect(await codeOf(side.write(root, name, stream("x"), 0, plain))).not.toBe("fine");
    expect(await codeOf(side.symlink(root, name, "good"))).not.toBe("fine");
    expect(readdirSync(root).sort()).toEqual(["a", "good"]);
    expect(readdirSync(base).sort()).toEqual(["outside", "root"]);
  });

  test("that this file system takes for one file are noticed: the first stays", async () => {
    const { root, side } = place();
    await writeAll(side, root, [small("first")]);
    // What a file system does that takes both for one.
    linkSync(join(root, "first"), join(root, "FIRST"));
    const { failed } = await writeAll(side, root, [small("FIRST")]);
    expect(failed).toMatchObject([{ path: "FIRST", code: "ALREADY_EXISTS" }]);
    expect(readFileSync(join(root, "first"), "utf8")).toBe("first");
    expect((await writeAll(side, root, [small("first", "again")])).failed).toEqual([]);
  });

  test("10,000 of any bytes go there and come back", async () => {
    const { root, side } = place();
    const bytes = (seed: number): Uint8Array => {
      const hash = new Bun.CryptoHasher("sha512").update(String(seed)).digest();
      const name = Uint8Array.from(hash.subarray(0, 1 + (seed % 60)), (byte) => (byte === 0 || byte === 47 ? 1 : byte));
      return Uint8Array.from([...name, ...new TextEncoder().encode(String(seed))]);
    };
    const files = Array.from({ length: 10_000 }, (_, seed) => small(pathText(bytes(seed)), String(seed)));
    expect(await writeAll(side, root, files)).toEqual({ failed: [], written: 10_000 });
    const { found } = await walked(side, root);
    expect(new Set(Object.keys(found))).toEqual(new Set(files.map(({ path }) => path)));
    const wrong: string[] = [];
    const paths = async function* () {
      yield Object.keys(found);
    };
    const expected = new Map(files.map(({ path, content }) => [path, Buffer.from(content).toString()]));
    for await (const some of side.readMany(root, paths(), ({ path }) => wrong.push(path))) {
      for (const { path, content } of some)
        if (Buffer.from(content).toString() !== expected.get(path)) wrong.push(path);
    }
    expect(wrong).toEqual([]);
  });
});

describe("links", () => {
  test("are made inside the root, and replaced in one step", async () => {
    const { root, side } = place();
    await side.makeDirectory(root, "d", null);
    await side.symlink(root, "d/l", "../one");
    await side.symlink(root, "d/l", "../two");
    expect(readlinkSync(join(root, "d/l"))).toBe("../two");
    expect(readdirSync(join(root, "d"))).toEqual(["l"]);
  });

  test.each(["/etc/passwd", "../x", "d/../../x", ".."])("to %s are refused", async (target) => {
    const { root, side } = place();
    expect(await codeOf(side.symlink(root, "l", target))).toBe("INVALID_INPUT");
    expect(readdirSync(root)).toEqual([]);
  });

  test("in the place of a directory stop everything that would go through them", async () => {
    const { root, outside, side } = place();
    symlinkSync(outside, join(root, "d"));
    expect(await codeOf(side.write(root, "d/f", stream("x"), 0, plain))).toBe("LOCAL_IO");
    expect(await codeOf(side.makeDirectory(root, "d", null))).toBe("LOCAL_IO");
    expect(await codeOf(side.makeDirectory(root, "d/e", null))).toBe("LOCAL_IO");
    expect(await codeOf(side.symlink(root, "d/l", "x"))).toBe("LOCAL_IO");
    expect(await codeOf(side.change(root, "d", { mode: 0o777 }))).toBe("LOCAL_IO");
    expect((await writeAll(side, root, [small("d/f")])).failed).toHaveLength(1);
    expect(readdirSync(outside)).toEqual([]);
    await side.remove(root, "d");
    expect(existsSync(outside)).toBe(true);
  });
});

test("a disk without room is an error with the path and what is kept, and no final name", async () => {
  const { path } = await makeSmallDisk(256 * 1024);
  const { side } = place();
  const many = async function* () {
    for (let piece = 0; piece < 20; piece++) yield new Uint8Array(64 * 1024);
  };
  const error = await side.write(path, "big", many(), 0, plain).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "LOCAL_IO" });
  expect(error.message).toMatch(/big.* no space left.*; \d+ bytes of it are kept/);
  expect(readdirSync(path)).toEqual([partName("big")]);
  const { failed } = await writeAll(side, path, [small("s", "x".repeat(10_000))]);
  expect(failed).toMatchObject([{ path: "s", code: "LOCAL_IO" }]);
  expect(readdirSync(path)).toEqual([partName("big")]);
});
