import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { SessionRecord } from "../../src/store/session-record.ts";
import { SessionStore } from "../../src/store/session-store.ts";
import { rejectionOf } from "../files/thrown.ts";
import { cleanup } from "../support/cleanup.ts";
import { mustRun } from "../support/command.ts";
import { makeSmallDisk } from "../support/small-disk.ts";
import { tempDir } from "../support/temp.ts";
import { recordOf } from "./records.ts";

afterAll(cleanup);

const day = 86_400_000;
const daysAgo = (days: number): string => new Date(Date.now() - days * day).toISOString();

const place = () => {
  const directory = join(tempDir("store"), "base/sessions");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = (file: string) => join(directory, file);
  const put = (file: string, value: unknown) =>
    writeFileSync(path(file), typeof value === "string" ? value : JSON.stringify(value), { mode: 0o600 });
  return { directory, path, put, files: () => readdirSync(directory).sort() };
};

/** Everything about the files that a change would change. */
const stateOf = (directory: string): unknown =>
  readdirSync(directory)
    .sort()
    .map((name) => {
      const { ino, mtimeMs, mode } = statSync(join(directory, name), { throwIfNoEntry: false }) ?? {};
      return [name, ino, mtimeMs, mode];
    });

describe("what is written", () => {
  test("is read by the next process, under its name, for us alone", async () => {
    const directory = join(tempDir("store"), "base/sessions");
    const store = new SessionStore(directory);
    expect(store.loadAll()).toEqual({ records: [], problems: [], reserved: [] });
    const records = [recordOf("db.1_a-b", { title: "é\u202e", lent: false }), recordOf("web")];
    for (const record of records) await store.write(record);
    expect(new SessionStore(directory).loadAll()).toEqual({ records, problems: [], reserved: [] });
    expect(readdirSync(directory).sort()).toEqual(["db.1_a-b.json", "web.json"]);
    expect(statSync(directory).mode & 0o7777).toBe(0o700);
    expect(statSync(join(directory, "web.json")).mode & 0o7777).toBe(0o600);
  });

  test("is the record at the moment of the call, and the last one wins", async () => {
    const { directory } = place();
    const store = new SessionStore(directory);
    const record = recordOf("web", { title: "first" });
    const first = store.write(record);
    record.title = "second";
    await first;
    expect(store.loadAll().records[0]?.title).toBe("first");
    await Promise.all(Array.from({ length: 50 }, (_, n) => store.write(recordOf("web", { title: String(n) }))));
    expect(store.loadAll().records[0]?.title).toBe("49");
  });

  test("is removed after what was written before, and only that", async () => {
    const { directory, files, put } = place();
    put("web.json.corrupt-1", "x");
    const store = new SessionStore(directory);
    await Promise.all([store.write(recordOf("web")), store.write(recordOf("web-2")), store.remove("web")]);
    expect(files()).toEqual(["web-2.json", "web.json.corrupt-1"]);
    await store.remove("web");
    await Promise.all([store.remove("web-2"), store.write(recordOf("web-2"))]);
    expect(files()).toEqual(["web-2.json", "web.json.corrupt-1"]);
  });

  test("never is what could not be read again", async () => {
    const { directory, files } = place();
    const store = new SessionStore(directory);
    const options = Array<string>(64).fill("x".repeat(2000));
    const request = { ...recordOf("web").request, options };
    expect(await rejectionOf(store.write(recordOf("web", { request })))).toMatchObject({ code: "TOO_LARGE" });
    for (const wrong of [
      { name: "../web" },
      { key: "short" },
      { request: { ...request, options: [], configFile: "x" } },
    ]) {
      const error = await rejectionOf(store.write(recordOf("web", wrong)));
      expect(error.code).toBe("INTERNAL");
    }
    expect(files()).toEqual([]);
  });
});

describe("what lies there and is no record of ours", () => {
  test("corrupt and truncated files are set aside and reported, and their names are free", async () => {
    const { directory, put, path, files } = place();
    const whole = JSON.stringify(recordOf("cut"));
    put("garbage.json", "\0\xff{");
    put("cut.json", whole);
    truncateSync(path("cut.json"), Math.floor(whole.length / 2));
    put("empty.json", "");
    put("copy.json", recordOf("good"));
    put("Not A Name.json", recordOf("good"));
    put("good.json", recordOf("good"));
    const store = new SessionStore(directory);
    const { records, problems } = store.loadAll();
    expect(records.map(({ name }) => name)).toEqual(["good"]);
    expect(problems.map(({ file }) => file)).toEqual([
      "Not A Name.json",
      "copy.json",
      "cut.json",
      "empty.json",
      "garbage.json",
    ]);
    expect(problems[2]?.what).toMatch(
      /^was corrupt: it is not JSON; it is now cut\.json\.corrupt-\d{8}T\d{6}\.\d{3}Z$/,
    );
    expect(files().filter((name) => !/\.json\.corrupt-\d{8}T\d{6}\.\d{3}Z$/.test(name))).toEqual(["good.json"]);
    const aside = files().find((name) => name.startsWith("cut.json.corrupt-")) as string;
    expect(readFileSync(path(aside), "utf8")).toBe(whole.slice(0, Math.floor(whole.length / 2)));
    // Reported once; nothing is found the next time, nor in what is written now.
    await store.write(recordOf("cut"));
    expect(store.loadAll()).toMatchObject({ records: [{ name: "cut" }, { name: "good" }], problems: [] });
  });

  test("a later release's record stays byte for byte, and nobody writes over it", async () => {
    const { directory, put, path } = place();
    const newer = '{"version": 2,\n\n"more": [] }';
    put("web.json", newer);
    put("db.json", { ...recordOf("db"), request: { ...recordOf("db").request, jump: "bastion" } });
    const before = stateOf(directory);
    const store = new SessionStore(directory);
    const { records, problems, reserved } = store.loadAll();
    expect({ records, reserved }).toEqual({ records: [], reserved: ["db", "web"] });
    expect(problems.map(({ file }) => file)).toEqual(["db.json", "web.json"]);
    expect(problems[1]?.what).toContain("by a later release");
    for (const act of [store.write(recordOf("web")), store.remove("web"), store.write(recordOf("db"))]) {
      expect((await rejectionOf(act)).code).toBe("ALREADY_EXISTS");
    }
    expect(stateOf(directory)).toEqual(before);
    expect(readFileSync(path("web.json"), "utf8")).toBe(newer);
  });

  test("our own that are too large, or cannot be read, are set aside as well: what is written next takes nothing away", async () => {
    const { directory, put, path, files } = place();
    const huge = `${JSON.stringify(recordOf("huge"))}${" ".repeat(64 * 1024)}`;
    put("huge.json", huge);
    const store = new SessionStore(directory);
    const { records, problems } = store.loadAll();
    expect(records).toEqual([]);
    expect(problems).toEqual([
      {
        file: "huge.json",
        what: expect.stringMatching(/^has \d+ bytes, more than a record can have; it is now huge\.json\.corrupt-/),
      },
    ]);
    await store.write(recordOf("huge"));
    const [, aside = ""] = files();
    expect(readFileSync(path(aside), "utf8")).toBe(huge);
    expect(store.loadAll()).toMatchObject({ records: [{ name: "huge" }], problems: [] });
  });

  test("links, FIFOs, folders and other users' files are reported, not read, and left alone", async () => {
    const { directory, put, path } = place();
    const outside = join(tempDir("outside"), "link.json");
    writeFileSync(outside, JSON.stringify(recordOf("link")));
    symlinkSync(outside, path("link.json"));
    symlinkSync("/nowhere", path("dangling.json"));
    await mkfifo(path("fifo.json"));
    mkdirSync(path("folder.json"));
    put("foreign.json", recordOf("foreign"));
    chownSync(path("foreign.json"), 65534, 65534);
    put("web.json", recordOf("web"));
    put("notes.txt", "not ours");
    put("web.json~", "an editor's");
    const before = stateOf(directory);
    const store = new SessionStore(directory);
    const { records, problems, reserved } = store.loadAll();
    expect(records.map(({ name }) => name)).toEqual(["web"]);
    // Nor are their names used: what would be written over them, or removed, is another's.
    expect(reserved).toEqual(["dangling", "fifo", "folder", "foreign", "link"]);
    for (const act of [store.write(recordOf("link")), store.remove("link"), store.remove("foreign")]) {
      expect((await rejectionOf(act)).code).toBe("ALREADY_EXISTS");
    }
    expect(problems).toEqual([
      { file: "dangling.json", what: "is a symbolic link" },
      { file: "fifo.json", what: "is not a file" },
      { file: "folder.json", what: "is not a file" },
      { file: "foreign.json", what: "belongs to another user (uid 65534)" },
      { file: "link.json", what: "is a symbolic link" },
    ]);
    expect(stateOf(directory)).toEqual(before);
  });

  test("a planted link is replaced by a write, not written through", async () => {
    const { directory, path } = place();
    const outside = join(tempDir("outside"), "target");
    writeFileSync(outside, "untouched");
    symlinkSync(outside, path("web.json"));
    const store = new SessionStore(directory);
    await store.write(recordOf("web"));
    expect(readFileSync(outside, "utf8")).toBe("untouched");
    expect(store.loadAll().records).toHaveLength(1);
    await store.remove("web");
    expect(existsSync(outside)).toBe(true);
  });

  test("a directory that is a link, or another user's, is neither read nor written", async () => {
    const { directory, put } = place();
    put("web.json", recordOf("web"));
    const link = join(tempDir("store"), "sessions");
    symlinkSync(directory, link);
    const linked = new SessionStore(link);
    expect(linked.loadAll()).toMatchObject({
      records: [],
      problems: [{ file: "", what: expect.stringMatching(/^is a symbolic link/) }],
    });
    expect((await rejectionOf(linked.write(recordOf("db")))).code).toBe("BROKER_UNAVAILABLE");
    chownSync(directory, 65534, 65534);
    const foreign = new SessionStore(directory);
    expect(foreign.loadAll().problems[0]?.what).toContain("belongs to another user (uid 65534)");
    expect((await rejectionOf(foreign.write(recordOf("db")))).code).toBe("BROKER_UNAVAILABLE");
    expect(readdirSync(directory)).toEqual(["web.json"]);
  });

  test("a hostile file name is shown escaped", () => {
    const { directory, put } = place();
    put("\x1b[2J\n.json", "x");
    const [problem] = new SessionStore(directory).loadAll().problems;
    expect(problem?.file).toBe("\\x1b[2J\\n.json");
    expect(problem?.what).not.toContain("\x1b");
  });
});

describe("what is old", () => {
  const old: Record<string, Partial<SessionRecord>> = {
    yesterday: { lastUsedAt: daysAgo(1), createdAt: daysAgo(400) },
    almost: { lastUsedAt: daysAgo(29.9) },
    over: { lastUsedAt: daysAgo(30.1) },
    ancient: { lastUsedAt: "1970-01-01T00:00:00.000Z" },
    // Of a clock that was ahead then.
    ahead: { lastUsedAt: daysAgo(-400) },
  };

  test("sessions unused for 30 days are forgotten, and their files removed", () => {
    const { directory, put, files } = place();
    for (const [name, changes] of Object.entries(old)) put(`${name}.json`, recordOf(name, changes));
    const { records, problems } = new SessionStore(directory).loadAll();
    expect(records.map(({ name }) => name)).toEqual(["ahead", "almost", "yesterday"]);
    expect(problems).toEqual([]);
    expect(files()).toEqual(["ahead.json", "almost.json", "yesterday.json"]);
  });

  test("what a killed process left unfinished goes, what is being written stays", () => {
    const { directory, put, path, files } = place();
    const unfinished = (digit: string) => `.web.json.${digit.repeat(32)}.tmp`;
    put(unfinished("a"), "{");
    put(unfinished("b"), "{");
    utimesSync(path(unfinished("a")), new Date(), new Date(Date.now() - 120_000));
    expect(new SessionStore(directory).loadAll()).toEqual({ records: [], problems: [], reserved: [] });
    expect(files()).toEqual([unfinished("b")]);
  });

  test("without leave to change, nothing is renamed, removed or made, and the same is read", () => {
    const { directory, put, path } = place();
    for (const [name, changes] of Object.entries(old)) put(`${name}.json`, recordOf(name, changes));
    put("garbage.json", "{");
    put("newer.json", { version: 7 });
    const unfinished = `.web.json.${"a".repeat(32)}.tmp`;
    put(unfinished, "{");
    utimesSync(path(unfinished), new Date(), new Date(0));
    const before = stateOf(directory);
    const read = new SessionStore(directory).loadAll({ mayChange: false });
    expect(read.records.map(({ name }) => name)).toEqual(["ahead", "almost", "yesterday"]);
    expect(read.problems.map(({ file, what }) => [file, what.split(":")[0]])).toEqual([
      ["garbage.json", "is corrupt"],
      ["newer.json", "was written by a later release of ssh-mcp, and is left as it is"],
    ]);
    expect(read.reserved).toEqual(["newer"]);
    expect(stateOf(directory)).toEqual(before);
    const absent = join(directory, "absent");
    expect(new SessionStore(absent).loadAll({ mayChange: false }).records).toEqual([]);
    expect(existsSync(absent)).toBe(false);
  });
});

describe("a disk that does not take it", () => {
  test("full: the old record stays, and a write works again when there is room", async () => {
    const disk = await makeSmallDisk(64 * 1024);
    const directory = join(disk.path, "sessions");
    const store = new SessionStore(directory);
    await store.write(recordOf("web", { title: "old" }));
    const filler = await fill(disk.path);
    for (const name of ["web", "db"]) {
      const error = await rejectionOf(store.write(recordOf(name, { title: "x".repeat(4000) })));
      expect(error).toMatchObject({ code: "LOCAL_IO", cause: { code: "ENOSPC" }, hint: `df -h ${directory}` });
    }
    expect(readdirSync(directory)).toEqual(["web.json"]);
    expect(store.loadAll().records[0]?.title).toBe("old");
    await Bun.file(filler).delete();
    await store.write(recordOf("web", { title: "new" }));
    expect(store.loadAll().records[0]?.title).toBe("new");
  });

  test("read-only: records are read, what cannot be set aside is said, and a write fails", async () => {
    const disk = await makeSmallDisk(64 * 1024);
    const directory = join(disk.path, "sessions");
    const store = new SessionStore(directory);
    await store.write(recordOf("web"));
    writeFileSync(join(directory, "garbage.json"), "{");
    await disk.makeReadOnly();
    const { records, problems } = store.loadAll();
    expect(records.map(({ name }) => name)).toEqual(["web"]);
    expect(problems).toEqual([{ file: "garbage.json", what: "cannot be set aside or removed (EROFS)" }]);
    expect(await rejectionOf(store.write(recordOf("web")))).toMatchObject({
      code: "LOCAL_IO",
      cause: { code: "EROFS" },
    });
    expect(await rejectionOf(store.remove("web"))).toMatchObject({ code: "LOCAL_IO", cause: { code: "EROFS" } });
  });
});

test("a directory of ours that was left open to others is closed and read, but not without leave to change", async () => {
  const { directory, put } = place();
  put("web.json", recordOf("web"));
  chmodSync(directory, 0o755);
  const { records, problems } = new SessionStore(directory).loadAll({ mayChange: false });
  expect(records).toEqual([]);
  expect(problems[0]?.what).toContain("is open to other users");
  expect(statSync(directory).mode & 0o7777).toBe(0o755);
  expect(new SessionStore(directory).loadAll().records).toHaveLength(1);
  expect(statSync(directory).mode & 0o7777).toBe(0o700);
});

const mkfifo = (path: string): Promise<string> => mustRun(["mkfifo", path]);

/** @returns the file that takes all the room there was */
const fill = async (disk: string): Promise<string> => {
  const path = join(disk, "filler");
  // It ends with ENOSPC: that is what it is for.
  Bun.spawnSync(["dd", "if=/dev/zero", `of=${path}`, "bs=4096"], { stderr: "ignore" });
  return path;
};
