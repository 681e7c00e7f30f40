import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createDispatch } from "../../../src/broker/process/dispatch.ts";
import { Load } from "../../../src/broker/process/load.ts";
import { type ServedConnection, serveConnection } from "../../../src/broker/process/server.ts";
import { decodeCredit, encodeCredit, encodeFrame, frameType } from "../../../src/broker/wire/frame.ts";
import { createPair } from "../../../src/broker/wire/pair.ts";
import { callLimit, streamWindow, type Transport } from "../../../src/broker/wire/protocol.ts";
import { SshMcpError } from "../../../src/core/errors.ts";
import { waitFor, within } from "../../support/wait.ts";
import { canceled, fake, noHosts, noSessions, operations } from "./fake-operations.ts";
import { RawPeer, request } from "./raw-peer.ts";

/** Never ends, whatever the signal says, until the test lets it. */
const stubborn = Promise.withResolvers<void>();
const extra = [
  fake("stubborn", async () => {
    await stubborn.promise;
    return { count: 0, text: null };
  }),
  /** Reads one chunk, and the next when it is canceled. */
  fake("read-later", async (_input, context) => {
    const reader = context.stdin[Symbol.asyncIterator]();
    await reader.next();
    await canceled(context);
    const error = await reader.next().catch((thrown: unknown) => thrown);
    const write = await context.stdout.write(Uint8Array.of(1)).catch((thrown: unknown) => thrown);
    const asked = await context
      .ask({
        kind: "password",
        text: "?",
        echo: false,
        destination: "h",
        wanted: "a password",
        connectCommand: "ssh-mcp connect h",
      })
      .catch((thrown) => thrown);
    return {
      count: 0,
      text: [error, write, asked].map((thrown) => (thrown instanceof SshMcpError ? thrown.code : "no")).join(),
    };
  }),
];
const dispatch = createDispatch({
  operations: [...operations, ...extra],
  sessions: noSessions,
  hosts: noHosts,
  rules: [],
});

const serve = (): { peer: RawPeer; connection: ServedConnection } => {
  const [near, far] = createPair();
  const connection = serveConnection(far, { dispatch, release: "1.2.3", load: new Load(), host: null });
  return { peer: new RawPeer(near), connection };
};

const greeted = (): { peer: RawPeer; connection: ServedConnection } => {
  const served = serve();
  served.peer.hello();
  return served;
};

/** A socket whose other side sends and never reads. */
class UnreadTransport implements Transport {
  bytes = 0;
  closed = false;
  onData: (bytes: Uint8Array) => void = () => undefined;
  onDrain: () => void = () => undefined;
  onClose: () => void = () => undefined;

  get pending(): number {
    return this.bytes;
  }

  write(bytes: Uint8Array): void {
    this.bytes += bytes.length;
  }

  /** As if every call had been accepted before the first answer came. */
  whenTaken(callback: () => void): void {
    callback();
  }

  close(): void {
    this.closed = true;
  }

  abort(): void {
    this.closed = true;
  }
}

const feeding = (unread: UnreadTransport): RawPeer => {
  const [near, far] = createPair();
  serveConnection(unread, { dispatch, release: "1", load: new Load(), host: null });
  far.onData = (bytes) => unread.onData(bytes);
  const peer = new RawPeer(near);
  peer.hello();
  return peer;
};

/** The reason on call 0, after which the connection is closed and all its calls are over. */
const refusal = async ({ peer, connection }: { peer: RawPeer; connection: ServedConnection }): Promise<unknown> => {
  const failure = await peer.message(0, "failure");
  await within(connection.ended, { what: "the end of the connection", timeout: 3000 });
  await waitFor(() => peer.closed, { what: "the close", timeout: 3000, interval: 1 });
  return failure["error"];
};

/** That the connection still works, and so does another. */
const works = async (peer: RawPeer, call = 9000): Promise<void> => {
  peer.control(call, request("both"));
  await peer.message(call, "result");
};

/** The first credit for this call's stdin, in bytes. */
const granted = async (peer: RawPeer, call: number): Promise<number> => {
  const find = () => peer.frames.find((frame) => frame.call === call && frame.type === frameType.credit);
  const { payload } = await waitFor(find, { what: "credit for stdin", timeout: 3000, interval: 1 });
  const { stream, bytes } = decodeCredit(payload);
  expect(stream).toBe(frameType.stdin);
  return bytes;
};

describe("hello", () => {
  test("is answered with the broker's own", async () => {
    const { peer } = greeted();
    expect(await peer.message(0, "welcome")).toEqual({
      kind: "welcome",
      protocol: 1,
      release: "1.2.3",
      pid: process.pid,
    });
  });

  test("of another major version is refused by name and number", async () => {
    const served = serve();
    served.peer.control(0, { kind: "hello", protocol: 2, release: "2.0.0", place: "", stop: false, more: true });
    served.peer.control(1, request("both"));
    expect(await refusal(served)).toEqual({
      code: "BROKER_UNAVAILABLE",
      message: "the running broker speaks protocol 1, this client 2",
      hint: "ssh-mcp broker restart",
      retryable: true,
    });
    expect(served.peer.messages(1)).toEqual([]);
  });

  test.each<[string, (peer: RawPeer) => void]>([
    ["a request", (peer) => peer.control(1, request("both"))],
    ["data", (peer) => peer.frame(frameType.stdin, 1, "x")],
    ["garbage in a control frame", (peer) => peer.frame(frameType.control, 1, "GET / HTTP/1.1")],
    ["no frame at all", (peer) => peer.bytes(new TextEncoder().encode("SSH-2.0-OpenSSH_9.2\r\n"))],
  ])("must come first: %s is refused", async (_what, send) => {
    const served = serve();
    send(served.peer);
    served.peer.hello();
    expect(await refusal(served)).toMatchObject({ code: "PROTOCOL_ERROR" });
  });
});

describe("a call", () => {
  test("is accepted before it runs, and ends with its result", async () => {
    const { peer } = greeted();
    peer.control(7, request("both", { input: { text: "x" } }));
    expect(await peer.message(7, "result")).toEqual({
      kind: "result",
      value: { count: 2, text: null },
      chunked: false,
    });
    expect(peer.messages(7).map(({ kind }) => kind)).toEqual(["accepted", "result"]);
  });

  test("that is canceled gets CANCELED from its streams and its questions, and gives its own result", async () => {
    const { peer } = greeted();
    peer.control(1, request("read-later", { asks: true }));
    await granted(peer, 1);
    peer.frame(frameType.stdin, 1, "the first chunk");
    peer.frame(frameType.stdin, 1, "half of the second");
    peer.control(1, { kind: "cancel" });
    peer.control(1, { kind: "cancel" });
    const { value } = await peer.message(1, "result");
    expect(value).toEqual({ count: 0, text: "CANCELED,CANCELED,CANCELED" });
  });

  test("that is stuck keeps no other one waiting", async () => {
    const { peer, connection } = greeted();
    peer.control(1, request("stubborn"));
    peer.control(1, { kind: "cancel" });
    peer.control(2, request("produce", { input: { count: 100 } }));
    await waitFor(() => peer.bytesOf(2, frameType.stdout) >= streamWindow.stdout, { what: "output", interval: 1 });
    peer.control(3, request("ask", { asks: true }));
    await works(peer);
    expect(connection.running).toBe(3);
    peer.close();
    stubborn.resolve();
    await within(connection.ended, { what: "the end", timeout: 3000 });
    expect(connection.running).toBe(0);
  });

  test("an unknown failure is INTERNAL, with the message and no stack", async () => {
    const { peer } = greeted();
    peer.control(1, request("crash"));
    const { error } = await peer.message(1, "failure");
    expect(error).toMatchObject({ code: "INTERNAL", message: "not a function" });
    expect(JSON.stringify(error)).not.toContain(".ts");
  });

  test("that did not say it can ask or wants progress gets neither", async () => {
    const { peer } = greeted();
    peer.control(1, request("ask"));
    peer.control(2, request("progress", { input: { count: 3 } }));
    expect(await peer.message(1, "failure")).toMatchObject({ error: { code: "AUTH_REQUIRED" } });
    await peer.message(2, "result");
    expect(peer.bytesOf(1, frameType.prompt)).toBe(0);
    expect(peer.messages(2).map(({ kind }) => kind)).toEqual(["accepted", "result"]);
  });

  test("may say much as progress, and is cut short", async () => {
    const { peer } = greeted();
    peer.control(1, request("progress", { input: { text: "x".repeat(100_000) }, progress: true }));
    const { message, elapsedMs } = await peer.message(1, "progress");
    expect(String(message).length).toBe(1024);
    expect(elapsedMs).toBeNumber();
  });

  test("the text of a failure is cut to fit a frame", async () => {
    const { peer } = greeted();
    peer.control(1, request("fail", { input: { text: "\0".repeat(150_000) } }));
    const { error } = await peer.message(1, "failure");
    expect(error).toMatchObject({ code: "CONNECT_REFUSED", hint: "ssh-mcp ls" });
    expect(JSON.stringify(error).length).toBeLessThan(64 * 1024);
  });
});

describe("credit", () => {
  test("stops a producer whose reader gives none, to the byte", async () => {
    const { peer } = greeted();
    peer.control(1, request("produce", { input: { count: 100 } }));
    await waitFor(() => peer.bytesOf(1, frameType.stdout) >= streamWindow.stdout, { what: "output", interval: 1 });
    await works(peer);
    expect(peer.bytesOf(1, frameType.stdout)).toBe(streamWindow.stdout);
    peer.bytes(encodeCredit(1, frameType.stdout, 10));
    await waitFor(() => peer.bytesOf(1, frameType.stdout) === streamWindow.stdout + 10, {
      what: "ten bytes",
      interval: 1,
    });
    await works(peer, 9001);
    expect(peer.bytesOf(1, frameType.stdout)).toBe(streamWindow.stdout + 10);
  });

  test("for stdin is the whole window when the operation begins to read, and comes back as it reads", async () => {
    const { peer } = greeted();
    peer.control(1, request("echo"));
    expect(await granted(peer, 1)).toBe(streamWindow.stdin);
    const first = peer.bytesOf(1, frameType.credit);
    peer.frame(frameType.stdin, 1, new Uint8Array(streamWindow.stdin));
    await waitFor(() => peer.bytesOf(1, frameType.credit) > first, { what: "credit", interval: 1 });
    peer.frame(frameType.stdin, 1, new Uint8Array(streamWindow.stdin / 2));
    peer.frame(frameType.eof, 1);
    expect(await peer.message(1, "result")).toMatchObject({ value: { count: streamWindow.stdin * 1.5 } });
  });
});

describe("stdin that nobody asked for", () => {
  test("is not granted for an operation that does not read", async () => {
    const { peer } = greeted();
    peer.control(1, request("sleep"));
    await works(peer);
    peer.control(1, { kind: "cancel" });
    await peer.message(1, "result");
    expect(peer.bytesOf(1, frameType.credit)).toBe(0);
  });

  test("is refused beyond the window of one that reads", async () => {
    const served = greeted();
    served.peer.control(1, request("echo"));
    await granted(served.peer, 1);
    const chunk = encodeFrame(frameType.stdin, 1, new Uint8Array(streamWindow.stdin));
    // In one write, so that no credit comes back between the two.
    served.peer.bytes(Buffer.concat([chunk, chunk]));
    expect(await refusal(served)).toMatchObject({ code: "PROTOCOL_ERROR" });
  });
});

describe("a client without manners", () => {
  test.each<[string, (peer: RawPeer) => void]>([
    ["a frame over the limit", (peer) => peer.bytes(Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 2, 0, 0, 0, 1))],
    ["an unknown frame type", (peer) => peer.bytes(Uint8Array.of(0, 0, 0, 5, 42, 0, 0, 0, 1))],
    ["stdin without credit", (peer) => peer.frame(frameType.stdin, 1, "x")],
    [
      "stdin after its end",
      (peer) => {
        peer.frame(frameType.eof, 1);
        peer.frame(frameType.stdin, 1, "x");
      },
    ],
    ["credit beyond the window", (peer) => peer.bytes(encodeCredit(1, frameType.stdout, 1))],
    ["credit for no stream", (peer) => peer.bytes(encodeCredit(1, frameType.stdin, 1))],
    ["credit of the wrong length", (peer) => peer.frame(frameType.credit, 1, "xx")],
    ["a frame that only a broker sends", (peer) => peer.frame(frameType.prompt, 1, "{}")],
    ["the number of a running call", (peer) => peer.control(1, request("both"))],
    ["a request as call 0", (peer) => peer.control(0, request("both"))],
    ["a second hello", (peer) => peer.hello()],
    ["garbage for a running call", (peer) => peer.frame(frameType.control, 1, "{")],
    ["an unknown message for a running call", (peer) => peer.control(1, { kind: "dance" })],
    ["an unknown message for call 0", (peer) => peer.control(0, { kind: "dance" })],
  ])("%s: the connection is closed, its calls canceled, others go on", async (_what, send) => {
    const other = greeted();
    const served = greeted();
    served.peer.control(1, request("sleep"));
    await served.peer.message(1, "accepted");
    send(served.peer);
    expect(await refusal(served)).toMatchObject({ code: "PROTOCOL_ERROR" });
    await works(other.peer);
  });

  test.each<[string, (peer: RawPeer) => void]>([
    ["no JSON", (peer) => peer.frame(frameType.control, 5, "{")],
    ["no message", (peer) => peer.control(5, { kind: "dance" })],
    ["a field from the future", (peer) => peer.control(5, { ...request("both"), sudo: true })],
  ])("%s for a new call is answered on that call", async (_what, send) => {
    const { peer } = greeted();
    send(peer);
    const { error } = await peer.message(5, "failure");
    expect(error).toMatchObject({ code: "PROTOCOL_ERROR" });
    await works(peer);
  });

  test("frames for calls that are not running are dropped", async () => {
    const { peer } = greeted();
    peer.control(4, request("both"));
    await peer.message(4, "result");
    peer.frame(frameType.stdin, 4, new Uint8Array(streamWindow.stdin));
    peer.frame(frameType.stdin, 4, new Uint8Array(streamWindow.stdin));
    peer.frame(frameType.eof, 4);
    peer.bytes(encodeCredit(4, frameType.stdout, 0xffff_ffff));
    peer.control(4, { kind: "cancel" });
    peer.control(4, { kind: "answer", prompt: 1, value: "x" });
    await works(peer);
    expect(peer.messages(4).map(({ kind }) => kind)).toEqual(["accepted", "result"]);
  });

  test("one call too many is refused, and the others are not", async () => {
    const { peer, connection } = greeted();
    for (let call = 1; call <= callLimit; call++) peer.control(call, request("sleep"));
    peer.control(callLimit + 1, request("both"));
    const { error } = await peer.message(callLimit + 1, "failure");
    expect(error).toMatchObject({ code: "BROKER_UNAVAILABLE", retryable: true });
    expect(connection.running).toBe(callLimit);
    peer.control(callLimit, { kind: "cancel" });
    await peer.message(callLimit, "result");
    await works(peer);
    peer.close();
    await within(connection.ended, { what: "the end of 255 calls", timeout: 3000 });
  });

  test("answers nobody asked for are dropped, and a question is answered once", async () => {
    const { peer } = greeted();
    peer.control(1, request("ask", { asks: true }));
    await waitFor(() => peer.bytesOf(1, frameType.prompt) > 0, { what: "the prompt", interval: 1 });
    peer.control(1, { kind: "answer", prompt: 99, value: "wrong one" });
    peer.control(1, { kind: "answer", prompt: 1, value: "first" });
    for (let i = 0; i < 1000; i++) peer.control(1, { kind: "answer", prompt: 1, value: "again" });
    expect(await peer.message(1, "result")).toMatchObject({ value: { text: "first" } });
    await works(peer);
  });

  test("that never reads is closed before its answers fill the memory", async () => {
    const unread = new UnreadTransport();
    const peer = feeding(unread);
    for (let call = 1; call < 2000 && !unread.closed; call++) {
      peer.control(call, request("large", { input: { count: 400_000 } }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(unread.closed).toBe(true);
    expect(unread.bytes).toBeLessThan(200 * 1024 * 1024);
  });

  test("that reads nothing gets no heap of progress", async () => {
    const unread = new UnreadTransport();
    feeding(unread).control(1, request("progress", { input: { count: 50_000 }, progress: true }));
    await waitFor(() => unread.bytes > 50_000, { what: "progress", interval: 1 });
    expect(unread.bytes).toBeLessThan(100_000);
  });

  test("random frames end in an answer or a close, and in nothing else", async () => {
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc
        .constantFrom<object>(
          request("both"),
          request("sleep"),
          request("echo"),
          request("nothing"),
          { kind: "cancel" },
          { kind: "answer", prompt: 1, value: null },
          { kind: "hello", protocol: 1, release: "x", place: "", stop: true },
          { kind: "status" },
          { kind: "variables", request: 1, values: {} },
        )
        .map((message) => new TextEncoder().encode(JSON.stringify(message))),
    );
    const type = fc.constantFrom(...Object.values(frameType));
    const frames = fc.array(fc.tuple(type, fc.integer({ min: 0, max: 3 }), payload), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(frames, async (sent) => {
        const { peer, connection } = greeted();
        for (const [frame, call, bytes] of sent) peer.frame(frame, call, bytes);
        await new Promise((resolve) => setImmediate(resolve));
        const isRefused = peer.messages(0).some(({ kind }) => kind === "failure");
        if (!peer.closed && !isRefused) await works(peer);
        peer.close();
        await within(connection.ended, { what: "the end", timeout: 3000 });
      }),
      { numRuns: 150 },
    );
  });
});
