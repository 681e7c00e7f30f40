import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { cleanup } from "../../support/cleanup.ts";
import { startWorld, treeOf } from "./transfer-fixture.ts";

afterAll(cleanup);

const codeOf = (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => "none",
    (error) => error.code,
  );

const fill = (root: string, files: number): void => {
  for (let index = 0; index < files; index++) {
    const folder = join(root, `d${index % 7}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `f${index}`), `content ${index}\n`);
    utimesSync(join(folder, `f${index}`), 1_600_000_000, 1_600_000_000 + index);
  }
};

test("a second time nothing travels, and a changed hundredth only itself; both ways", async () => {
  const { here, there, sync } = await startWorld();
  fill(join(here, "tree"), 700);
  const first = await sync("tree", "db1:copy");
  expect(first.report).toMatchObject({ files: 700, unchanged: 0, failures: [] });
  expect(await treeOf(join(there, "copy"))).toBe(await treeOf(join(here, "tree")));
  expect((await sync("tree/", "db1:copy/")).report).toMatchObject({ files: 0, bytes: 0, unchanged: 700 });
  for (let index = 0; index < 7; index++) writeFileSync(join(here, "tree", `d${index}`, `f${index}`), "changed!!\n");
  expect((await sync("tree", "db1:copy")).report).toMatchObject({ files: 7, bytes: 70, unchanged: 693 });
  expect(await treeOf(join(there, "copy"))).toBe(await treeOf(join(here, "tree")));
  writeFileSync(join(there, "copy", "d1", "f1"), "changed there");
  expect((await sync("db1:copy", "tree")).report).toMatchObject({ files: 1, unchanged: 699 });
  expect(await treeOf(join(here, "tree"))).toBe(await treeOf(join(there, "copy")));
});

test("by checksum times do not count, and contents do", async () => {
  const { here, there, sync } = await startWorld();
  fill(join(here, "tree"), 70);
  await sync("tree", "db1:copy");
  utimesSync(join(there, "copy", "d0", "f0"), 1, 1);
  writeFileSync(join(there, "copy", "d1", "f1"), "CONTENT 1\n");
  utimesSync(join(there, "copy", "d1", "f1"), 1_600_000_000, 1_600_000_001);
  expect((await sync("tree", "db1:copy")).report).toMatchObject({ files: 1, unchanged: 69 });
  utimesSync(join(there, "copy", "d0", "f0"), 1, 1);
  writeFileSync(join(there, "copy", "d1", "f1"), "CONTENT 1\n");
  utimesSync(join(there, "copy", "d1", "f1"), 1_600_000_000, 1_600_000_001);
  expect((await sync("tree", "db1:copy", { byChecksum: true })).report).toMatchObject({ files: 1, unchanged: 69 });
  expect((await sync("tree", "db1:copy")).report).toMatchObject({ files: 0, unchanged: 70 });
  expect(await treeOf(join(there, "copy"))).toBe(await treeOf(join(here, "tree")));
});

test("delete takes what the source has not, and never what is excluded or what leads elsewhere", async () => {
  const { here, there, sync } = await startWorld();
  fill(join(here, "tree"), 30);
  mkdirSync(join(there, "copy", "old", "deep"), { recursive: true });
  mkdirSync(join(there, "copy", "keep", "x"), { recursive: true });
  mkdirSync(join(there, "outside"));
  writeFileSync(join(there, "outside", "treasure"), "x");
  symlinkSync("../outside", join(there, "copy", "link"));
  writeFileSync(join(there, "copy", "old", "deep", "a"), "a");
  writeFileSync(join(there, "copy", "keep", "x", "my.o"), "object");
  writeFileSync(join(there, "copy", "keep", "gone"), "gone");
  const exclude = ["*.o"];
  const dry = await sync("tree", "db1:copy", { delete: true, dryRun: true }, { exclude });
  expect(dry.report.changes?.filter((line) => line.startsWith("-")).sort()).toEqual([
    "- copy/keep/gone",
    "- copy/link",
    "- copy/old",
  ]);
  expect(dry.report.changes?.filter((line) => line.startsWith("+")).length).toBe(37);
  expect(readdirSync(join(there, "copy")).sort()).toEqual(["keep", "link", "old"]);
  const { report } = await sync("tree", "db1:copy", { delete: true }, { exclude });
  expect(report).toMatchObject({ files: 30, deleted: 3, failures: [] });
  expect(readdirSync(join(there, "copy", "keep"))).toEqual(["x"]);
  expect(existsSync(join(there, "copy", "keep", "x", "my.o"))).toBe(true);
  expect(existsSync(join(there, "outside", "treasure"))).toBe(true);
  expect(readdirSync(join(there, "copy")).sort()).toEqual(["d0", "d1", "d2", "d3", "d4", "d5", "d6", "keep"]);
});

test("nothing is deleted for an empty source, for one that cannot be read whole, and in places that nobody mirrors onto", async () => {
  const { here, there, sync } = await startWorld();
  mkdirSync(join(here, "empty"));
  mkdirSync(join(there, "copy"));
  writeFileSync(join(there, "copy", "a"), "a");
  const { report } = await sync("empty", "db1:copy", { delete: true });
  expect(report).toMatchObject({ deleted: 0, failures: [{ code: "PRECONDITION_FAILED" }] });
  for (const root of ["/", "/etc", "~", ".", "..", ""]) {
    expect(await codeOf(sync("empty", `db1:${root}`, { delete: true }))).toBe("INVALID_INPUT");
  }
  // Here as well. The source is empty, so that a guard that fails deletes nothing of ours.
  mkdirSync(join(there, "empty"));
  const home = realpathSync(homedir());
  for (const root of ["/", "/etc/", "/tmp/../usr", home, `${home}/.`, dirname(home)]) {
    expect(await codeOf(sync("db1:empty", root, { delete: true }))).toBe("INVALID_INPUT");
  }
  symlinkSync(home, join(here, "link"));
  expect(await codeOf(sync("db1:empty", "link", { delete: true }))).toBe("INVALID_INPUT");
  Bun.spawnSync(["mkfifo", join(here, "empty", "fifo")]);
  const partial = await sync("empty", "db1:copy", { delete: true });
  expect(partial.report).toMatchObject({ deleted: 0, failures: [{ code: "UNSUPPORTED" }] });
  expect(partial.notices.join()).toContain("nothing was deleted");
  expect(readdirSync(join(there, "copy"))).toEqual(["a"]);
});

test("what is of another kind goes only with delete", async () => {
  const { here, there, sync } = await startWorld();
  fill(join(here, "tree"), 7);
  writeFileSync(join(here, "tree", "was-folder"), "file");
  mkdirSync(join(there, "copy", "was-folder", "sub"), { recursive: true });
  writeFileSync(join(there, "copy", "d1"), "a file where a directory is to be");
  const plain = await sync("tree", "db1:copy");
  expect(plain.report.failures.map(({ path, code }) => `${path} ${code}`).sort()).toEqual([
    "copy/d1 ALREADY_EXISTS",
    "copy/was-folder ALREADY_EXISTS",
  ]);
  expect((await sync("tree", "db1:copy", { delete: true })).report.failures).toEqual([]);
  expect(await treeOf(join(there, "copy"))).toBe(await treeOf(join(here, "tree")));
});

test("a mode that changed is brought along without the content", async () => {
  const { here, there, sync } = await startWorld();
  fill(join(here, "tree"), 20);
  await sync("tree", "db1:copy");
  chmodSync(join(here, "tree", "d1", "f1"), 0o400);
  expect((await sync("tree", "db1:copy")).report).toMatchObject({ files: 0, unchanged: 20 });
  expect(await treeOf(join(there, "copy"))).toBe(await treeOf(join(here, "tree")));
  rmSync(join(here, "tree"), { recursive: true });
});
