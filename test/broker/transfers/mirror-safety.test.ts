/** What a mirror must never take away. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RemoteFiles, RemoteMachine } from "../../../src/core/files/remote-files.ts";
import { cleanup } from "../../support/cleanup.ts";
import { sftpMachine } from "../../support/sftp-process.ts";
import { startWorld } from "./transfer-fixture.ts";

afterAll(cleanup);

const codeOf = (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => "none",
    (error) => error.code,
  );

const put = (path: string, content: string | Uint8Array = path): void => {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
};

test("a destination that holds its source is refused", async () => {
  const { there, sync } = await startWorld();
  put(join(there, "a/b/b"), "a file");
  put(join(there, "a/b/c"));
  expect(await codeOf(sync("db1:a/b", "db1:a", { delete: true }))).toBe("INVALID_INPUT");
  expect(readFileSync(join(there, "a/b/b"), "utf8")).toBe("a file");
  expect((await sync("db1:a/b", "db1:a")).report.failures.map(({ code }) => code)).toEqual(["ALREADY_EXISTS"]);
});

test("a session under two names is one place", async () => {
  const machine = await sftpMachine();
  const { cp, sync } = await startWorld([machine, machine]);
  put(join(machine.home, "tree/f"));
  put(join(machine.home, "tree/d/d"));
  expect(await codeOf(cp(["db1:tree"], "db2:tree/sub", { recursive: true }))).toBe("INVALID_INPUT");
  expect(await codeOf(sync("db1:tree/d", "db2:tree", { delete: true }))).toBe("INVALID_INPUT");
  expect(readdirSync(join(machine.home, "tree")).sort()).toEqual(["d", "f"]);
});

test("a pattern that leads to several sources is none to mirror", async () => {
  const { here, there, sync } = await startWorld();
  for (const name of ["a/fa", "b/fb"]) put(join(there, "data", name));
  put(join(here, "copy/mine"));
  expect(await codeOf(sync("db1:data/*", "copy", { delete: true }))).toBe("INVALID_INPUT");
  expect(readdirSync(join(here, "copy"))).toEqual(["mine"]);
  expect((await sync("db1:data/a*", "copy")).report.files).toBe(1);
});

test("a folder that may be read and not entered is not an empty one", async () => {
  const machine = await sftpMachine();
  // As sftp-server(8) lists a folder without `x`: it leaves out every name that it cannot say anything of.
  const files: RemoteFiles = Object.create(machine.files, {
    list: {
      value: async function* (path: string) {
        if (!path.endsWith("shut")) yield* machine.files.list(path);
      },
    },
    lstat: {
      value: async (path: string) => {
        if (path.endsWith("shut/.")) return await machine.files.lstat("/dev/null/x");
        return await machine.files.lstat(path);
      },
    },
  });
  for (const name of ["stat", "resolve", "open", "readLink", "free"] as const) {
    Object.defineProperty(files, name, { value: machine.files[name].bind(machine.files) });
  }
  const { here, sync } = await startWorld([{ name: "db1", files, run: machine.run } as RemoteMachine]);
  put(join(machine.home, "src/shut/a"));
  put(join(machine.home, "src/b"));
  put(join(here, "copy/shut/a"));
  put(join(here, "copy/old"));
  const { report, notices } = await sync("db1:src", "copy", { delete: true });
  expect(report).toMatchObject({ deleted: 0, failures: [{ path: "src/shut" }] });
  expect(notices.join()).toContain("nothing was deleted");
  expect(readdirSync(join(here, "copy")).sort()).toEqual(["b", "old", "shut"]);
  expect(existsSync(join(here, "copy/shut/a"))).toBe(true);
});

test("a directory makes way for a file only when nothing failed", async () => {
  const { here, there, sync } = await startWorld();
  put(join(here, "src/x"), new Uint8Array(300_000));
  put(join(here, "src/y"), "small");
  put(join(there, "copy/x/precious"));
  put(join(there, "copy/y/deep/precious"));
  Bun.spawnSync(["mkfifo", join(here, "src/a-fifo")]);
  const failed = await sync("src", "db1:copy", { delete: true });
  expect(failed.report.failures.map(({ path, code }) => `${path} ${code}`).sort()).toEqual([
    "copy/x ALREADY_EXISTS",
    "copy/y ALREADY_EXISTS",
    "src/a-fifo UNSUPPORTED",
  ]);
  expect(existsSync(join(there, "copy/x/precious"))).toBe(true);
  const { report } = await sync("src", "db1:copy", { delete: true }, { exclude: ["a-fifo"] });
  expect(report).toMatchObject({ files: 2, failures: [] });
  expect(readFileSync(join(there, "copy/y"), "utf8")).toBe("small");
});

test("a dry run says what a run would do with what is excluded", async () => {
  const { here, there, sync } = await startWorld();
  put(join(here, "src/x"));
  put(join(there, "copy/x/keep.o"));
  const dry = await sync("src", "db1:copy", { delete: true, dryRun: true }, { exclude: ["*.o"] });
  const real = await sync("src", "db1:copy", { delete: true }, { exclude: ["*.o"] });
  expect(dry.report.failures).toEqual(real.report.failures);
  expect(dry.report.failures).toHaveLength(1);
});

test("what has a name of the source but for case or its form in Unicode stays", async () => {
  const { here, there, sync } = await startWorld();
  put(join(here, "src/\u00e9"), "new");
  put(join(here, "src/Readme"), "new");
  put(join(there, "copy/e\u0301"), "old");
  put(join(there, "copy/README"), "old");
  put(join(there, "copy/gone"), "old");
  const { report } = await sync("src", "db1:copy", { delete: true });
  expect(report).toMatchObject({ files: 2, deleted: 1, failures: [] });
  expect(readdirSync(join(there, "copy")).sort()).toEqual(["README", "Readme", "e\u0301", "\u00e9"]);
});

test("what is in the folders of transfers is neither deleted nor copied", async () => {
  const { here, there, cp, sync } = await startWorld();
  put(join(here, "src/f"));
  put(join(here, "src/.ssh-mcp-stage-left/0/file"));
  const theirs = [".ssh-mcp-stage-abc/0/file", ".x.ssh-mcp-part/mine"].map((name) => join(there, "copy", name));
  for (const path of theirs) put(path);
  expect((await sync("src", "db1:copy", { delete: true })).report).toMatchObject({ files: 1, deleted: 0 });
  for (const path of theirs) expect(existsSync(path)).toBe(true);
  await cp(["src"], "db1:new", { recursive: true });
  expect(readdirSync(join(there, "new"))).toEqual(["f"]);
});
