/** Reading on this machine: the right content or an error, and nothing that is no file. */
import { afterAll, describe, expect, test } from "bun:test";
import { appendFileSync, chmodSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { smallFileLimit } from "../../../src/core/files/transfer-side.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { codeOf, place, readAll, small, walked, writeAll } from "./sides.ts";

afterAll(cleanup);

const megabyte = 1024 * 1024;

describe("a walk", () => {
  test("tells everything by its kind, parents first, and goes through no link", async () => {
    const { root, outside, side } = place();
    writeFileSync(join(outside, "o"), "");
    mkdirSync(join(root, "d/e"), { recursive: true });
    writeFileSync(join(root, "d/e/f"), "content");
    symlinkSync(outside, join(root, "l"));
    await mustRun(["mkfifo", join(root, "pipe")]);
    const { found, refused } = await walked(side, root);
    expect(found).toEqual({ d: "directory", "d/e": "directory", "d/e/f": "file", l: `-> ${outside}`, pipe: "fifo" });
    expect(Object.keys(found).indexOf("d")).toBeLessThan(Object.keys(found).indexOf("d/e"));
    expect(refused).toEqual([]);
  });

  test("of a large directory comes in batches, and leaves no descriptor open", async () => {
    const { root, side } = place();
    for (let index = 0; index < 2500; index++) writeFileSync(join(root, `f${index}`), "");
    const sizes: number[] = [];
    const open = readdirSync("/proc/self/fd").length;
    for await (const some of side.walk(root, () => {})) sizes.push(some.length);
    expect(sizes).toEqual([1000, 1000, 500]);
    // The root itself is held.
    expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(open + 1);
  });

  test("of what is no directory, or is not there, says so", async () => {
    const { root, side } = place();
    writeFileSync(join(root, "f"), "");
    expect(await codeOf(walked(side, join(root, "f")))).toBe("LOCAL_IO");
    expect(await codeOf(walked(side, join(root, "none")))).toBe("NOT_FOUND");
  });
});

describe("one file", () => {
  test("is read from an offset to its end", async () => {
    const { root, side } = place();
    writeFileSync(join(root, "f"), "0123456789");
    expect(await readAll(side.read(join(root, "f"), 0))).toBe("0123456789");
    expect(await readAll(side.read(join(root, "f"), 7))).toBe("789");
    expect(await readAll(side.read(join(root, "f"), 10))).toBe("");
    expect(await codeOf(readAll(side.read(join(root, "f"), 11)))).toBe("LOCAL_IO");
  });

  test.each([
    ["shrinks", (path: string) => truncateSync(path, megabyte)],
    ["is written to", (path: string) => writeFileSync(path, new Uint8Array(4 * megabyte))],
  ])("that %s while it is read is an error", async (_what, act) => {
    const { root, side } = place();
    const path = join(root, "f");
    writeFileSync(path, new Uint8Array(4 * megabyte));
    const reading = (async () => {
      let first = true;
      for await (const _ of side.read(path, 0)) {
        if (first) act(path);
        first = false;
      }
    })();
    expect(await codeOf(reading)).toBe("LOCAL_IO");
  });

  test("that grows while it is read is as long as it was when it was opened", async () => {
    const { root, side } = place();
    const path = join(root, "log");
    writeFileSync(path, "1".repeat(4 * megabyte));
    let length = 0;
    for await (const piece of side.read(path, 0)) {
      length += piece.length;
      appendFileSync(path, "more");
    }
    expect(length).toBe(4 * megabyte);
  });

  test("of /proc, whose size is 0, has its content", async () => {
    const { side } = place();
    expect(await readAll(side.read("/proc/self/status", 0))).toContain("VmRSS");
  });

  test("of /sys, which is shorter than its size, has its content", async () => {
    const { side } = place();
    expect(await readAll(side.read("/sys/kernel/mm/transparent_hugepage/enabled", 0))).toContain("never");
  });

  test("that the caller named may be a link, or a pipe; below a root it may not", async () => {
    const { base, root, outside } = place();
    const { side } = place({ cwd: base, operands: ["root", "link"] });
    writeFileSync(join(outside, "o"), "content");
    symlinkSync(join(outside, "o"), join(root, "l"));
    symlinkSync(join(outside, "o"), join(base, "link"));
    expect(await readAll(side.read("link", 0))).toBe("content");
    expect(await side.look("link")).toMatchObject({ type: "file", size: 7 });
    expect(await codeOf(readAll(side.read("root/l", 0)))).toBe("LOCAL_IO");
    expect(await side.look("root/l")).toMatchObject({ type: "symlink" });
    await mustRun(["mkfifo", join(root, "pipe")]);
    expect(await codeOf(readAll(side.read("root/pipe", 0)))).toBe("LOCAL_IO");
  });
});

test("of many files, what cannot be read is told, and the rest is whole", async () => {
  const { root, side } = place();
  writeFileSync(join(root, "a"), "a");
  writeFileSync(join(root, "empty"), "");
  writeFileSync(join(root, "full"), new Uint8Array(smallFileLimit));
  writeFileSync(join(root, "large"), new Uint8Array(smallFileLimit + 1));
  symlinkSync("a", join(root, "l"));
  mkdirSync(join(root, "d"));
  const failed: Record<string, string> = {};
  const read: Record<string, number> = {};
  const paths = async function* () {
    yield ["a", "empty", "full"];
    yield ["large", "l", "d", "none", "../x"];
  };
  for await (const some of side.readMany(root, paths(), ({ path, code }) => Object.assign(failed, { [path]: code }))) {
    for (const { path, content } of some) read[path] = content.length;
  }
  expect(read).toEqual({ a: 1, empty: 0, full: smallFileLimit });
  expect(failed).toEqual({
    large: "TOO_LARGE",
    l: "LOCAL_IO",
    d: "LOCAL_IO",
    none: "NOT_FOUND",
    "../x": "INVALID_INPUT",
  });
});

test("a directory is removed with all that is in it, and never what a link in it leads to; the root is not", async () => {
  const { root, outside, side } = place();
  writeFileSync(join(outside, "o"), "");
  mkdirSync(join(root, "d/e/f"), { recursive: true });
  writeFileSync(join(root, "d/e/g"), "");
  symlinkSync(outside, join(root, "d/e/l"));
  expect(await codeOf(side.remove(root, ""))).toBe("INVALID_INPUT");
  await side.remove(root, "d");
  expect(readdirSync(root)).toEqual([]);
  expect(readdirSync(outside)).toEqual(["o"]);
  expect(await codeOf(side.remove(root, "d"))).toBe("NOT_FOUND");
  writeFileSync(join(root, "f"), "");
  await side.remove(join(root, "f"), "");
  expect(readdirSync(root)).toEqual([]);
});

test("a tree of thousands of names, one in the other, is made, walked and removed with few descriptors", async () => {
  const { root, side } = place();
  const opened = (): number => readdirSync("/proc/self/fd").length;
  const before = opened();
  let most = 0;
  const depth = 1000;
  for (let path = "d"; path.length < 2 * depth; path += "/d") await side.makeDirectory(root, path, null);
  let found = 0;
  for await (const some of side.walk(root, ({ message }) => expect(message).toBe(""))) found += some.length;
  most = Math.max(most, opened());
  const removed = side.remove(root, "d");
  let isOver = false;
  const over = removed.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    most = Math.max(most, opened());
    await new Promise((resolve) => setImmediate(resolve));
  }
  await over;
  expect(found).toBe(depth);
  expect(most - before).toBeLessThan(100);
  expect(readdirSync(root)).toEqual([]);
});

test("the names of a large directory are in the same order each time", async () => {
  const { root, side } = place();
  const names = Array.from({ length: 1700 }, (_, index) => `${(index * 7919) % 1700}é`);
  await writeAll(
    side,
    root,
    names.map((name) => small(name, "")),
  );
  const { found } = await walked(side, root);
  expect(Object.keys(found)).toEqual(names.sort());
});

test("modes and times are set of a file, of a directory, and of the root", async () => {
  const { root, side } = place();
  writeFileSync(join(root, "f"), "");
  chmodSync(join(root, "f"), 0o000);
  await side.change(root, "f", { mode: 0o640, mtime: 1000 });
  expect(await side.look(join(root, "f"))).toMatchObject({ mode: 0o640, mtime: 1000 });
  await side.change(root, "", { mode: 0o750, mtime: 2000 });
  expect(await side.look(root)).toMatchObject({ type: "directory", mode: 0o750, mtime: 2000 });
  expect(await side.free(root)).toBeGreaterThan(0);
  expect(await side.look(join(root, "none/none"))).toBeNull();
  expect(await side.glob("a*")).toEqual(["a*"]);
});
