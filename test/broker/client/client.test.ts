import { describe, expect, test } from "bun:test";
import { NotAccepted } from "../../../src/broker/client/call-errors.ts";
import { BrokerClient, type CallOptions } from "../../../src/broker/client/client.ts";
import { controlLimit, dataLimit, encodeCredit, frameType } from "../../../src/broker/wire/frame.ts";
import { createPair } from "../../../src/broker/wire/pair.ts";
import { streamWindow, type Transport, valueLimit } from "../../../src/broker/wire/protocol.ts";
import { waitFor } from "../../support/wait.ts";
import { question } from "../process/fake-operations.ts";
import { caller, RawPeer } from "../process/raw-peer.ts";

const connect = (): { client: BrokerClient; broker: RawPeer } => {
  const [near, far] = createPair();
  const broker = new RawPeer(far);
  return { client: new BrokerClient(near), broker };
};

/** A transport that uses its buffers again, as one over a socket may. */
const scrambled = (): { near: Transport; broker: RawPeer } => {
  const [end, far] = createPair();
  const near: Transport = {
    write: (bytes) => end.write(bytes),
    whenTaken: (callback) => end.whenTaken(callback),
    close: () => end.close(),
    abort: () => end.abort(),
    pending: 0,
    onData: () => undefined,
    onDrain: () => undefined,
    onClose: () => undefined,
  };
  end.onData = (bytes) => {
    near.onData(bytes);
    bytes.fill(0xee);
  };
  return { near, broker: new RawPeer(far) };
};

const options = (changes: Partial<CallOptions> = {}): CallOptions => ({
  operation: "exec",
  input: {},
  caller,
  capture: null,
  ...changes,
});

/** What a broker sends when the operation begins to read, and whenever a whole window was read. */
const windowOfCredit = encodeCredit(1, frameType.stdin, streamWindow.stdin);

/** A call the broker has seen. */
const called = async (changes: Partial<CallOptions> = {}) => {
  const { client, broker } = connect();
  const outcome = client.call(options(changes)).catch((thrown: unknown) => thrown);
  await broker.message(1, "request");
  return { client, broker, outcome };
};

const result = { kind: "result", value: { ok: true }, chunked: false };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const until = (condition: () => unknown, what: string): Promise<unknown> =>
  waitFor(condition, { what, timeout: 3000, interval: 1 });
const kinds = (broker: RawPeer, call = 1): unknown[] => broker.messages(call).map(({ kind }) => kind);

describe("requests", () => {
  test("hello and request go out without waiting for each other", async () => {
    const { broker, outcome } = await called({ capture: 10, progress: () => undefined, ask: async () => null });
    expect(broker.messages(0)).toMatchObject([{ kind: "hello", protocol: 1 }]);
    expect(broker.messages(1)).toEqual([
      { kind: "request", operation: "exec", input: {}, caller, capture: 10, progress: true, asks: true },
    ]);
    broker.control(1, { kind: "accepted" });
    broker.control(1, result);
    expect(await outcome).toEqual({ ok: true });
    expect(broker.bytesOf(1, frameType.eof)).toBe(0);
  });

  test("are told apart by number, and a later one may end first", async () => {
    const { client, broker } = connect();
    const calls = [1, 2, 3].map((n) => client.call(options({ input: n })));
    await broker.message(3, "request");
    for (const n of [3, 1, 2]) broker.control(n, { ...result, value: n });
    expect(await Promise.all(calls)).toEqual([1, 2, 3]);
  });

  test("one that no frame holds is refused, and nothing is sent", async () => {
    const { client, broker } = connect();
    const input = "x".repeat(controlLimit);
    expect(await client.call(options({ input })).catch((thrown: unknown) => thrown)).toMatchObject({
      code: "TOO_LARGE",
    });
    await turn();
    expect(broker.frames.map(({ call }) => call)).toEqual([0]);
  });

  test("a result in pieces is put together", async () => {
    const { broker, outcome } = await called();
    const json = new TextEncoder().encode(JSON.stringify({ text: "é".repeat(300_000) }));
    for (let at = 0; at < json.length; at += dataLimit)
      broker.frame(frameType.value, 1, json.subarray(at, at + dataLimit));
    broker.control(1, { kind: "result", value: null, chunked: true });
    expect(await outcome).toEqual({ text: "é".repeat(300_000) });
  });

  test("nothing is kept of a transport's buffer after it was handed over", async () => {
    const { near, broker } = scrambled();
    const chunks: Uint8Array[] = [];
    const stdout = { write: async (chunk: Uint8Array) => void chunks.push(chunk) };
    const outcome = new BrokerClient(near).call(options({ stdout }));
    await broker.message(1, "request");
    broker.frame(frameType.stdout, 1, "output");
    broker.frame(frameType.value, 1, '"whole"');
    await turn();
    broker.control(1, { kind: "result", value: null, chunked: true });
    expect(await outcome).toBe("whole");
    expect(Buffer.concat(chunks).toString()).toBe("output");
  });

  test("a failure is the error it names; one from the future is still readable", async () => {
    for (const [code, expected] of [
      ["AUTH_FAILED", { code: "AUTH_FAILED", message: "m", hint: "h", retryable: false }],
      ["NEW_CODE", { code: "INTERNAL", message: "NEW_CODE: m", hint: "h" }],
    ] as const) {
      const { broker, outcome } = await called();
      broker.control(1, { kind: "failure", error: { code, message: "m", hint: "h", retryable: false } });
      expect(await outcome).toMatchObject(expected);
    }
  });

  test("what only a newer release says is passed over", async () => {
    const { broker, outcome } = await called();
    broker.control(0, { kind: "welcome", protocol: 1, release: "9.9.9", pid: 1, mood: "good" });
    broker.control(1, { kind: "accepted", queue: 3 });
    broker.control(1, { kind: "weather", sun: true });
    broker.control(1, { ...result, extra: 1 });
    expect(await outcome).toEqual({ ok: true });
  });
});

describe("a connection that ends", () => {
  const accept = (broker: RawPeer): void => broker.control(1, { kind: "accepted" });
  const refuse = (broker: RawPeer): void =>
    broker.control(0, {
      kind: "failure",
      error: { code: "BROKER_UNAVAILABLE", message: "other", hint: "h", retryable: true },
    });

  test.each<[string, (broker: RawPeer, client: BrokerClient) => void, object]>([
    ["closed before it accepted", (broker) => broker.close(), { code: "BROKER_UNAVAILABLE", retryable: true }],
    [
      "closed after it accepted",
      (broker) => {
        accept(broker);
        broker.close();
      },
      { code: "OUTCOME_UNKNOWN", retryable: false },
    ],
    ["refused the hello", refuse, { code: "BROKER_UNAVAILABLE", message: "other", hint: "h" }],
    [
      "failed as a whole later",
      (broker) => {
        accept(broker);
        refuse(broker);
      },
      {
        code: "OUTCOME_UNKNOWN",
        message: "exec may or may not have run: other; look whether it took effect before you run it again",
      },
    ],
    [
      "another protocol",
      (broker) => broker.control(0, { kind: "welcome", protocol: 2, release: "2", pid: 1 }),
      { code: "BROKER_UNAVAILABLE", hint: "ssh-mcp broker restart" },
    ],
    ["this side closed", (_broker, client) => client.close(), { code: "OUTCOME_UNKNOWN" }],
    ["garbage", (broker) => broker.bytes(new Uint8Array(20)), { code: "OUTCOME_UNKNOWN" }],
    ["a message that is none", (broker) => broker.control(1, []), { code: "OUTCOME_UNKNOWN" }],
    ["a result of no shape", (broker) => broker.control(1, { kind: "result" }), { code: "OUTCOME_UNKNOWN" }],
    [
      "a failure of no shape",
      (broker) => broker.control(1, { kind: "failure", error: null }),
      { code: "OUTCOME_UNKNOWN" },
    ],
    ["a prompt of no shape", (broker) => broker.frame(frameType.prompt, 1, "{}"), { code: "OUTCOME_UNKNOWN" }],
    [
      "pieces that are no JSON",
      (broker) => broker.control(1, { ...result, chunked: true }),
      { code: "OUTCOME_UNKNOWN" },
    ],
    [
      "credit beyond the window",
      (broker) => broker.bytes(encodeCredit(1, frameType.stdin, streamWindow.stdin + 1)),
      { code: "OUTCOME_UNKNOWN" },
    ],
    [
      "credit for an output",
      (broker) => broker.bytes(encodeCredit(1, frameType.stdout, 1)),
      { code: "OUTCOME_UNKNOWN" },
    ],
    ["a frame that only a client sends", (broker) => broker.frame(frameType.eof, 1), { code: "OUTCOME_UNKNOWN" }],
  ])("%s", async (_what, end, error) => {
    const { client, broker, outcome } = await called();
    end(broker, client);
    expect(await outcome).toMatchObject(error);
    await until(() => broker.closed, "the close");
    expect(await client.call(options()).catch((thrown: unknown) => thrown)).toMatchObject({
      code: "BROKER_UNAVAILABLE",
    });
  });

  describe("after it accepted", () => {
    const lost = async (changes: Partial<CallOptions>, before: (broker: RawPeer) => void = () => undefined) => {
      const { broker, outcome } = await called(changes);
      accept(broker);
      before(broker);
      await turn();
      broker.close();
      return await outcome;
    };
    const model = { ...caller, face: "mcp" } as const;

    test.each<[string, Partial<CallOptions>, string]>([
      ["a target", { input: { target: "web" } }, "ssh-mcp exec web -- ps -ef"],
      ["a target to quote", { input: { target: "a b" } }, "ssh-mcp exec 'a b' -- ps -ef"],
      [
        "a target of a model",
        { input: { target: "web" }, caller: model },
        'ssh_exec {"target":"web","command":"ps -ef"}',
      ],
      [
        "a file",
        { operation: "write-file", input: { target: "web", path: "a b", sudo: true } },
        "ssh-mcp stat --sudo 'web:a b'",
      ],
      [
        "a file of a model",
        { operation: "path", input: { target: "web", path: "x", action: "remove" }, caller: model },
        'ssh_path {"target":"web","action":"stat","path":"x"}',
      ],
      [
        "a copy",
        { operation: "transfer", input: { sources: ["a"], destination: "web:b" } },
        "run the same command again with --resume",
      ],
      [
        "a copy of a model",
        { operation: "transfer", input: { sources: ["a"], destination: "web:b" }, caller: model },
        'ssh_transfer {"sources":["a"],"destination":"web:b","resume":true}',
      ],
      [
        "a copy of standard input",
        { operation: "transfer", input: { sources: ["-"], destination: "web:b" } },
        "run the same command again",
      ],
      ["a sync", { operation: "sync", input: { source: "a", destination: "web:b" } }, "run the same command again"],
      ["several files", { operation: "rm", input: { target: "web", paths: ["x", "y"] } }, "ssh-mcp stat web:x"],
      ["what was moved", { operation: "mv", input: { target: "web", paths: ["x", "y"] } }, "ssh-mcp stat web:y"],
      ["none", { input: {} }, "ssh-mcp ls"],
      ["what is no target", { input: { target: 7 } }, "ssh-mcp ls"],
    ])("the hint looks at %s", async (_what, changes, hint) => {
      expect(await lost(changes)).toMatchObject({ code: "OUTCOME_UNKNOWN", hint });
    });

    test("the message names the file, and the command as it is typed", async () => {
      const input = { target: "web", path: "k/r" };
      const { message } = (await lost({ operation: "edit-file", input })) as Error;
      expect(message).toStartWith('whether edit of "k/r" on web was done is not known: ');
    });

    test("what may be repeated is no riddle", async () => {
      const error = { code: "BROKER_UNAVAILABLE", message: "the broker closed the connection", retryable: true };
      expect(await lost({ operation: "connect", repeatable: true })).toMatchObject(error);
      expect(await lost({ repeatable: true })).not.toBeInstanceOf(NotAccepted);
    });

    test("what waited for an answer had not begun; what had its answer may have", async () => {
      const ask = (broker: RawPeer): void =>
        broker.frame(frameType.prompt, 1, JSON.stringify({ ...question, prompt: 1 }));
      const never = () => new Promise<string>(() => undefined);
      expect(await lost({ ask: never }, ask)).toMatchObject({
        code: "BROKER_UNAVAILABLE",
        message: "the broker closed the connection before the login was through; no command was sent",
        hint: "run the same command again",
      });
      expect(await lost({ ask: async () => "secret" }, ask)).toMatchObject({ code: "OUTCOME_UNKNOWN" });
      const answeredElsewhere = (broker: RawPeer): void => {
        ask(broker);
        broker.control(1, { kind: "withdrawn", prompt: 1 });
      };
      expect(await lost({ ask: never }, answeredElsewhere)).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    });
  });

  test("more output than it has credit for ends it: memory is bounded", async () => {
    const { broker, outcome } = await called({ stdout: { write: () => new Promise(() => undefined) } });
    for (let sent = 0; sent <= streamWindow.stdout; sent += dataLimit)
      broker.frame(frameType.stdout, 1, new Uint8Array(dataLimit));
    await until(() => broker.closed, "the close");
    // The sink still holds its first chunk, and may for ever: that it was lost need not wait for it.
    expect(broker.closed).toBe(true);
    void outcome;
  });

  test("so does a result beyond its limit", async () => {
    const { broker, outcome } = await called();
    const piece = new Uint8Array(dataLimit);
    for (let sent = 0; sent <= valueLimit; sent += dataLimit) broker.frame(frameType.value, 1, piece);
    expect(await outcome).toMatchObject({ code: "OUTCOME_UNKNOWN" });
  });
});

describe("stdin", () => {
  const waiting = () => {
    let begun = false;
    let returned = false;
    const source: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          begun = true;
          return new Promise(() => undefined);
        },
        return: async () => {
          returned = true;
          return { done: true, value: undefined };
        },
      }),
    };
    return { source, begun: () => begun, returned: () => returned };
  };

  test("goes out as far as credit allows, in frames within the limit, then ends", async () => {
    let read = 0;
    const source = async function* (): AsyncIterable<Uint8Array> {
      for (; read < 4; read++) yield new Uint8Array(streamWindow.stdin);
    };
    const { broker, outcome } = await called({ stdin: source() });
    await turn();
    expect(read).toBe(0);
    broker.bytes(windowOfCredit);
    await until(() => broker.bytesOf(1, frameType.stdin) === streamWindow.stdin, "a window of stdin");
    await turn();
    expect(broker.bytesOf(1, frameType.stdin)).toBe(streamWindow.stdin);
    expect(read).toBe(1);
    for (let n = 0; n < 3; n++) {
      broker.bytes(windowOfCredit);
      await until(() => broker.bytesOf(1, frameType.stdin) === streamWindow.stdin * (n + 2), "the next window");
    }
    await until(() => broker.frames.some(({ type }) => type === frameType.eof), "the end of stdin");
    broker.control(1, result);
    expect(await outcome).toEqual({ ok: true });
  });

  test("is returned when the call ends, though it waits", async () => {
    const { source, begun, returned } = waiting();
    const { broker, outcome } = await called({ stdin: source });
    broker.bytes(windowOfCredit);
    await until(begun, "a read");
    expect(returned()).toBe(false);
    broker.control(1, result);
    expect(await outcome).toEqual({ ok: true });
    expect(returned()).toBe(true);
    expect(broker.frames.some(({ type }) => type === frameType.eof)).toBe(false);
  });

  test("a generator that waits for ever keeps no call from ending, nor does one that fails in its end", async () => {
    const never = async function* (): AsyncIterable<Uint8Array> {
      try {
        yield new Uint8Array(1);
        yield new Uint8Array(2 * streamWindow.stdin);
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: a source may be as bad as this
        throw new Error("in its end");
      }
    };
    const { broker, outcome } = await called({ stdin: never() });
    broker.bytes(windowOfCredit);
    await until(() => broker.bytesOf(1, frameType.stdin) === streamWindow.stdin, "a window of stdin");
    broker.control(1, result);
    expect(await outcome).toEqual({ ok: true });
  });

  test("an error of it cancels the call and is the error, without an end of input", async () => {
    const error = new Error("EIO");
    const broken = async function* (): AsyncIterable<Uint8Array> {
      yield Uint8Array.of(1);
      throw error;
    };
    const { broker, outcome } = await called({ stdin: broken() });
    broker.bytes(windowOfCredit);
    await broker.message(1, "cancel");
    broker.control(1, result);
    expect(await outcome).toBe(error);
    expect(broker.frames.some(({ type }) => type === frameType.eof)).toBe(false);
  });
});

describe("stdout and stderr", () => {
  test("all of them is written before the call resolves, and credit comes as they are", async () => {
    const gate = Promise.withResolvers<void>();
    let bytes = 0;
    const stdout = {
      write: async (chunk: Uint8Array) => {
        await gate.promise;
        bytes += chunk.length;
      },
    };
    const { broker, outcome } = await called({ stdout });
    for (let n = 0; n < 4; n++) broker.frame(frameType.stdout, 1, new Uint8Array(dataLimit));
    await turn();
    expect(broker.bytesOf(1, frameType.credit)).toBe(0);
    broker.control(1, result);
    await turn();
    let settled = false;
    void outcome.then(() => {
      settled = true;
    });
    await turn();
    expect(settled).toBe(false);
    gate.resolve();
    expect(await outcome).toEqual({ ok: true });
    expect(bytes).toBe(4 * dataLimit);
  });

  test("are thrown away, and go on, without a sink", async () => {
    const { broker, outcome } = await called();
    for (let n = 0; n < 4; n++) broker.frame(frameType.stderr, 1, new Uint8Array(dataLimit));
    await until(() => broker.bytesOf(1, frameType.credit) > 0, "credit");
    broker.control(1, result);
    expect(await outcome).toEqual({ ok: true });
  });

  test("a sink that throws cancels the call; its error comes when the broker has ended it", async () => {
    const error = new Error("EPIPE");
    const stdout = { write: () => Promise.reject(error) };
    const { broker, outcome } = await called({ stdout });
    broker.control(1, { kind: "accepted" });
    broker.frame(frameType.stdout, 1, "x");
    await broker.message(1, "cancel");
    broker.frame(frameType.stdout, 1, "more");
    let settled = false;
    void outcome.then(() => {
      settled = true;
    });
    await turn();
    expect(settled).toBe(false);
    broker.control(1, result);
    expect(await outcome).toBe(error);
    expect(kinds(broker)).toEqual(["request", "cancel"]);
  });

  test("a sink that throws after the result is still the error, and cancels nothing", async () => {
    const error = new Error("EPIPE");
    const stdout = { write: () => Promise.reject(error) };
    const { broker, outcome } = await called({ stdout });
    broker.frame(frameType.stdout, 1, "x");
    broker.control(1, result);
    expect(await outcome).toBe(error);
    await turn();
    expect(kinds(broker)).toEqual(["request"]);
  });
});

describe("cancel", () => {
  test("before the call: nothing is sent", async () => {
    const { client, broker } = connect();
    const error = await client.call(options({ signal: AbortSignal.abort() })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CANCELED" });
    await turn();
    expect(broker.frames.length).toBe(1);
  });

  test("asks once, and the broker's answer counts, be it a result or a failure", async () => {
    for (const answer of [
      result,
      { kind: "failure", error: { code: "CANCELED", message: "m", hint: null, retryable: false } },
    ]) {
      const controller = new AbortController();
      const { broker, outcome } = await called({ signal: controller.signal });
      controller.abort();
      controller.abort();
      await broker.message(1, "cancel");
      broker.control(1, answer);
      expect(await outcome).toMatchObject(answer === result ? { ok: true } : { code: "CANCELED" });
      expect(kinds(broker)).toEqual(["request", "cancel"]);
    }
  });

  test("is asked for once, though a sink breaks as well", async () => {
    const controller = new AbortController();
    const error = new Error("EPIPE");
    const stdout = { write: () => Promise.reject(error) };
    const { broker, outcome } = await called({ signal: controller.signal, stdout });
    controller.abort();
    broker.frame(frameType.stdout, 1, "x");
    await turn();
    broker.control(1, result);
    expect(await outcome).toBe(error);
    expect(kinds(broker)).toEqual(["request", "cancel"]);
  });

  test("after the answer nothing is sent", async () => {
    const controller = new AbortController();
    const { broker, outcome } = await called({ signal: controller.signal });
    broker.control(1, result);
    await outcome;
    controller.abort();
    await turn();
    expect(kinds(broker)).toEqual(["request"]);
  });

  test("output that nobody takes keeps no canceled call from ending", async () => {
    const controller = new AbortController();
    const stdout = { write: () => new Promise<void>(() => undefined) };
    const { broker, outcome } = await called({ signal: controller.signal, stdout });
    broker.frame(frameType.stdout, 1, "x");
    broker.control(1, result);
    await turn();
    controller.abort();
    expect(await outcome).toEqual({ ok: true });
  });

  test("a broker that ends meanwhile leaves the outcome unknown", async () => {
    const controller = new AbortController();
    const { broker, outcome } = await called({ signal: controller.signal });
    broker.control(1, { kind: "accepted" });
    controller.abort();
    await broker.message(1, "cancel");
    broker.close();
    expect(await outcome).toMatchObject({ code: "OUTCOME_UNKNOWN" });
  });
});

describe("questions and progress", () => {
  const prompt = (broker: RawPeer, id: number): void =>
    broker.frame(frameType.prompt, 1, JSON.stringify({ ...question, prompt: id }));

  test("are put one at a time and answered by their number", async () => {
    const open: PromiseWithResolvers<string | null>[] = [];
    const ask = (asked: unknown): Promise<string | null> => {
      expect(asked).toEqual(question);
      open.push(Promise.withResolvers());
      return open.at(-1)?.promise ?? Promise.resolve(null);
    };
    const { broker, outcome } = await called({ ask });
    prompt(broker, 4);
    prompt(broker, 5);
    await until(() => open.length === 1, "the first question");
    await turn();
    expect(open.length).toBe(1);
    open[0]?.resolve("one");
    await until(() => open.length === 2, "the second question");
    open[1]?.resolve(null);
    await until(() => broker.messages(1).length === 3, "both answers");
    expect(broker.messages(1).slice(1)).toEqual([
      { kind: "answer", prompt: 4, value: "one" },
      { kind: "answer", prompt: 5, value: null },
    ]);
    broker.control(1, result);
    await outcome;
  });

  test("one that is withdrawn is taken back from the face, and not answered; the next one is put", async () => {
    const asked: AbortSignal[] = [];
    const ask = (_question: unknown, withdrawn: AbortSignal): Promise<string | null> => {
      asked.push(withdrawn);
      if (asked.length === 2) return Promise.resolve("two");
      // The face cannot say how a question ended that is no question any more.
      return new Promise((_, reject) => withdrawn.addEventListener("abort", () => reject(new Error("taken back"))));
    };
    const { broker, outcome } = await called({ ask });
    for (const id of [1, 2, 3]) prompt(broker, id);
    await until(() => asked.length === 1, "the first question");
    // The second was not put yet.
    for (const id of [2, 1, 9]) broker.control(1, { kind: "withdrawn", prompt: id });
    expect(await broker.message(1, "answer")).toEqual({ kind: "answer", prompt: 3, value: "two" });
    expect(asked.map(({ aborted }) => aborted)).toEqual([true, false]);
    broker.control(1, result);
    expect(await outcome).toEqual({ ok: true });
    expect(kinds(broker)).toEqual(["request", "answer"]);
  });

  test("a face that cannot ask declines", async () => {
    const { broker, outcome } = await called();
    prompt(broker, 1);
    expect(await broker.message(1, "answer")).toMatchObject({ value: null });
    broker.control(1, result);
    await outcome;
  });

  test.each<[string, Partial<CallOptions>, (broker: RawPeer) => void]>([
    ["ask", { ask: () => Promise.reject(new Error("no tty")) }, (broker) => prompt(broker, 1)],
    [
      "progress",
      {
        progress: () => {
          throw new Error("no tty");
        },
      },
      (broker) => broker.control(1, { kind: "progress", elapsedMs: 5, message: "m" }),
    ],
  ])("an error of %s cancels the call and is the error", async (_what, changes, provoke) => {
    const { broker, outcome } = await called(changes);
    provoke(broker);
    await broker.message(1, "cancel");
    broker.control(1, result);
    expect(await outcome).toMatchObject({ message: "no tty" });
  });

  test("an error of ask that comes after the result changes nothing", async () => {
    const question = Promise.withResolvers<string>();
    const asked = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const ask = (): Promise<string> => {
      asked.resolve();
      return question.promise;
    };
    const { broker, outcome } = await called({ ask, stdout: { write: () => gate.promise } });
    prompt(broker, 1);
    await asked.promise;
    broker.frame(frameType.stdout, 1, "x");
    broker.control(1, result);
    await turn();
    question.reject(new Error("too late"));
    await turn();
    gate.resolve();
    expect(await outcome).toEqual({ ok: true });
    expect(kinds(broker)).toEqual(["request"]);
  });

  test("progress is handed on", async () => {
    const seen: unknown[] = [];
    const { broker, outcome } = await called({ progress: (...args) => seen.push(args) });
    broker.control(1, { kind: "progress", elapsedMs: 5, message: "half" });
    broker.control(1, result);
    await outcome;
    expect(seen).toEqual([[5, "half", null]]);
  });
});
