/** Files of the caller, from the operation's side: with a client that has manners, and with one that has none. */
import { describe, expect, test } from "bun:test";
import { createDispatch } from "../../../src/broker/process/dispatch.ts";
import { Load } from "../../../src/broker/process/load.ts";
import { serveConnection } from "../../../src/broker/process/server.ts";
import { decodeFileCredit, decodeFilePart, type FileMessage, filePart } from "../../../src/broker/wire/file-frames.ts";
import { frameType } from "../../../src/broker/wire/frame.ts";
import { createPair } from "../../../src/broker/wire/pair.ts";
import { fileWindow, openFileLimit } from "../../../src/broker/wire/protocol.ts";
import type { CallerFiles } from "../../../src/core/call-scope.ts";
import { SshMcpError } from "../../../src/core/errors.ts";
import { waitFor } from "../../support/wait.ts";
import { fake, noHosts, noSessions } from "./fake-operations.ts";
import { RawPeer, request } from "./raw-peer.ts";

type Iterator = AsyncIterator<Uint8Array>;

/** What the operation of a test does with the caller's files; its text is what the operation says. */
let act: (files: CallerFiles) => Promise<string> = async () => "";
const operation = fake("act", async (_input, { files }) => ({ count: 0, text: await act(files) }));
const dispatch = createDispatch({ operations: [operation], sessions: noSessions, hosts: noHosts, rules: [] });

/** Runs the operation for a client that the test plays. */
const played = (work: typeof act) => {
  act = work;
  const [near, far] = createPair();
  serveConnection(far, { dispatch, release: "1", load: new Load(), host: null });
  const peer = new RawPeer(near);
  peer.hello();
  peer.control(1, request("act"));
  const parts = (): FileMessage[] =>
    peer.frames.filter(({ type }) => type === frameType.file).map(({ payload }) => decodeFilePart(payload));
  return {
    peer,
    parts,
    say: (file: number, part: number, bytes: string | Uint8Array = "") =>
      peer.frame(frameType.file, 1, head(file, part, bytes)),
    asked: (count = 1) =>
      waitFor(() => parts().filter(({ part }) => part === filePart.open).length >= count, {
        what: "a request for a file",
      }),
    text: async () => ((await peer.message(1, "result"))["value"] as { text: string }).text,
    refusal: async () => (await peer.message(0, "failure"))["error"],
  };
};

const head = (file: number, part: number, bytes: string | Uint8Array): Uint8Array => {
  const content = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  const payload = new Uint8Array(5 + content.length);
  new DataView(payload.buffer).setUint32(0, file);
  payload[4] = part;
  payload.set(content, 5);
  return payload;
};

const iterate = (files: CallerFiles, path: string): Iterator => files.read(path)[Symbol.asyncIterator]();

const whole = async (files: CallerFiles, path: string): Promise<string> => {
  let text = "";
  for await (const piece of files.read(path)) text += Buffer.from(piece).toString();
  return text;
};

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "fine",
    (thrown) => (thrown instanceof SshMcpError ? `${thrown.code}: ${thrown.message}` : String(thrown)),
  );

describe("reading", () => {
  test("asks for the path as it is, and gives what comes until the end", async () => {
    const { say, asked, parts, text } = played((files) => whole(files, "~/a file"));
    await asked();
    const [open] = parts();
    expect({ ...open, bytes: JSON.parse(new TextDecoder().decode(open?.bytes)) }).toEqual({
      file: 1,
      part: filePart.open,
      bytes: { path: "~/a file" },
    });
    say(1, filePart.data, "one ");
    say(1, filePart.data, "two");
    say(1, filePart.end);
    expect(await text()).toBe("one two");
    expect(parts()).toHaveLength(1);
  });

  test("asks for nothing before it begins", async () => {
    const { parts, text } = played(async (files) => {
      files.read("/never");
      return "done";
    });
    expect(await text()).toBe("done");
    expect(parts()).toEqual([]);
  });

  test("of two files at once keeps them apart, and numbers are not used again", async () => {
    const { say, asked, text } = played(async (files) => {
      const both = await Promise.all([whole(files, "/a"), whole(files, "/b")]);
      return [...both, await whole(files, "/c")].join();
    });
    await asked(2);
    say(2, filePart.data, "second");
    say(1, filePart.data, "first");
    say(2, filePart.end);
    say(1, filePart.end);
    await asked(3);
    // Of a file that has ended.
    say(2, filePart.data, "late");
    say(3, filePart.data, "third");
    say(3, filePart.end);
    expect(await text()).toBe("first,second,third");
  });

  test("fails with the client's own error, whatever came before", async () => {
    const { say, asked, text } = played((files) => codeOf(whole(files, "/a")));
    await asked();
    say(1, filePart.data, "half");
    const record = { code: "LOCAL_IO", message: "/a cannot be read (EIO)", hint: null, retryable: false };
    say(1, filePart.failure, JSON.stringify(record));
    expect(await text()).toBe("LOCAL_IO: /a cannot be read (EIO)");
  });

  test("that is left before the end tells the client, and what still comes is nothing", async () => {
    const { peer, say, asked, parts, text } = played(async (files) => {
      for await (const piece of files.read("/a")) return `left after ${piece.length}`;
      return "empty";
    });
    await asked();
    say(1, filePart.data, "abc");
    expect(await text()).toBe("left after 3");
    expect(parts().map(({ part }) => part)).toEqual([filePart.open, filePart.close]);
    say(1, filePart.data, "late");
    say(1, filePart.end);
    act = async () => "still served";
    peer.control(2, request("act"));
    expect(await peer.message(2, "result")).toMatchObject({ value: { text: "still served" } });
  });

  test("more than so many files at once is refused, and they can be read on", async () => {
    const { say, asked, text } = played(async (files) => {
      const readers = Array.from({ length: openFileLimit }, (_, n) => iterate(files, `/${n}`));
      const firsts = readers.map((reader) => reader.next());
      const refused = await codeOf(whole(files, "/one-more"));
      await readers[0]?.return?.(undefined).catch(() => {});
      await Promise.all(firsts);
      await Promise.all(readers.slice(1).map((reader) => reader.return?.(undefined)));
      return `${refused}; ${await whole(files, "/again")}`;
    });
    await asked(openFileLimit);
    for (let file = 1; file <= openFileLimit; file++) say(file, filePart.data, "x");
    await asked(openFileLimit + 1);
    say(openFileLimit + 1, filePart.data, "room again");
    say(openFileLimit + 1, filePart.end);
    expect(await text()).toBe(`TOO_LARGE: ${openFileLimit} files of one call are open already; room again`);
  });

  test("gives credit back as it goes on, and only then", async () => {
    const taken = Promise.withResolvers<void>();
    const { say, asked, parts, text } = played(async (files) => {
      const reader = iterate(files, "/a");
      const first = await reader.next();
      await taken.promise;
      let length = first.value?.length ?? 0;
      for (let step = await reader.next(); step.done !== true; step = await reader.next()) length += step.value.length;
      return String(length);
    });
    const credit = (): number =>
      parts()
        .filter(({ part }) => part === filePart.credit)
        .reduce((sum, { bytes }) => sum + decodeFileCredit(bytes), 0);
    await asked();
    const half = new Uint8Array(fileWindow / 2);
    say(1, filePart.data, half);
    say(1, filePart.data, half);
    await new Promise(setImmediate);
    expect(credit()).toBe(0);
    taken.resolve();
    await waitFor(() => credit() === fileWindow, { what: "the whole window again" });
    say(1, filePart.data, half);
    say(1, filePart.end);
    expect(await text()).toBe(String(3 * half.length));
  });
});

describe("a call that is canceled", () => {
  test("reads no further, whatever it waits for", async () => {
    const { peer, asked, text } = played(async (files) => {
      const open = await codeOf(whole(files, "/a"));
      return `${open}; ${await codeOf(whole(files, "/b"))}`;
    });
    await asked();
    peer.control(1, { kind: "cancel" });
    expect(await text()).toBe("CANCELED: the call was canceled; CANCELED: the call was canceled");
  });
});

describe("a client without manners", () => {
  const data = "x";
  test.each<[string, number, number, string | Uint8Array]>([
    ["a file nobody asked for", 2, filePart.data, data],
    ["file 0", 0, filePart.data, data],
    ["an end of a file nobody asked for", 7, filePart.end, ""],
    ["a request of its own", 1, filePart.open, '{"path":"/etc/shadow"}'],
    ["credit", 1, filePart.credit, new Uint8Array(4)],
    ["a close", 1, filePart.close, ""],
    ["an unknown part", 1, 99, ""],
    ["a failure that is none", 1, filePart.failure, "{"],
    ["a failure without a code", 1, filePart.failure, '{"message":"no"}'],
    ["a failure that is a list", 1, filePart.failure, "[]"],
  ])("is sent away: %s", async (_what, file, part, bytes) => {
    const { peer, say, asked, refusal } = played((files) => whole(files, "/a"));
    await asked();
    say(file, part, bytes);
    expect(await refusal()).toMatchObject({ code: "PROTOCOL_ERROR" });
    await waitFor(() => peer.closed, { what: "the end of the connection" });
  });

  test("is sent away for a byte more than it had credit for", async () => {
    const { say, asked, refusal } = played(async (files) => {
      const reader = iterate(files, "/a");
      await reader.next();
      return await new Promise<string>(() => {});
    });
    await asked();
    for (const length of [fileWindow / 2, fileWindow / 2, 1]) say(1, filePart.data, new Uint8Array(length));
    expect(await refusal()).toMatchObject({ code: "PROTOCOL_ERROR", message: expect.stringContaining("credit") });
  });

  test("is sent away for a frame without a head", async () => {
    const { peer, asked, refusal } = played((files) => whole(files, "/a"));
    await asked();
    peer.frame(frameType.file, 1, new Uint8Array(4));
    expect(await refusal()).toMatchObject({ code: "PROTOCOL_ERROR", message: expect.stringContaining("too short") });
  });
});
