import { describe, expect, test } from "bun:test";
import type { BrokerClient, CallOptions } from "../../../src/broker/client/client.ts";
import { createDispatch } from "../../../src/broker/process/dispatch.ts";
import { type LocalBroker, serveLocally } from "../../../src/broker/process/local.ts";
import { streamWindow } from "../../../src/broker/wire/protocol.ts";
import { waitFor, within } from "../../support/wait.ts";
import {
  canceled,
  fake,
  loginQuestion,
  noHosts,
  noSessions,
  operations,
  produced,
  question,
} from "./fake-operations.ts";
import { caller } from "./raw-peer.ts";

let stopped = 0;
const counted = fake("counted", async (_input, context) => {
  await canceled(context);
  stopped++;
  return { count: 0, text: null };
});
const hostKey = fake("host-key", async (_input, context) => ({
  count: 0,
  text: await context.ask({ ...loginQuestion, kind: "host-key" }),
}));
/** As exec: a person's answer first, then stdin. */
const login = fake("login", async (_input, context) => {
  const text = await context.ask(loginQuestion);
  let count = 0;
  for await (const chunk of context.stdin) count += chunk.length;
  return { count, text };
});

const open = (): LocalBroker =>
  serveLocally(
    createDispatch({
      operations: [...operations, counted, hostKey, login],
      sessions: noSessions,
      hosts: noHosts,
      rules: [],
    }),
  );

const call = (client: BrokerClient, operation: string, input: object = {}, changes: Partial<CallOptions> = {}) =>
  client.call({ operation, input, caller, capture: null, ...changes });

const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((thrown: unknown) => thrown);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const collector = () => {
  const chunks: Uint8Array[] = [];
  return { write: async (chunk: Uint8Array) => void chunks.push(chunk), bytes: () => Buffer.concat(chunks) };
};

describe("streams", () => {
  test("megabytes go through both ways unchanged", async () => {
    const { client } = open();
    const sent = crypto.getRandomValues(new Uint8Array(65_536));
    const chunks = Array.from({ length: 100 }, (_, n) => sent.subarray(n, 65_536 - n * 13));
    const stdout = collector();
    const stdin = (async function* () {
      yield* chunks;
    })();
    const whole = Buffer.concat(chunks);
    expect(await call(client, "echo", {}, { stdin, stdout })).toMatchObject({ count: whole.length });
    expect(stdout.bytes().equals(whole)).toBe(true);
  });

  test("a reader that does not read stops a producer of 100 MB, then gets all of it", async () => {
    const { client } = open();
    const gate = Promise.withResolvers<void>();
    let bytes = 0;
    const stdout = {
      write: async (chunk: Uint8Array) => {
        await gate.promise;
        bytes += chunk.length;
      },
    };
    const outcome = call(client, "produce", { count: 100 }, { stdout });
    await waitFor(() => produced.mebibytes > 0, { what: "output", interval: 1 });
    for (let i = 0; i < 20; i++) await turn();
    expect(produced.mebibytes * 1024 * 1024).toBe(streamWindow.stdout);
    expect(await call(client, "both")).toMatchObject({ count: 2 });
    gate.resolve();
    expect(await outcome).toMatchObject({ count: 100 });
    expect(bytes).toBe(100 * 1024 * 1024);
  });

  test("a broken sink ends an endless producer", async () => {
    const { client } = open();
    const stdout = { write: () => Promise.reject(new Error("EPIPE")) };
    expect(await errorOf(call(client, "produce", { count: 1e9 }, { stdout }))).toMatchObject({ message: "EPIPE" });
    expect(produced.mebibytes).toBeLessThan(10);
  });

  test("an endless producer and a fast reader leave room for a timer to cancel them", async () => {
    const { client } = open();
    const signal = AbortSignal.timeout(20);
    const stdout = { write: () => Promise.resolve() };
    expect(await errorOf(call(client, "produce", { count: 1e9 }, { stdout, signal }))).toMatchObject({
      code: "CANCELED",
    });
  });

  test("captured output is in the result", async () => {
    const { client } = open();
    expect(await call(client, "both", { text: "x" }, { capture: 100 })).toMatchObject({
      stdout: "out x\n",
      stderr: "err x\n",
      truncated: false,
    });
  });
});

describe("stdin", () => {
  const watched = () => {
    let touched = false;
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1, 2, 3);
    };
    const stdin: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => {
        touched = true;
        return chunks();
      },
    };
    return { stdin, touched: () => touched };
  };

  test("is not touched before the operation reads: a login that fails leaves it to the caller's next command", async () => {
    const { client } = open();
    const { stdin, touched } = watched();
    const atLogin = Promise.withResolvers<boolean>();
    const ask = async (): Promise<string> => {
      // By the end of another call whatever was to be read at the start has been read.
      await call(client, "both");
      atLogin.resolve(touched());
      return "hunter2";
    };
    expect(await call(client, "login", {}, { stdin, ask })).toMatchObject({ count: 3, text: "hunter2" });
    expect(await atLogin.promise).toBe(false);
    expect(touched()).toBe(true);
  });

  test.each<[string, string]>([
    ["both", "that succeeds"],
    ["fail", "that fails"],
    ["login", "whose question nobody answers"],
  ])("is never touched by %s, an operation %s without reading", async (operation) => {
    const { client } = open();
    const { stdin, touched } = watched();
    await errorOf(call(client, operation, {}, { stdin }));
    await call(client, "both");
    expect(touched()).toBe(false);
  });

  test("is never touched by a call that is canceled, or cut off, before it reads", async () => {
    const { client, close } = open();
    const [canceledInput, cutInput] = [watched(), watched()];
    const controller = new AbortController();
    const canceledCall = call(client, "sleep", {}, { stdin: canceledInput.stdin, signal: controller.signal });
    const cutCall = errorOf(call(client, "sleep", {}, { stdin: cutInput.stdin }));
    await call(client, "both");
    controller.abort();
    expect(await canceledCall).toMatchObject({ text: "canceled" });
    await within(close(), { what: "the close", timeout: 3000 });
    expect(await cutCall).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect([canceledInput.touched(), cutInput.touched()]).toEqual([false, false]);
  });
});

describe("calls", () => {
  test("hundreds of them, each with its own answer", async () => {
    const { client } = open();
    const texts = Array.from({ length: 200 }, (_, n) => `call ${n}`);
    const outputs = await Promise.all(
      texts.map(async (text) => {
        const stdout = collector();
        await call(client, "both", { text }, { stdout });
        return stdout.bytes().toString();
      }),
    );
    expect(outputs).toEqual(texts.map((text) => `out ${text}\n`));
  });

  test("a result of 5 MB arrives whole", async () => {
    const { client } = open();
    const result = (await call(client, "large", { count: 2_500_000 })) as { text: string };
    expect(result.text === "é".repeat(2_500_000)).toBe(true);
  });

  test("a result beyond the limit is an error, not a broken connection", async () => {
    const { client } = open();
    expect(await errorOf(call(client, "large", { count: 33 * 1024 * 1024 }))).toMatchObject({ code: "TOO_LARGE" });
    expect(await call(client, "both")).toMatchObject({ count: 2 });
  });

  test("an error keeps its code, message, hint and nature", async () => {
    const { client } = open();
    expect(await errorOf(call(client, "fail", { text: "x" }))).toMatchObject({
      name: "SshMcpError",
      code: "CONNECT_REFUSED",
      message: "refused x",
      hint: "ssh-mcp ls",
      retryable: true,
    });
  });

  test("a canceled one ends with what the operation says", async () => {
    const { client } = open();
    const controller = new AbortController();
    const outcome = call(client, "sleep", {}, { signal: controller.signal });
    await turn();
    controller.abort();
    expect(await outcome).toMatchObject({ text: "canceled" });
  });

  test("closing cancels them, and waits until each has ended", async () => {
    const { client, close } = open();
    stopped = 0;
    const outcomes = [1, 2, 3].map(() => errorOf(call(client, "counted")));
    await turn();
    await within(close(), { what: "the close", timeout: 3000 });
    expect(stopped).toBe(3);
    for (const error of await Promise.all(outcomes)) expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(await errorOf(call(client, "both"))).toMatchObject({ code: "BROKER_UNAVAILABLE" });
    await within(close(), { what: "a second close", timeout: 3000 });
  });

  test("progress comes to who asked for it", async () => {
    const { client } = open();
    const seen: string[] = [];
    await call(
      client,
      "progress",
      { count: 3 },
      {
        progress: (elapsedMs, message) => {
          expect(elapsedMs).toBeGreaterThanOrEqual(0);
          seen.push(message);
        },
      },
    );
    expect(seen).toEqual(["step 1", "step 2", "step 3"]);
    await call(client, "progress", { count: 3 });
  });
});

describe("questions", () => {
  test("are answered by the face", async () => {
    const { client } = open();
    const ask: CallOptions["ask"] = async (asked) => {
      expect(asked).toEqual(question);
      return "hunter2";
    };
    expect(await call(client, "ask", {}, { ask })).toMatchObject({ text: "hunter2" });
  });

  const declined: CallOptions["ask"] = async () => null;
  test.each<[string, string, CallOptions["ask"] | undefined, object]>([
    [
      "ask",
      "no face to ask",
      undefined,
      { code: "AUTH_REQUIRED", message: "logging in to ann@web 1 takes a password, and nobody gave it" },
    ],
    ["ask", "a person who declines", declined, { code: "AUTH_REQUIRED" }],
    [
      "host-key",
      "no face to ask",
      undefined,
      {
        code: "HOST_KEY_UNKNOWN",
        message: "the host key of ann@web 1 is not known, and nobody confirmed it: a password",
      },
    ],
    ["host-key", "a person who declines", declined, { code: "HOST_KEY_UNKNOWN" }],
  ])("%s, %s: a person must act, and the hint says how, quoted", async (operation, _who, ask, error) => {
    const { client } = open();
    const thrown = await errorOf(call(client, operation, {}, ask === undefined ? {} : { ask }));
    expect(thrown).toMatchObject({ ...error, hint: "ssh-mcp connect 'ann@web 1'" });
  });

  test("a person who takes long keeps no canceled call from ending", async () => {
    const { client } = open();
    const controller = new AbortController();
    const asked = Promise.withResolvers<void>();
    const ask = (): Promise<string> => {
      asked.resolve();
      return new Promise(() => undefined);
    };
    const outcome = errorOf(call(client, "ask", {}, { ask, signal: controller.signal }));
    await asked.promise;
    controller.abort();
    expect(await outcome).toMatchObject({ code: "CANCELED" });
  });
});
