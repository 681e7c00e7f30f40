import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../support/cleanup.ts";
import { startWorld, treeOf } from "./transfer-fixture.ts";

afterAll(cleanup);

const fill = (root: string, files = 60): void => {
  for (let index = 0; index < files; index++) {
    const folder = join(root, index % 3 === 0 ? "" : `d${index % 3}`, index % 5 === 0 ? "deep/er" : "");
    mkdirSync(folder, { recursive: true });
    const at = join(folder, `file ${index}'é`);
    writeFileSync(at, `content ${index}\n`.repeat(index * 20));
    chmodSync(at, index % 2 === 0 ? 0o640 : 0o755);
    utimesSync(at, 1_500_000_000 + index, 1_500_000_000 + index);
  }
  writeFileSync(join(root, "zeros"), new Uint8Array(5000));
  writeFileSync(join(root, "large"), Buffer.alloc(700_000, "large "));
  symlinkSync("deep/er", join(root, "link"));
  mkdirSync(join(root, "empty"));
};

test("a directory goes there and back, with modes and times, links as links", async () => {
  const { here, there, cp } = await startWorld();
  fill(join(here, "tree"));
  const put = await cp(["tree"], "db1:", { recursive: true, preserve: true });
  expect(put.report).toMatchObject({ files: 62, links: 1, failures: [], unchanged: 0 });
  expect(await treeOf(join(there, "tree"))).toBe(await treeOf(join(here, "tree")));
  expect(existsSync(join(there, "tree", "empty"))).toBe(true);
  expect(readdirSync(there)).toEqual(["tree"]);
  const got = await cp(["db1:tree"], "back", { recursive: true, preserve: true });
  expect(got.report).toMatchObject({ files: 62, links: 1, failures: [] });
  expect(await treeOf(join(here, "back"))).toBe(await treeOf(join(here, "tree")));
  expect(got.progress.at(-1)).toMatchObject({
    files: 62,
    totalFiles: 62,
    bytes: put.report.bytes,
    totalBytes: put.report.bytes,
  });
});

test("without preserve modes are the source's less the umask, and what is there keeps its own", async () => {
  const { here, there, cp } = await startWorld();
  fill(join(here, "tree"), 40);
  for (let index = 0; index < 40; index++)
    writeFileSync(join(here, "tree", `more${index}`), `${index}`, { mode: 0o777 });
  chmodSync(join(here, "tree", "more1"), 0o777);
  mkdirSync(join(there, "tree"));
  writeFileSync(join(there, "tree", "more3"), "old", { mode: 0o600 });
  chmodSync(join(there, "tree", "more3"), 0o604);
  await cp(["tree"], "db1:", { recursive: true });
  expect(statSync(join(there, "tree", "more1")).mode & 0o7777).toBe(0o755);
  expect(statSync(join(there, "tree", "more3")).mode & 0o7777).toBe(0o604);
  expect(readFileSync(join(there, "tree", "more3"), "utf8")).toBe("3");
  expect(statSync(join(there, "tree", "more1")).mtimeMs).toBeGreaterThan(1_600_000_000_000);
  expect(await treeOf(join(there, "tree"), "-printf", "%P %y %s\n")).toBe(
    await treeOf(join(here, "tree"), "-printf", "%P %y %s\n"),
  );
});

test("a file goes to a name, into a directory, and home", async () => {
  const { here, there, cp } = await startWorld();
  writeFileSync(join(here, "a"), "one");
  mkdirSync(join(there, "folder"));
  await cp(["a"], "db1:b");
  await cp(["a"], "db1:folder");
  await cp(["a"], "db1:~/folder/c");
  await cp(["a"], `db1:${there}/d`);
  await cp(["db1:folder/c"], ".");
  await cp(["db1:~/d", "db1:b"], ".");
  for (const name of ["b", "folder/a", "folder/c", "d"]) expect(readFileSync(join(there, name), "utf8")).toBe("one");
  expect(readdirSync(here).sort()).toEqual(["a", "b", "c", "d"]);
});

test("what cannot be meant is refused before anything is written", async () => {
  const { here, there, cp } = await startWorld();
  writeFileSync(join(here, "a"), "one");
  mkdirSync(join(here, "dir"));
  writeFileSync(join(there, "file"), "there");
  const codeOf = (run: Promise<unknown>): Promise<string> =>
    run.then(
      () => "none",
      (error) => error.code,
    );
  expect(await codeOf(cp(["nothing"], "db1:"))).toBe("NOT_FOUND");
  expect(await codeOf(cp(["db1:nothing"], "."))).toBe("NOT_FOUND");
  expect(await codeOf(cp(["db1:*.none"], "."))).toBe("NOT_FOUND");
  expect(await codeOf(cp(["dir"], "db1:x"))).toBe("INVALID_INPUT");
  expect(await codeOf(cp(["dir"], "db1:file", { recursive: true }))).toBe("ALREADY_EXISTS");
  expect(await codeOf(cp(["a", "dir"], "db1:file"))).toBe("ALREADY_EXISTS");
  expect(await codeOf(cp(["a", "a"], "db1:new"))).toBe("NOT_FOUND");
  expect(await codeOf(cp(["a"], "db1:new/"))).toBe("NOT_FOUND");
  expect(await codeOf(cp(["db1:file"], "db1:./file"))).toBe("INVALID_INPUT");
  expect(await codeOf(cp(["db1:."], "db1:sub", { recursive: true }))).toBe("INVALID_INPUT");
  expect(readdirSync(there)).toEqual(["file"]);
});

test("several sources: what fails is told by name, the others are copied", async () => {
  const { here, there, cp } = await startWorld();
  writeFileSync(join(here, "a"), "one");
  writeFileSync(join(here, "b"), "two");
  mkdirSync(join(here, "dir"));
  Bun.spawnSync(["mkfifo", join(here, "fifo")]);
  const { report } = await cp(["a", "gone", "dir", "fifo", "b"], "db1:");
  expect(readdirSync(there).sort()).toEqual(["a", "b"]);
  expect(report.failures.map(({ path, code }) => [path, code]).sort()).toEqual([
    ["dir", "INVALID_INPUT"],
    ["fifo", "UNSUPPORTED"],
    ["gone", "NOT_FOUND"],
  ]);
});

test("globs are the server's; a file that is called so is meant itself", async () => {
  const { here, there, cp } = await startWorld();
  for (const name of ["a.log", "b.log", "c.txt", "[x]"]) writeFileSync(join(there, name), name);
  await cp(["db1:*.log"], ".");
  expect(readdirSync(here).sort()).toEqual(["a.log", "b.log"]);
  await cp(["db1:[x]"], ".");
  expect(readFileSync(join(here, "[x]"), "utf8")).toBe("[x]");
});

test("DIRECTORY/. is what is in it", async () => {
  const { here, there, cp } = await startWorld();
  fill(join(here, "tree"), 4);
  mkdirSync(join(there, "to"));
  await cp(["tree/."], "db1:to", { recursive: true });
  expect(readlinkSync(join(there, "to", "link"))).toBe("deep/er");
  await cp(["db1:to/."], "back", { recursive: true });
  expect(await treeOf(join(here, "back"), "-printf", "%P %y %s\n")).toBe(
    await treeOf(join(here, "tree"), "-printf", "%P %y %s\n"),
  );
});

test("standard input becomes a file, and a file standard output", async () => {
  const { there, cp } = await startWorld();
  const stdin = (async function* () {
    yield Buffer.from("from ");
    yield Buffer.from("stdin");
  })();
  await cp(["-"], "db1:file", { stdin });
  expect(readFileSync(join(there, "file"), "utf8")).toBe("from stdin");
  expect((await cp(["db1:file"], "-")).stdout.toString()).toBe("from stdin");
  expect(readdirSync(there)).toEqual(["file"]);
});

test("verify compares both sides; a limit is kept", async () => {
  const { here, there, cp } = await startWorld();
  fill(join(here, "tree"));
  expect((await cp(["tree"], "db1:", { recursive: true, verify: true })).report.verification).toBe("verified");
  writeFileSync(join(here, "b"), Buffer.alloc(500_000, "b"));
  const startedAt = performance.now();
  await cp(["b"], "db1:", { limit: 1_000_000 });
  const tookMs = performance.now() - startedAt;
  expect(tookMs).toBeGreaterThan(200);
  expect(readFileSync(join(there, "b")).length).toBe(500_000);
});

test("between two places of one server", async () => {
  const { here, there, cp } = await startWorld();
  fill(join(there, "tree"));
  const { report } = await cp(["db1:tree"], "db1:copy", { recursive: true, preserve: true });
  expect(report.failures).toEqual([]);
  expect(await treeOf(join(there, "copy"))).toBe(await treeOf(join(there, "tree")));
  expect(readdirSync(here)).toEqual([]);
});
