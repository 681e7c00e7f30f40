/** Files that a client opens and the broker reads or writes: over a real client in this process, and with descriptors that are not what they are said to be. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { type FileHandle, open as openFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { CallOptions } from "../../../src/broker/client/client.ts";
import { createDispatch } from "../../../src/broker/process/dispatch.ts";
import { serveLocally } from "../../../src/broker/process/local.ts";
import { openHanded } from "../../../src/broker/process/open-handed.ts";
import { writeHanded } from "../../../src/broker/process/write-handed.ts";
import type { HandedFile, HandedWord } from "../../../src/broker/wire/side-requests.ts";
import { partName, type TransferSide } from "../../../src/core/files/transfer-side.ts";
import type { Context } from "../../../src/core/operation.ts";
import { codeOf, plain, stream } from "../../files/local/sides.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor, within } from "../../support/wait.ts";
import { fake, noHosts, noSessions } from "./fake-operations.ts";
import { caller } from "./raw-peer.ts";

afterAll(cleanup);

let act: (side: TransferSide, context: Context) => Promise<unknown> = async () => null;
const operation = fake(
  "act",
  async (_input, context) => ({ count: 0, text: JSON.stringify((await act(context.local, context)) ?? null) }),
  { input: v.looseObject({}) } as object,
);
const dispatch = createDispatch({ operations: [operation], sessions: noSessions, hosts: noHosts, rules: [] });
const { client } = serveLocally(dispatch);

const during = async <T>(
  cwd: string,
  work: (side: TransferSide, context: Context) => Promise<T>,
  changes: Partial<CallOptions> = {},
): Promise<T> => {
  act = work;
  const input = { sources: ["from"], destination: "to" };
  const options = { operation: "act", input, caller: { ...caller, cwd }, capture: null, ...changes };
  return JSON.parse(((await client.call(options)) as { text: string }).text);
};

const mebibyte = 1024 * 1024;
const content = Buffer.from(crypto.getRandomValues(new Uint8Array(65_536)).toHex().repeat(40)).subarray(0, 5_000_001);
const sumOf = (bytes: Uint8Array): string => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

/** What a side reads, and in how many pieces: frames bring 64 KiB at most. */
const taken = async (pieces: AsyncIterable<Uint8Array>) => {
  const hash = new Bun.CryptoHasher("sha256");
  let longest = 0;
  let bytes = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    longest = Math.max(longest, piece.length);
    bytes += piece.length;
  }
  return { sum: hash.digest("hex"), bytes, longest };
};

/** This process' descriptors of files below a folder, those of the broker's side among them. */
const held = (cwd: string): string[] =>
  readdirSync("/proc/self/fd").filter((file) => {
    try {
      return Bun.spawnSync(["readlink", `/proc/${process.pid}/fd/${file}`])
        .stdout.toString()
        .startsWith(cwd);
    } catch {
      return false;
    }
  });

const closed = (cwd: string): Promise<void> =>
  waitFor(() => held(cwd).length === 0, { what: "all to be closed" }).then(() => undefined);

describe("a large file", () => {
  test.each([0, 1, 1_044_480, 3_999_999])("is read by the broker itself, from byte %i to its end", async (from) => {
    const cwd = tempDir("handed");
    writeFileSync(join(cwd, "from"), content);
    const said = await during(cwd, async (side) => await taken(side.read("from", from)));
    const whole = content.length - from > mebibyte;
    expect(said).toMatchObject({ sum: sumOf(content.subarray(from)), bytes: content.length - from });
    expect(said.longest > 64 * 1024).toBe(whole);
    await closed(cwd);
  });

  test("is written by the broker itself, also behind what is kept of it, with mode and time as ever", async () => {
    const cwd = tempDir("handed");
    writeFileSync(join(cwd, partName("to")), content.subarray(0, 1_234_567), { mode: 0o600 });
    const pieces = Array.from({ length: 60 }, (_, index) =>
      content.subarray(1_234_567 + index * 62_758, 1_234_567 + (index + 1) * 62_758),
    );
    await during(cwd, (side) =>
      side.write("to", "", stream(...pieces), 1_234_567, { mode: 0o640, masked: false, mtime: 1000 }),
    );
    expect(sumOf(readFileSync(join(cwd, "to")))).toBe(sumOf(content.subarray(0, 1_234_567 + 60 * 62_758)));
    expect(statSync(join(cwd, "to"))).toMatchObject({ mode: 0o100640, mtimeMs: 1_000_000 });
    expect(readdirSync(cwd)).toEqual(["to"]);
    await closed(cwd);
  });

  test("that the policy looks into comes and goes as frames, and is refused for what it holds", async () => {
    const cwd = tempDir("handed");
    const key = Buffer.concat([Buffer.from("-----BEGIN OPENSSH PRIVATE KEY-----\n"), content]);
    writeFileSync(join(cwd, "from"), key);
    const model = { local: { roots: null, secretsAllowed: false } };
    const codes = await during(
      cwd,
      async (side) => [
        await codeOf(taken(side.read("from", 0))),
        await codeOf(side.write("to", "", stream(key), 0, plain)),
      ],
      model,
    );
    expect(codes).toEqual(["POLICY_DENIED", "POLICY_DENIED"]);
    expect(readdirSync(cwd)).toEqual(["from"]);
    writeFileSync(join(cwd, "from"), content);
    const said = await during(cwd, async (side) => await taken(side.read("from", 0)), model);
    expect(said.longest).toBeGreaterThan(64 * 1024);
  });

  test.each([
    ["shrinks", (path: string) => truncateSync(path, 3 * mebibyte), "cannot be read as a whole: it has become shorter"],
    ["grows", (path: string) => appendFileSync(path, "more"), `${content.length} bytes`],
  ])("that %s while it is read is told, or read as far as it went", async (_what, change, said) => {
    const cwd = tempDir("handed");
    writeFileSync(join(cwd, "from"), content);
    const message = await during(cwd, async (side) => {
      let length = 0;
      try {
        for await (const piece of side.read("from", 0)) {
          if (length === 0) change(join(cwd, "from"));
          length += piece.length;
        }
        return `${length} bytes`;
      } catch (thrown) {
        return (thrown as Error).message;
      }
    });
    expect(message).toContain(said);
    await closed(cwd);
  });

  test("whose source breaks is a part with all that came", async () => {
    const cwd = tempDir("handed");
    const message = await during(cwd, async (side) => {
      const source = async function* () {
        yield* stream(content);
        throw new Error("the link is lost");
      };
      return await side.write("to", "", source(), 0, plain).catch((thrown: Error) => thrown.message);
    });
    expect(message).toBe("the link is lost");
    expect(readFileSync(join(cwd, partName("to"))).equals(content)).toBe(true);
    expect(readdirSync(cwd)).toEqual([partName("to")]);
    await closed(cwd);
  });

  test("of a call that is canceled is a part, and is let go of: both ways", async () => {
    const cwd = tempDir("handed");
    writeFileSync(join(cwd, "from"), content);
    const controller = new AbortController();
    const done = during(
      cwd,
      async (side, { signal }) => {
        for await (const _ of side.read("from", 0)) break;
        const reading = side.read("from", 0)[Symbol.asyncIterator]();
        await reading.next();
        const source = async function* () {
          yield content;
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          yield content;
        };
        const written = side.write("to", "", source(), 0, plain);
        await codeOf(written);
        await reading.next();
        signal.throwIfAborted();
      },
      { signal: controller.signal },
    );
    const part = join(cwd, partName("to"));
    await waitFor(() => existsSync(part) && statSync(part).size === content.length, { what: "the part" });
    controller.abort();
    expect(await codeOf(within(done, { what: "the end of the call" }))).toBe("CANCELED");
    expect(readdirSync(cwd).sort()).toEqual([partName("to"), "from"].sort());
    await closed(cwd);
  });
});

describe("writing", () => {
  const listener = (isOver: () => boolean) => {
    const words: (HandedWord | "end" | "failure")[] = [];
    const exchange = {
      get isOver() {
        return isOver();
      },
      sayHanded: (word: HandedWord) => void words.push(word),
      sayEnd: (failure: object | null) => void words.push(failure === null ? "end" : "failure"),
    };
    return { words, exchange };
  };

  test("to a disk that is full ends with what the system said, and asks its source for no more", async () => {
    const { words, exchange } = listener(() => false);
    const endless = async function* () {
      for (;;) yield content;
    };
    expect(await writeHanded(await openFile("/dev/full", "w"), endless(), 0, exchange)).toBeNull();
    expect(words).toEqual([{ bytes: 0, code: "ENOSPC" }, "end"]);
  });

  test("for a caller that is killed ends, and leaves the beginning of the file", async () => {
    const cwd = tempDir("handed");
    const path = join(cwd, "part");
    const holder = Bun.spawn(["sleep", "60"], { stdout: Bun.file(path) });
    const { dev, ino } = statSync(path, { bigint: true });
    const file = await openHanded(holder.pid, { file: 1, device: `${dev}`, inode: `${ino}` }, "write");
    if (file === null) throw new Error("it was not taken");
    let isGone = false;
    const { exchange } = listener(() => isGone);
    const source = async function* () {
      for (let piece = 0; ; piece++) {
        yield content;
        if (piece === 3) {
          holder.kill(9);
          await holder.exited;
          isGone = true;
        }
      }
    };
    await within(writeHanded(file, source(), 0, exchange), { what: "the end of the writing" });
    const written = readFileSync(path);
    expect(written.equals(Buffer.concat(Array(5).fill(content)).subarray(0, written.length))).toBe(true);
    expect(written.length).toBeGreaterThan(0);
    await closed(cwd);
  });
});

describe("a descriptor", () => {
  const path = join(tempDir("handed"), "file");
  writeFileSync(path, "content");
  const other = join(tempDir("handed"), "other");
  writeFileSync(other, "other");
  const opened: number[] = [];
  const open = (name: string, flags: number): HandedFile => {
    const file = openSync(name, flags);
    opened.push(file);
    const { dev, ino } = fstatSync(file, { bigint: true });
    return { file, device: `${dev}`, inode: `${ino}` };
  };
  const isTaken = async (found: Promise<FileHandle | null>): Promise<boolean> => {
    const file = await found;
    await file?.close();
    return file !== null;
  };
  afterEach(() => {
    for (const file of opened.splice(0)) closeSync(file);
  });

  test("is opened again for what it is open for, and for nothing else", async () => {
    const rights: [string, number][] = [
      ["read", constants.O_RDONLY],
      ["write", constants.O_WRONLY],
      ["both", constants.O_RDWR],
      ["neither", 0o10000000],
    ];
    const found: Record<string, boolean[]> = {};
    for (const [name, flags] of rights) {
      const handed = open(path, flags);
      found[name] = [
        await isTaken(openHanded(process.pid, handed, "read")),
        await isTaken(openHanded(process.pid, handed, "write")),
      ];
    }
    expect(found).toEqual({ read: [true, false], write: [false, true], both: [true, true], neither: [false, false] });
  });

  test("is none of another file, of another process, or of what is no regular file", async () => {
    const handed = open(path, constants.O_RDONLY);
    const wrong = open(other, constants.O_RDONLY);
    const directory = open(tempDir("handed"), constants.O_RDONLY);
    const device = open("/dev/null", constants.O_RDWR);
    const sleeper = Bun.spawn(["sleep", "60"]);
    const found = [
      openHanded(process.pid, { ...handed, inode: `${BigInt(handed.inode) + 1n}` }, "read"),
      openHanded(process.pid, { ...handed, device: "1" }, "read"),
      openHanded(process.pid, { ...handed, file: wrong.file }, "read"),
      openHanded(process.pid, { ...handed, file: 99_999 }, "read"),
      openHanded(sleeper.pid, handed, "read"),
      openHanded(0, handed, "read"),
      openHanded(process.pid, directory, "read"),
      openHanded(process.pid, device, "write"),
      openHanded(process.pid, handed, "read"),
    ];
    const results = await Promise.all(found.map(isTaken));
    sleeper.kill(9);
    await sleeper.exited;
    expect(results).toEqual([false, false, false, false, false, false, false, false, true]);
  });

  test("stays what it is when the client closes it, or makes something else of it", async () => {
    const handed = open(path, constants.O_RDWR);
    const file = await openHanded(process.pid, handed, "read");
    ftruncateSync(handed.file, 3);
    closeSync(opened.pop() ?? -1);
    expect(await file?.readFile("utf8")).toBe("con");
    await file?.close();
    expect(await openHanded(process.pid, handed, "read")).toBeNull();
  });
});
