import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, constants, openSync, readdirSync, readlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { readLocal } from "../../src/files/read-local.ts";
import { cleanup } from "../support/cleanup.ts";
import { makeFifo } from "../support/fifo.ts";
import { tempDir } from "../support/temp.ts";
import { waitFor, within } from "../support/wait.ts";

afterAll(cleanup);

const forever = new AbortController().signal;

const contentOf = async (path: string, signal = forever): Promise<Buffer> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of readLocal(path, signal)) pieces.push(piece.slice());
  return Buffer.concat(pieces);
};

/** Descriptors of this process that lead to the path. */
const openOn = (path: string): number => readdirSync("/proc/self/fd").filter((fd) => targetOf(fd) === path).length;

const targetOf = (fd: string): string | null => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // The one that listed them.
    return null;
  }
};

const isLetGo = (path: string): Promise<unknown> => waitFor(() => openOn(path) === 0, { what: `${path} to be closed` });

describe("a file", () => {
  test("is read as it is, and closed", async () => {
    const path = join(tempDir(), "file");
    const content = crypto.getRandomValues(new Uint8Array(65_536));
    writeFileSync(path, Buffer.concat([content, content, content, content.subarray(7)]));
    expect((await contentOf(path)).equals(Buffer.concat([content, content, content, content.subarray(7)]))).toBe(true);
    await isLetGo(path);
  });

  test("that says its size is 0, as in /proc, is read to its end", async () => {
    expect((await contentOf("/proc/self/status")).toString()).toContain(`Pid:\t${process.pid}\n`);
  });

  test("is closed when nobody wants the rest", async () => {
    const path = join(tempDir(), "file");
    writeFileSync(path, Buffer.alloc(1024 * 1024));
    for await (const piece of readLocal(path, forever)) {
      expect(piece.length).toBeGreaterThan(0);
      expect(openOn(path)).toBe(1);
      break;
    }
    await isLetGo(path);
  });

  test.each([
    ["that is not there", "/nonexistent/file", "ENOENT"],
    ["that is a directory", "/tmp", "EISDIR"],
    ["that is a socket nobody connects to", "", "ENXIO"],
  ])("%s is the system's own error", async (_what, given, code) => {
    const path = given || join(tempDir(), "s");
    const server = given === "" ? Bun.listen({ unix: path, socket: { data: () => {} } }) : null;
    const thrown = await contentOf(path).catch((error: unknown) => error);
    server?.stop();
    expect(thrown).toMatchObject({ code });
  });

  test("of the null device is empty", async () => {
    expect(await contentOf("/dev/null")).toHaveLength(0);
  });
});

describe("a pipe", () => {
  /** With its writer, as what the shell puts in place of `<(command)` has one from the start. */
  const openPipe = async () => {
    const path = await makeFifo();
    return { path, writer: openSync(path, constants.O_RDWR) };
  };

  test("is waited for: its writer, its bytes, its end", async () => {
    const { path, writer } = await openPipe();
    const content = contentOf(path);
    await waitFor(() => openOn(path) >= 2, { what: "the reader" });
    for (const text of ["one", " and ", "two"]) {
      writeSync(writer, text);
      // Nothing blocks the event loop meanwhile.
      await new Promise(setImmediate);
    }
    closeSync(writer);
    expect((await content).toString()).toBe("one and two");
    await isLetGo(path);
  });

  test("is let go of when told so while its writer says nothing", async () => {
    const { path, writer } = await openPipe();
    const stop = new AbortController();
    const content = contentOf(path, stop.signal);
    await waitFor(() => openOn(path) >= 2, { what: "the reader" });
    stop.abort();
    expect(await within(content, { what: "the end of the reading" })).toHaveLength(0);
    closeSync(writer);
    await isLetGo(path);
  });
});
