import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SshMcpError } from "../../../src/core/errors.ts";
import type { RemoteFiles, RemoteMachine } from "../../../src/core/files/remote-files.ts";
import { cleanup } from "../../support/cleanup.ts";
import { sftpMachine } from "../../support/sftp-process.ts";
import { tempDir } from "../../support/temp.ts";
import { startWorld, treeOf, type World } from "./transfer-fixture.ts";

afterAll(cleanup);

/** Every third has a line break, which goes its own way. */
const nameOf = (index: number): string => (index % 3 === 0 ? `f ${index}\n'"$(x)` : `f ${index}'"$(x)\\n \\c`);

const fill = (root: string, files: number): void => {
  for (let index = 0; index < files; index++) {
    const folder = join(root, `d${index % 4}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, nameOf(index)), new Uint8Array(index * 37).fill(index % 5));
  }
};

/** Its methods are those of another object, some of them in other ways. */
const over = <T extends object>(real: T, changes: Partial<T>): T =>
  new Proxy(real, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in changes ? changes : target, name);
      return typeof value === "function" ? value.bind(name in changes ? changes : target) : value;
    },
  });

/** A server with these programs before all others. */
const withPrograms = async (
  programs: Record<string, string>,
): Promise<{ machine: RemoteMachine; home: string; scripts: string[] }> => {
  const folder = tempDir("bin");
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  const machine = await sftpMachine();
  const scripts: string[] = [];
  const run: RemoteMachine["run"] = (program) => {
    scripts.push(program.script);
    return machine.run({ ...program, script: `PATH=${folder}:$PATH\n${program.script}` });
  };
  return { machine: over<RemoteMachine>(machine, { run }), home: machine.home, scripts };
};

const thereAndBack = async ({ here, cp }: World, home: string): Promise<void> => {
  fill(join(here, "tree"), 90);
  for (const destination of ["db1:new", "db1:"]) {
    const put = await cp(["tree"], destination, { recursive: true, preserve: true });
    expect(put.report).toMatchObject({ files: 90, failures: [] });
  }
  expect(await treeOf(join(home, "new"))).toBe(await treeOf(join(here, "tree")));
  expect(await treeOf(join(home, "tree"))).toBe(await treeOf(join(here, "tree")));
  expect(readdirSync(join(home, "tree")).filter((name) => name.startsWith("."))).toEqual([]);
  const got = await cp(["db1:tree"], "back", { recursive: true, preserve: true });
  expect(got.report).toMatchObject({ files: 90, failures: [] });
  expect(await treeOf(join(here, "back"))).toBe(await treeOf(join(here, "tree")));
};

const busybox = { tar: 'exec busybox tar "$@"', xargs: 'exec busybox xargs "$@"', mv: 'exec busybox mv "$@"' };
const servers: [string, Record<string, string>][] = [
  ["GNU tar", {}],
  ["busybox", busybox],
  ["a tar that fails at once", { tar: 'case "$*" in *version*) exec /bin/tar --version;; esac; exit 2' }],
  [
    "a tar that breaks off",
    {
      tar: 'case "$*" in *version*) exec /bin/tar --version;; *-c*) /bin/tar "$@" | head -c 40000;; *) head -c 3000 >/dev/null; exit 1;; esac',
    },
  ],
  ["no perl", { perl: "exit 127" }],
  ["a perl that breaks off", { perl: "head -c 200 >/dev/null; exit 1" }],
  ["neither perl nor an mv that does anything", { perl: "exit 127", mv: "exit 1" }],
  ["no tar", { tar: "exit 127" }],
];

test.each(servers)("with %s a tree goes there and back", async (_, programs) => {
  const { machine, home, scripts } = await withPrograms(programs);
  await thereAndBack(await startWorld([machine]), home);
  if (programs === busybox) expect(scripts.some((script) => script.includes("xargs -0 tar"))).toBe(true);
});

test("without sh a tree goes there and back", async () => {
  const machine = await sftpMachine();
  const run = async () => {
    throw new SshMcpError("UNSUPPORTED", "no sh");
  };
  await thereAndBack(await startWorld([over<RemoteMachine>(machine, { run })]), machine.home);
});

test("with tar no file is opened by itself", async () => {
  const machine = await sftpMachine();
  let opened = 0;
  const files = over<RemoteFiles>(machine.files, {
    open: () => {
      opened++;
      throw new Error("not this way");
    },
    write: () => {
      opened++;
      throw new Error("not this way");
    },
  });
  const { here, cp } = await startWorld([over<RemoteMachine>(machine, { files })]);
  mkdirSync(join(here, "tree"));
  for (let index = 0; index < 100; index++)
    writeFileSync(join(here, "tree", `${index}`), new Uint8Array(index * 10 + 1));
  expect((await cp(["tree"], "db1:", { recursive: true })).report).toMatchObject({ files: 100, failures: [] });
  expect((await cp(["db1:tree"], "back", { recursive: true })).report).toMatchObject({ files: 100, failures: [] });
  expect(opened).toBe(0);
});

test("a link or a directory in the way is neither written through nor into", async () => {
  const { here, there, cp } = await startWorld();
  fill(join(here, "tree"), 40);
  mkdirSync(join(there, "outside"));
  mkdirSync(join(there, "tree", "d1", nameOf(1)), { recursive: true });
  symlinkSync("../outside", join(there, "tree", "d0"));
  mkdirSync(join(there, "tree", "d2"));
  writeFileSync(join(there, "outside", "victim"), "victim");
  symlinkSync("../../outside/victim", join(there, "tree", "d2", nameOf(2)));
  const { report } = await cp(["tree"], "db1:", { recursive: true });
  expect(report.failures.map(({ code }) => code)).toEqual(["ALREADY_EXISTS", "ALREADY_EXISTS"]);
  expect(readdirSync(join(there, "outside"))).toEqual(["victim"]);
  expect(readFileSync(join(there, "outside", "victim"), "utf8")).toBe("victim");
  expect(statSync(join(there, "tree", "d2", nameOf(2))).isFile()).toBe(true);
  expect(report.files).toBe(40 - 10 - 1);
});

test("names that are none are refused by name, and the others come", async () => {
  const machine = await sftpMachine();
  mkdirSync(join(machine.home, "tree"));
  writeFileSync(join(machine.home, "tree", "good"), "good");
  const facts = { type: "file", size: 4, mode: 0o644, uid: 0, gid: 0, mtime: 1 } as const;
  const bad = ["..", ".", "", "a/b", "../x", "/etc/x", "nul\0"];
  const files = over<RemoteFiles>(machine.files, {
    list: async function* (path: string) {
      yield bad.map((name) => ({ name, facts }));
      yield* machine.files.list(path);
    },
  });
  const { here, cp } = await startWorld([over<RemoteMachine>(machine, { files })]);
  const { report } = await cp(["db1:tree"], "to", { recursive: true });
  expect(report.failures.map(({ code }) => code)).toEqual(bad.map(() => "INVALID_INPUT"));
  expect(readdirSync(here)).toEqual(["to"]);
  // Something failed: the same words may go on with it.
  expect(readdirSync(join(here, "to")).sort()).toEqual([".ssh-mcp-copy.ssh-mcp-part", "good"]);
});

test("a tar that sends what was not asked for is not believed", async () => {
  const evil = tempDir("evil");
  for (const name of ["extra", "f1"]) writeFileSync(join(evil, name), "evil");
  const tar = `case "$*" in *version*) exec /bin/tar --version;; *-c*) cat >/dev/null; exec /bin/tar -c -f - -P -C ${evil} --transform 's,^extra,../extra,' extra ./f1;; esac; exec /bin/tar "$@"`;
  const { machine, home } = await withPrograms({ tar });
  mkdirSync(join(home, "tree"));
  for (let index = 0; index < 40; index++) writeFileSync(join(home, "tree", `f${index}`), `good ${index}`);
  const { here, cp } = await startWorld([machine]);
  const { report, notices } = await cp(["db1:tree"], "to", { recursive: true });
  expect(report).toMatchObject({ files: 40, failures: [] });
  expect(notices.join()).toContain("extra");
  expect(readdirSync(here)).toEqual(["to"]);
  expect(readFileSync(join(here, "to", "f2"), "utf8")).toBe("good 2");
});
