/** No copy is called one that is not what its source was. */
import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { RemoteFiles, RemoteMachine } from "../../../src/core/files/remote-files.ts";
import { LocalSide } from "../../../src/files/local/local-side.ts";
import { cleanup } from "../../support/cleanup.ts";
import { sftpMachine } from "../../support/sftp-process.ts";
import { tempDir } from "../../support/temp.ts";
import { startWorld } from "./transfer-fixture.ts";

afterAll(cleanup);

const codeOf = (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => "none",
    (error) => error.code,
  );

/** The files of a machine, some of them in other ways. */
const changed = (machine: RemoteMachine, changes: Partial<RemoteFiles>): RemoteMachine => ({
  name: "db1",
  run: (program) => machine.run(program),
  files: new Proxy(machine.files, {
    get: (real, name) => {
      const value: unknown = Reflect.get(name in changes ? changes : real, name);
      return typeof value === "function" ? value.bind(name in changes ? changes : real) : value;
    },
  }),
});

test("a file that is being written is not written by another transfer", async () => {
  const machine = await sftpMachine();
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const slow = changed(machine, {
    write: async (path, bytes, options) => {
      begun.resolve();
      await goOn.promise;
      return await machine.files.write(path, bytes, options);
    },
  });
  const { here, cp } = await startWorld([slow]);
  writeFileSync(join(here, "x"), Buffer.alloc(300_000, "a"));
  const first = cp(["x"], "db1:x");
  await begun.promise;
  symlinkSync(".", join(machine.home, "same"));
  expect((await cp(["x"], "db1:same/x")).report.failures).toMatchObject([{ code: "PRECONDITION_FAILED" }]);
  goOn.resolve();
  expect((await first).report).toMatchObject({ files: 1, failures: [] });
  expect((await cp(["x"], "db1:x")).report).toMatchObject({ files: 1, failures: [] });
});

test("a part that another has taken over gets no name", async () => {
  const machine = await sftpMachine();
  const taken = changed(machine, {
    write: async (path, bytes, options) => {
      const count = await machine.files.write(path, bytes, options);
      writeFileSync(join(machine.home, "other"), "half of another's");
      renameSync(join(machine.home, "other"), join(machine.home, path));
      return count;
    },
  });
  const { here, cp } = await startWorld([taken]);
  writeFileSync(join(here, "x"), Buffer.alloc(300_000, "a"));
  expect((await cp(["x"], "db1:x")).report).toMatchObject({ files: 0, failures: [{ code: "PRECONDITION_FAILED" }] });
  expect(existsSync(join(machine.home, "x"))).toBe(false);
});

test("a source that is replaced after it was compared is not gone on with", async () => {
  const { here, there, cp } = await startWorld();
  const source = join(here, "x");
  writeFileSync(source, Buffer.alloc(1_000_000, "a"));
  writeFileSync(join(there, ".x.ssh-mcp-part"), Buffer.alloc(500_000, "a"), { mode: 0o600 });
  const hash = LocalSide.prototype.hash;
  LocalSide.prototype.hash = async function (...words) {
    const hex = await hash.apply(this, words);
    writeFileSync(`${source}.new`, Buffer.alloc(1_000_000, "b"));
    renameSync(`${source}.new`, source);
    return hex;
  };
  try {
    await cp(["x"], "db1:x", { resume: true });
  } finally {
    LocalSide.prototype.hash = hash;
  }
  expect(new Set(readFileSync(join(there, "x"))).size).toBe(1);
});

test("a part with a hole near its end is kept up to there", async () => {
  const { here, there, cp } = await startWorld();
  const length = 20 * 1024 * 1024;
  const content = Buffer.alloc(length, "abc");
  writeFileSync(join(here, "x"), content);
  writeFileSync(join(there, ".x.ssh-mcp-part"), Buffer.from(content).fill(0, length - 5_000_000, length - 4_000_000), {
    mode: 0o600,
  });
  const { report } = await cp(["x"], "db1:x", { resume: true });
  expect(report).toMatchObject({ files: 1, resumedBytes: 3 * 1024 * 1024, failures: [] });
  expect(Buffer.compare(readFileSync(join(there, "x")), content)).toBe(0);
});

test("what says it is empty is read, also among many", async () => {
  const { here, cp } = await startWorld();
  await cp(["db1:/proc/sys/net/core"], "proc", { recursive: true });
  expect(readFileSync(join(here, "proc", "somaxconn"), "utf8")).toBe(
    readFileSync("/proc/sys/net/core/somaxconn", "utf8"),
  );
});

test("only what was compared is called verified", async () => {
  const { here, there, cp } = await startWorld();
  for (const [root, text] of [
    [here, "aaaa"],
    [there, "bbbb"],
  ] as const) {
    writeFileSync(join(root, "x"), text);
    utimesSync(join(root, "x"), 1000, 1000);
  }
  const again = { resume: true, verify: true };
  expect((await cp(["x"], "db1:x", again)).report).toMatchObject({ files: 1, unchanged: 0, verification: "verified" });
  expect(readFileSync(join(there, "x"), "utf8")).toBe("aaaa");
  expect((await cp(["x"], "db1:x", again)).report).toMatchObject({ files: 0, unchanged: 1, verification: "verified" });
  mkdirSync(join(there, "d", "x"), { recursive: true });
  const none = await cp(["x"], "db1:d", { verify: true });
  expect(none.report).toMatchObject({ files: 0, verification: null, failures: [{ code: "ALREADY_EXISTS" }] });
  const stdin = (async function* () {
    yield new Uint8Array(3);
  })();
  expect(await codeOf(cp(["-"], "db1:y", { verify: true, stdin }))).toBe("INVALID_INPUT");
});

test("a copy that differs is removed where it lies, and not the link to it", async () => {
  const { here, there, cp } = await startWorld();
  writeFileSync(join(here, "x"), Buffer.alloc(300_000, "a"));
  writeFileSync(join(there, "real"), "old");
  symlinkSync("real", join(there, "link"));
  const hash = LocalSide.prototype.hash;
  LocalSide.prototype.hash = async () => "0".repeat(64);
  try {
    const { report } = await cp(["x"], "db1:link", { verify: true });
    expect(report).toMatchObject({ verification: "mismatched", failures: [{ code: "CHECKSUM_MISMATCH" }] });
  } finally {
    LocalSide.prototype.hash = hash;
  }
  expect(lstatSync(join(there, "link")).isSymbolicLink()).toBe(true);
  expect(existsSync(join(there, "real"))).toBe(false);
});

test("two sources of one name do not become one file", async () => {
  const { here, there, cp } = await startWorld();
  for (const folder of ["a", "b"]) {
    mkdirSync(join(here, folder));
    writeFileSync(join(here, folder, "x"), folder);
  }
  mkdirSync(join(there, "dir"));
  const { report } = await cp(["a/x", "b/x"], "db1:dir");
  expect(report).toMatchObject({ files: 1, failures: [{ path: "b/x", code: "ALREADY_EXISTS" }] });
  expect(readFileSync(join(there, "dir", "x"), "utf8")).toBe("a");
});

test("a source that cannot be read leaves nothing", async () => {
  const machine = await sftpMachine();
  const shut = changed(machine, { open: async (path) => await machine.files.open(`/dev/null/${path}`) });
  const { here, cp } = await startWorld([shut, { ...machine, name: "db2" }]);
  writeFileSync(join(machine.home, "x"), Buffer.alloc(300_000));
  mkdirSync(join(machine.home, "to"));
  expect((await cp(["db1:x"], "db2:to")).report.failures).toHaveLength(1);
  expect(readdirSync(join(machine.home, "to"))).toEqual([]);
  expect((await cp(["db1:x"], "y")).report.failures).toHaveLength(1);
  expect(readdirSync(here)).toEqual([]);
});

test("a directory that something could not be copied to stays marked", async () => {
  const { here, there, cp } = await startWorld();
  mkdirSync(join(here, "src"));
  writeFileSync(join(here, "src", "ok"), "ok");
  Bun.spawnSync(["mkfifo", join(here, "src", "fifo")]);
  await cp(["src"], "db1:to", { recursive: true });
  const again = await cp(["src"], "db1:to", { recursive: true, resume: true, exclude: ["fifo"] });
  expect(again.report).toMatchObject({ files: 0, unchanged: 1, failures: [] });
  expect(readdirSync(join(there, "to"))).toEqual(["ok"]);
});

/** A server whose tar is another program. */
const withTar = async (program: string): Promise<RemoteMachine & { home: string }> => {
  const folder = tempDir("bin");
  writeFileSync(
    join(folder, "tar"),
    `#!/bin/sh\ncase "$*" in *version*) exec /bin/tar --version;; *-c*) ${program};; esac\nexec /bin/tar "$@"\n`,
  );
  chmodSync(join(folder, "tar"), 0o755);
  const machine = await sftpMachine();
  const run: RemoteMachine["run"] = (asked) =>
    machine.run({ ...asked, script: `PATH=${folder}:$PATH\n${asked.script}` });
  return { ...machine, files: machine.files, run };
};

test.each([
  ["noise before its archive", 'echo hello; exec /bin/tar "$@"'],
  ["no archive at all", "cat >/dev/null; yes hello | head -c 200000; exit 0"],
  ["zeros without end", "cat /dev/zero"],
  ["strangers without end", "cd /usr/share; while :; do /bin/tar -c -f - --exclude=doc perl; done 2>/dev/null"],
])("a tar with %s is not used", async (_, program) => {
  const machine = await withTar(program);
  mkdirSync(join(machine.home, "tree"));
  for (let index = 0; index < 700; index++) writeFileSync(join(machine.home, "tree", `f${index}`), `${index}`);
  const { here, cp } = await startWorld([machine]);
  const { report, notices } = await cp(["db1:tree"], "to", { recursive: true });
  expect(report).toMatchObject({ files: 700, failures: [] });
  expect(readFileSync(join(here, "to", "f699"), "utf8")).toBe("699");
  expect(notices.length).toBeLessThan(20);
});

test("a small file that only grows under tar is copied as long as it was", async () => {
  const machine = await withTar(
    '/bin/tar "$@"; echo more >>f3; truncate -s 1 f4; for f in 3 4; do echo "tar: ./f$f: file changed as we read it" >&2; done; exit 1',
  );
  mkdirSync(join(machine.home, "tree"));
  for (let index = 0; index < 30; index++) writeFileSync(join(machine.home, "tree", `f${index}`), `file ${index}`);
  const { here, cp } = await startWorld([machine]);
  const { report } = await cp(["db1:tree"], "to", { recursive: true });
  expect(report.failures.map(({ path }) => path)).toEqual(["tree/f4"]);
  expect(readFileSync(join(here, "to", "f3"), "utf8")).toBe("file 3");
});

test("a group that a new file would not get is kept", async () => {
  const { here, there, cp } = await startWorld();
  if (process.getuid?.() !== 0) return;
  mkdirSync(join(here, "tree", "set"), { recursive: true });
  mkdirSync(join(there, "tree", "set"), { recursive: true });
  for (let index = 0; index < 20; index++) {
    for (const folder of ["tree", "tree/set"]) writeFileSync(join(here, folder, `f${index}`), "new");
  }
  writeFileSync(join(there, "tree", "f1"), "old");
  Bun.spawnSync(["chgrp", "1", join(there, "tree", "f1"), join(there, "tree", "set")]);
  chmodSync(join(there, "tree", "set"), 0o2775);
  await cp(["tree"], "db1:", { recursive: true });
  expect(readFileSync(join(there, "tree", "f1"), "utf8")).toBe("new");
  expect(["f1", "f2", "set/f1"].map((name) => statSync(join(there, "tree", name)).gid)).toEqual([1, 0, 1]);
});
