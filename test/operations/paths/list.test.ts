import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DirectoryEntry, FileFacts } from "../../../src/core/files/file-facts.ts";
import { listPage } from "../../../src/core/files/listing.ts";
import type { RemoteFiles } from "../../../src/core/files/remote-files.ts";
import { listDirectory } from "../../../src/operations/list-directory.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { currentUser } from "../../support/command.ts";
import { kinds, type Server, server } from "./driver.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

interface Answer {
  path: string;
  entries: { path: string; type: string; size: number; mode: string; mtime: string; linkTarget: string | null }[];
  total: number;
  token: string | null;
  unread: { path: string }[];
}

const list = (at: Server, input: Record<string, unknown> = {}, face: "cli" | "mcp" = "mcp"): Promise<Answer> =>
  at.run(listDirectory, input, face);
const names = ({ entries }: Answer): string[] => entries.map(({ path }) => path);

/** Every page, from the first on. */
const pages = async (at: Server, input: Record<string, unknown>, between = () => {}): Promise<Answer[]> => {
  const all = [await list(at, input)];
  for (let last = all.at(-1); last?.token != null; last = all.at(-1)) {
    between();
    all.push(await list(at, { ...input, token: last.token }));
  }
  return all;
};

describe.each(kinds.filter((kind) => kind !== "sftp without sh"))("over %s", (kind) => {
  let at: Server;

  beforeAll(async () => {
    at = await server(kind);
    mkdirSync(join(at.home, "dir/deep/deeper"), { recursive: true });
    for (const [name, size, time] of [
      ["b", 30, 1000],
      ["a", 10, 3000],
      ["c\u001b[2J\nd", 20, 2000],
      ["-l", 5, 500],
      [".hidden", 1, 400],
    ] as const) {
      writeFileSync(join(at.home, "dir", name), "x".repeat(size));
      utimesSync(join(at.home, "dir", name), time, time);
    }
    utimesSync(join(at.home, "dir/deep"), 100, 100);
    writeFileSync(join(at.home, "dir/deep/x.log"), "");
    writeFileSync(join(at.home, "dir/deep/deeper/y.log"), "");
    symlinkSync("..", join(at.home, "dir/deep/up"));
    symlinkSync("dir", join(at.home, "to dir"));
    symlinkSync("dir/a", join(at.home, "to file"));
    symlinkSync("nowhere", join(at.home, "broken"));
    chmodSync(join(at.home, "dir/a"), 0o640);
  });

  test("facts of each, in the order of their names", async () => {
    const answer = await list(at, { path: "dir" });
    expect(names(answer)).toEqual(["-l", ".hidden", "a", "b", "c\u001b[2J\nd", "deep"]);
    expect(answer).toMatchObject({ path: join(at.home, "dir"), total: 6, token: null, unread: [] });
    expect(answer.entries[2]).toMatchObject({
      type: "file",
      size: 10,
      mode: "0640",
      mtime: "1970-01-01T00:50:00.000Z",
    });
    expect(listDirectory.render({ ...answer, target: "web" } as never)).toContain(" c\\x1b[2J\\nd\n");
  });

  test("names of owners, where the server says them", async () => {
    const [uid, username] = [process.getuid?.(), currentUser()];
    const [entry] = (await list(at, { path: "dir/a" })).entries as { uid?: number; owner?: string | null }[];
    expect(entry).toMatchObject({ uid, owner: kind === "sh" ? null : username });
  });

  test("names with a dot are shown to a person who asks", async () => {
    expect(names(await list(at, { path: "dir" }, "cli"))).not.toContain(".hidden");
    expect(names(await list(at, { path: "dir", all: true }, "cli"))).toContain(".hidden");
  });

  test("the largest, and the newest, come first", async () => {
    const files = async (input: Record<string, unknown>): Promise<string[]> =>
      names(await list(at, { path: "dir", glob: "?", ...input }));
    expect(await files({ sort: "size" })).toEqual(["b", "a"]);
    expect(await files({ sort: "time" })).toEqual(["a", "b"]);
    expect(await files({ sort: "time", reverse: true })).toEqual(["b", "a"]);
    expect(await files({ reverse: true })).toEqual(["b", "a"]);
  });

  test("what is below, with links that are not followed", async () => {
    const answer = await list(at, { path: "~/dir", depth: 3, glob: "*e*" });
    expect(names(answer)).toEqual([".hidden", "deep", "deep/deeper"]);
    expect(names(await list(at, { path: "dir", depth: 9, glob: "*.log" }))).toEqual([
      "deep/deeper/y.log",
      "deep/x.log",
    ]);
    expect(names(await list(at, { path: "dir", depth: 9, glob: "deep/*.log" }))).toEqual([
      "deep/deeper/y.log",
      "deep/x.log",
    ]);
    const [up] = (await list(at, { path: "dir/deep", glob: "up" })).entries;
    expect(up).toMatchObject({ type: "symlink", linkTarget: ".." });
  });

  test("a file lists itself, and a link to a directory the directory", async () => {
    expect(await list(at, { path: "dir/a" })).toMatchObject({ entries: [{ path: "dir/a", size: 10 }], total: 1 });
    expect(await list(at, { path: "to file" })).toMatchObject({
      entries: [{ path: "to file", type: "symlink", linkTarget: "dir/a" }],
    });
    expect(names(await list(at, { path: "to dir", glob: "?" }))).toEqual(["a", "b"]);
    expect(await list(at, { path: "broken" })).toMatchObject({ entries: [{ type: "symlink", linkTarget: "nowhere" }] });
    expect(names(await list(at))).toEqual(["broken", "dir", "to dir", "to file"]);
    await expect(list(at, { path: "none" })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(list(at, { path: "dir/a/" })).rejects.toMatchObject({ name: "SshMcpError" });
  });

  test("pages of one, while names come and go", async () => {
    writeFileSync(join(at.home, "dir/aa"), "");
    let first = true;
    const all = await pages(at, { path: "dir", limit: 1 }, () => {
      // Before what was shown, and what was on its way.
      if (first) {
        writeFileSync(join(at.home, "dir/!new"), "");
        unlinkSync(join(at.home, "dir/aa"));
      }
      first = false;
    });
    expect(all.flatMap(names)).toEqual(["-l", ".hidden", "a", "b", "c\u001b[2J\nd", "deep"]);
    unlinkSync(join(at.home, "dir/!new"));
  });

  test("a name that is no UTF-8 can be used again", async () => {
    mkdirSync(join(at.home, "bytes"));
    writeFileSync(Buffer.concat([Buffer.from(`${at.home}/bytes/a`), Buffer.from([0xff, 0xc3])]), "12");
    const [entry] = (await list(at, { path: "bytes" })).entries;
    expect(entry?.path).toBe("a\udcff\udcc3");
    expect(await list(at, { path: `bytes/${entry?.path}` }, "cli")).toMatchObject({ entries: [{ size: 2 }] });
    // As an agent has read it.
    expect(await list(at, { path: "bytes/a\\udcff\\udcc3" })).toMatchObject({ entries: [{ size: 2 }] });
    const [, second] = await pages(at, { path: "bytes", limit: 1, reverse: true });
    expect(second).toBeUndefined();
    const { token } = await list(at, { path: ".", depth: 2, glob: "*", limit: 3 });
    expect(names(await list(at, { path: ".", depth: 2, token, limit: 1 }))).toEqual(["dir"]);
  });

  test("tokens that are none", async () => {
    const { token } = await list(at, { path: "dir", limit: 1 });
    for (const wrong of ["x", "", "eyJ9", btoa("[1,2,3,4]"), btoa('["name",false,null,"a"]')]) {
      await expect(list(at, { path: "dir", token: wrong })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    }
    await expect(list(at, { path: "dir", sort: "size", token })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    for (const wrong of [{ limit: 0 }, { limit: 1e9 }, { depth: 0 }, { depth: 1.5 }, { glob: "" }, { path: "a\0" }]) {
      await expect(list(at, wrong)).rejects.toMatchObject({ code: "INVALID_INPUT" });
    }
  });
});

test("what cannot be listed below is told, and the rest is there", async () => {
  const at = await server("sh");
  const { files } = at.machine;
  const facts = (type: FileFacts["type"]): FileFacts => ({ type, size: 1, mode: 0o700, uid: 0, gid: 0, mtime: 0 });
  const partly = {
    list: async function* (path: string) {
      if (path === "d/closed") yield* files.list("no such directory");
      else if (path === "d")
        yield [
          { name: "closed", facts: facts("directory") },
          { name: "x", facts: facts("file") },
        ];
    },
  } as unknown as RemoteFiles;
  const request = { sort: "name", reverse: false, depth: 2, glob: null, hidden: true, limit: 10, after: null } as const;
  const listing = await listPage(partly, "d", request, new AbortController().signal);
  expect(listing.entries.map(({ path }) => path)).toEqual(["closed", "x"]);
  expect(listing.unread).toMatchObject([{ path: "closed" }]);
});

describe("a server that lists what it likes", () => {
  const request = { sort: "name", reverse: false, depth: 9, glob: null, hidden: true, limit: 10, after: null } as const;
  const facts: FileFacts = { type: "file", size: 1, mode: 0o600, uid: 0, gid: 0, mtime: 0 };
  const lister = (batches: Iterable<readonly DirectoryEntry[]>): RemoteFiles =>
    ({
      list: async function* () {
        yield* batches;
      },
    }) as unknown as RemoteFiles;
  const signal = new AbortController().signal;

  test.each(["../x", "/etc/x", "a/b", "", ".", "..", "a\0b", "n".repeat(300)])("%p is no name", async (name) => {
    await expect(listPage(lister([[{ name, facts }]]), "d", request, signal)).rejects.toMatchObject({
      code: "PROTOCOL_ERROR",
    });
  });

  test("a directory without end, and one that holds itself", async () => {
    const endless = function* (type: FileFacts["type"]) {
      for (let at = 0; ; at++)
        yield Array.from({ length: 1000 }, (_, index) => ({ name: `${at}-${index}`, facts: { ...facts, type } }));
    };
    await expect(listPage(lister(endless("file")), "d", request, signal)).rejects.toMatchObject({ code: "TOO_LARGE" });
    await expect(listPage(lister(endless("directory")), "d", request, signal)).rejects.toMatchObject({
      code: "TOO_LARGE",
    });
  });

  test("a call that is canceled ends", async () => {
    const forever = function* () {
      for (;;) yield [{ name: "a", facts }];
    };
    const canceled = AbortSignal.abort(new Error("canceled"));
    await expect(listPage(lister(forever()), "d", request, canceled)).rejects.toThrow("canceled");
  });
});

test("links that say too much for one answer come in pages", async () => {
  const at = await server("sftp");
  const says = `${"x/".repeat(2000)}y`;
  for (let each = 0; each < 3; each++) symlinkSync(says, join(at.home, `link-${each}`));
  const { files } = at.machine;
  const readLink = files.readLink.bind(files);
  files.readLink = async (path) => (await readLink(path)).repeat(1100);
  const first = (await at.run(listDirectory, {}, "cli")) as { token: string };
  expect(names(first as never)).toEqual(["link-0"]);
  expect(names((await at.run(listDirectory, { token: first.token }, "cli")) as never)).toEqual(["link-1"]);
});

test("100,000 names: small pages, in bounded memory, each name once", async () => {
  // Links of one file in memory: making so many files takes a disk minutes.
  const home = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "many-"));
  const remove = () => rmSync(home, { recursive: true, force: true });
  onCleanup(remove, remove);
  writeFileSync(join(home, "file-000001"), "");
  for (let at = 2; at <= 100_000; at++) {
    linkSync(join(home, "file-000001"), join(home, `file-${String(at).padStart(6, "0")}`));
  }
  const at = await server("sftp", home);
  Bun.gc(true);
  const before = process.memoryUsage().heapUsed;
  const first = await list(at);
  expect(first).toMatchObject({ total: 100_000 });
  expect(first.entries).toHaveLength(200);
  expect(JSON.stringify(first).length).toBeLessThan(50_000);
  expect(listDirectory.render({ ...first, target: "web" } as never).length).toBeLessThan(20_000);
  Bun.gc(true);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(32 * 1024 * 1024);
  const large = await list(at, { limit: 10_000, reverse: true });
  const next = await list(at, { limit: 10_000, reverse: true, token: large.token });
  expect(new Set([...names(large), ...names(next)]).size).toBe(20_000);
  expect([names(large)[0], names(next)[0]]).toEqual(["file-100000", "file-090000"]);
  // A person gets all of it by one reading.
  const reading = at.machine.files.list.bind(at.machine.files);
  let readings = 0;
  at.machine.files.list = (path) => {
    readings++;
    return reading(path);
  };
  const whole = await at.run(listDirectory, {}, "cli");
  expect([names(whole).length, (whole as { token: unknown }).token, readings]).toEqual([100_000, null, 1]);
});
