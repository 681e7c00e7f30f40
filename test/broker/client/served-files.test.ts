/** Files of the caller, from the caller's side: with a broker that the test plays, and with a real one in this process. */
import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, mkdirSync, openSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BrokerClient, type CallOptions } from "../../../src/broker/client/client.ts";
import { createDispatch } from "../../../src/broker/process/dispatch.ts";
import { serveLocally } from "../../../src/broker/process/local.ts";
import {
  decodeFilePart,
  encodeFileCredit,
  encodeFilePart,
  type FileMessage,
  filePart,
} from "../../../src/broker/wire/file-frames.ts";
import { frameType } from "../../../src/broker/wire/frame.ts";
import { createPair } from "../../../src/broker/wire/pair.ts";
import { fileWindow, openFileLimit } from "../../../src/broker/wire/protocol.ts";
import type { CallerFiles } from "../../../src/core/call-scope.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeFifo } from "../../support/fifo.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor, within } from "../../support/wait.ts";
import { fake, noHosts, noSessions } from "../process/fake-operations.ts";
import { caller, RawPeer } from "../process/raw-peer.ts";

afterAll(cleanup);

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const fileOf = (content: string | Uint8Array): string => {
  const path = join(tempDir("file"), "file");
  writeFileSync(path, content);
  return path;
};

/** Whether this process has the path open. */
const isOpen = (path: string): boolean =>
  readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  });

/** A call whose broker the test plays. */
const called = async (input: unknown, changes: Partial<CallOptions> = {}) => {
  const [near, far] = createPair();
  const broker = new RawPeer(far);
  const client = new BrokerClient(near);
  const options = { operation: "exec", input, caller, capture: null, ...changes };
  const outcome = client.call(options).catch((thrown: unknown) => thrown);
  await broker.message(1, "request");
  broker.control(1, { kind: "accepted" });
  const parts = (file?: number): FileMessage[] =>
    broker.frames
      .filter(({ type }) => type === frameType.file)
      .map(({ payload }) => decodeFilePart(payload))
      .filter((message) => file === undefined || message.file === file);
  const bytesOf = (file: number): number =>
    parts(file).reduce((sum, { part, bytes }) => sum + (part === filePart.data ? bytes.length : 0), 0);
  return {
    broker,
    client,
    outcome,
    parts,
    bytesOf,
    open: (file: number, path: string) =>
      broker.bytes(encodeFilePart(1, file, filePart.open, encoder.encode(JSON.stringify({ path })))),
    grant: (file: number, bytes: number) => broker.bytes(encodeFileCredit(1, file, bytes)),
    close: (file: number) => broker.bytes(encodeFilePart(1, file, filePart.close)),
    /** The last part of the file: its end, or why there is none. */
    ended: async (file: number) => {
      const last = await waitFor(
        () => parts(file).find(({ part }) => part === filePart.end || part === filePart.failure),
        { what: `the end of file ${file}` },
      );
      return last.part === filePart.end ? "complete" : JSON.parse(decoder.decode(last.bytes));
    },
    finish: () => broker.control(1, { kind: "result", value: { ok: true }, chunked: false }),
  };
};

describe("a file that the input names", () => {
  test.each<[string, (path: string) => unknown]>([
    ["at the top", (path) => ({ configFile: path })],
    ["in a list", (path) => ({ identityFile: ["none", path] })],
    ["deep within", (path) => ({ a: [{ b: null }, { b: { c: [path] } }] })],
  ])("%s is sent to its end", async (_where, input) => {
    const path = fileOf("content\n");
    const { open, parts, ended, finish, outcome } = await called(input(path));
    open(1, path);
    expect(await ended(1)).toBe("complete");
    expect(Buffer.concat(parts(1).map(({ bytes }) => bytes)).toString()).toBe("content\n");
    finish();
    expect(await outcome).toEqual({ ok: true });
  });

  test("by a relative path is meant from the caller's folder", async () => {
    const folder = tempDir("cwd");
    writeFileSync(join(folder, "here"), "found");
    const { open, ended, bytesOf } = await called(["here"], { caller: { ...caller, cwd: folder } });
    open(1, "here");
    expect(await ended(1)).toBe("complete");
    expect(bytesOf(1)).toBe(5);
  });

  test("is sent as far as there is credit, and no further", async () => {
    const size = 3 * fileWindow + 11;
    const path = fileOf(new Uint8Array(size));
    const { open, grant, bytesOf, ended } = await called([path]);
    open(1, path);
    await waitFor(() => bytesOf(1) === fileWindow, { what: "a window of data" });
    grant(1, 5);
    await waitFor(() => bytesOf(1) === fileWindow + 5, { what: "five bytes more" });
    grant(1, fileWindow);
    await waitFor(() => bytesOf(1) === 2 * fileWindow + 5, { what: "another window" });
    grant(1, fileWindow);
    await waitFor(() => bytesOf(1) === 3 * fileWindow + 5, { what: "one more window" });
    grant(1, size - bytesOf(1));
    expect(await ended(1)).toBe("complete");
    expect(bytesOf(1)).toBe(size);
  });

  test("that nobody reads on is let go of", async () => {
    const path = fileOf(new Uint8Array(2 * fileWindow));
    const { open, close, grant, bytesOf, parts } = await called([path]);
    open(1, path);
    await waitFor(() => bytesOf(1) === fileWindow && isOpen(path), { what: "a window of data" });
    close(1);
    // It was on its way.
    grant(1, fileWindow);
    await waitFor(() => !isOpen(path), { what: "the file to be closed" });
    expect(bytesOf(1)).toBe(fileWindow);
    expect(parts(1).map(({ part }) => part)).not.toContain(filePart.end);
  });
});

describe("a file that cannot be read", () => {
  const folder = tempDir("folder");
  const sealed = join(folder, "sealed");
  mkdirSync(sealed);
  test.each([
    ["is not there", "/nonexistent/file", "NOT_FOUND", "there is no file /nonexistent/file"],
    ["is below a file", "/etc/passwd/file", "NOT_FOUND", "there is no file /etc/passwd/file"],
    ["is a folder", sealed, "LOCAL_IO", `${sealed} cannot be read (EISDIR)`],
    ["says so itself", "/proc/self/mem", "LOCAL_IO", "/proc/self/mem cannot be read (EIO)"],
    ["has escapes in its name", "/\u001b[31m", "NOT_FOUND", "there is no file /\\x1b[31m"],
  ])("because it %s is told so", async (_why, path, code, message) => {
    const { open, ended, parts, finish, outcome } = await called([path]);
    open(1, path);
    expect(await ended(1)).toMatchObject({ code, message, hint: expect.stringContaining("ls -l ") });
    expect(parts(1)).toHaveLength(1);
    // It is the operation's to decide what that means.
    finish();
    expect(await outcome).toEqual({ ok: true });
  });
});

describe("what the input does not name", () => {
  const path = fileOf("secret");
  test.each<[string, unknown]>([
    ["another path", ["/dev/null"]],
    ["a part of a text", [`IdentityFile=${path}`, `${path} `, path.slice(0, -1)]],
    ["a key instead of a value", { [path]: true }],
    ["nothing at all", null],
  ])("is not opened: %s", async (_what, input) => {
    const { open, ended, bytesOf } = await called(input);
    open(1, path);
    expect(await ended(1)).toMatchObject({
      code: "LOCAL_IO",
      message: `${path} is not opened: this call does not name it`,
    });
    expect(bytesOf(1)).toBe(0);
  });
});

describe("a pipe that says nothing", () => {
  const waiting = async (others: string[] = [], changes: Partial<CallOptions> = {}) => {
    const path = await makeFifo();
    const one = await called([path, ...others], changes);
    one.open(1, path);
    await waitFor(() => isOpen(path), { what: "the pipe to be open" });
    return { path, ...one };
  };
  const isLetGo = (path: string): Promise<unknown> => waitFor(() => !isOpen(path), { what: "the pipe to be closed" });

  test("is let go of when the call is canceled, and no other file is opened", async () => {
    const controller = new AbortController();
    const { path, broker, open, parts, finish, outcome } = await waiting([], { signal: controller.signal });
    controller.abort();
    await broker.message(1, "cancel");
    await isLetGo(path);
    open(2, path);
    await turn();
    finish();
    await outcome;
    expect([isOpen(path), parts()]).toEqual([false, []]);
  });

  test("is let go of when the call has ended", async () => {
    const { path, finish, outcome } = await waiting();
    finish();
    expect(await outcome).toEqual({ ok: true });
    await isLetGo(path);
  });

  test("is let go of when the broker goes", async () => {
    const { path, broker, outcome } = await waiting();
    broker.close();
    expect(await outcome).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    await isLetGo(path);
  });

  test("keeps no other file waiting, and is sent when it does", async () => {
    const beside = fileOf("beside");
    const { path, open, ended, bytesOf } = await waiting([beside]);
    open(2, beside);
    expect(await ended(2)).toBe("complete");
    const writer = openSync(path, "w");
    writeFileSync(writer, "at last");
    closeSync(writer);
    expect(await ended(1)).toBe("complete");
    expect([bytesOf(1), bytesOf(2)]).toEqual([7, 6]);
  });
});

describe("a broker that makes no sense", () => {
  const path = fileOf("content");
  const word = (file: number, part: 1 | 2 | 3 | 4 | 5 | 6, text = ""): Uint8Array =>
    encodeFilePart(1, file, part, encoder.encode(text));
  test.each<[string, Uint8Array[]]>([
    [
      "a file twice",
      [word(1, filePart.open, JSON.stringify({ path })), word(1, filePart.open, JSON.stringify({ path }))],
    ],
    ["file 0", [word(0, filePart.open, JSON.stringify({ path }))]],
    ["credit for a file it never asked for", [encodeFileCredit(1, 4, 1)]],
    [
      "more credit than a window",
      [word(1, filePart.open, JSON.stringify({ path: "/dev/zero" })), encodeFileCredit(1, 1, fileWindow + 1)],
    ],
    ["data", [word(1, filePart.open, JSON.stringify({ path: "/dev/zero" })), word(1, filePart.data, "x")]],
    ["a request without a path", [word(1, filePart.open, "{}")]],
    ["a request that is no JSON", [word(1, filePart.open, "{")]],
  ])("ends the call: %s", async (_what, frames) => {
    const { broker, finish, outcome } = await called([path, "/dev/zero"]);
    for (const frame of frames) broker.bytes(frame);
    await broker.message(1, "cancel");
    finish();
    expect(await outcome).toMatchObject({ code: "PROTOCOL_ERROR" });
  });

  test("ends the call: more files at once than it may have", async () => {
    const fifo = await makeFifo();
    const { broker, open, finish, outcome } = await called([fifo]);
    for (let file = 1; file <= openFileLimit; file++) open(file, fifo);
    await waitFor(() => isOpen(fifo), { what: "the pipe to be open" });
    expect(broker.messages(1).map(({ kind }) => kind)).toEqual(["request"]);
    open(openFileLimit + 1, fifo);
    await broker.message(1, "cancel");
    finish();
    expect(await outcome).toMatchObject({ code: "PROTOCOL_ERROR" });
    await waitFor(() => !isOpen(fifo), { what: "the pipe to be closed" });
  });
});

describe("an operation in this process", () => {
  let act: (files: CallerFiles) => Promise<string> = async () => "";
  const operation = fake("act", async (_input, { files }) => ({ count: 0, text: await act(files) }));
  const { client } = serveLocally(
    createDispatch({ operations: [operation], sessions: noSessions, hosts: noHosts, rules: [] }),
  );
  const run = async (text: string, changes: Partial<CallOptions> = {}): Promise<string> => {
    const output = await client.call({ operation: "act", input: { text }, caller, capture: null, ...changes });
    return (output as { text: string }).text;
  };
  const hashOf =
    (path: string) =>
    async (files: CallerFiles): Promise<string> => {
      const hash = new Bun.CryptoHasher("sha256");
      for await (const piece of files.read(path)) hash.update(piece);
      return hash.digest("hex");
    };

  test("gets megabytes unchanged, one file after the other and many at once", async () => {
    const content = crypto.getRandomValues(new Uint8Array(65_536));
    const path = fileOf(Buffer.concat(Array.from({ length: 100 }, (_, n) => content.subarray(n))));
    const expected = await hashOf(path)({ read: (path) => Bun.file(path).stream() });
    act = async (files) => (await Promise.all(Array.from({ length: 20 }, () => hashOf(path)(files)))).join();
    expect(new Set((await run(path)).split(","))).toEqual(new Set([expected]));
  });

  test("of a model gets none that way", async () => {
    const path = fileOf("content");
    act = hashOf(path);
    const outcome = await run(path, { caller: { ...caller, face: "mcp" } }).catch((thrown: unknown) => thrown);
    expect(outcome).toMatchObject({ code: "LOCAL_IO" });
  });

  test("is canceled while it waits for a pipe, which is let go of", async () => {
    const path = await makeFifo();
    act = hashOf(path);
    const controller = new AbortController();
    const outcome = run(path, { signal: controller.signal }).catch((thrown: unknown) => thrown);
    await waitFor(() => isOpen(path), { what: "the pipe to be open" });
    controller.abort();
    expect(await within(outcome, { what: "the end of the call" })).toMatchObject({ code: "CANCELED" });
    await waitFor(() => !isOpen(path), { what: "the pipe to be closed" });
  });
});
