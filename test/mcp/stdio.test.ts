import { describe, expect, test } from "bun:test";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { StdioTransport } from "../../src/mcp/stdio.ts";
import { waitFor } from "../support/wait.ts";

const encoder = new TextEncoder();

/** A transport whose input the test writes, and whose output it reads. */
const harness = (write?: (text: string) => Promise<void>) => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const input = writable.getWriter();
  const sent: string[] = [];
  const received: JSONRPCMessage[] = [];
  const errors: Error[] = [];
  const transport = new StdioTransport(readable, write ?? (async (text) => void sent.push(text)));
  transport.onmessage = (message) => received.push(message);
  transport.onerror = (error) => errors.push(error);
  const feed = (...messages: unknown[]): Promise<void> =>
    input.write(encoder.encode(messages.map((message) => `${JSON.stringify(message)}\n`).join("")));
  return { transport, input, feed, sent, received, errors };
};

const request = (id: number | string, method = "ping") => ({ jsonrpc: "2.0" as const, id, method });
const result = (id: number | string) => ({ jsonrpc: "2.0" as const, id, result: {} });
const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol();
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
};

describe("StdioTransport", () => {
  test("delivers messages and writes one line for each answer", async () => {
    const { transport, feed, sent, received } = harness();
    await transport.start();
    await feed(request(1), { jsonrpc: "2.0", method: "notifications/initialized" });
    await waitFor(() => received.length === 2, { what: "two messages" });
    await transport.send({ jsonrpc: "2.0", id: 1, result: { text: "a\nb\u2028" } });
    expect(sent).toEqual(['{"jsonrpc":"2.0","id":1,"result":{"text":"a\\nb\u2028"}}\n']);
  });

  test("is idle when every request has its answer or was canceled", async () => {
    const { transport, feed, received } = harness();
    await transport.start();
    await transport.idle();
    await feed(request(1, "tools/list"), request("two", "tools/list"));
    await waitFor(() => received.length === 2, { what: "two messages" });
    const idle = transport.idle();
    await transport.send(result(1));
    expect(await isSettled(idle)).toBe(false);
    await feed({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "two" } });
    await idle;
  });

  test("takes an id again once its request is answered", async () => {
    const { transport, feed, received, sent } = harness();
    await transport.start();
    await feed(request(1), request(1));
    await waitFor(() => sent.length === 1, { what: "the refusal" });
    expect(received.length).toBe(1);
    await transport.send(result(1));
    await feed(request(1));
    await waitFor(() => received.length === 2, { what: "the second request" });
  });

  test("keeps a running request in mind when another one with its id is malformed", async () => {
    const { transport, feed, received, sent } = harness();
    await transport.start();
    await feed(request(1), request(1, "tools/call"));
    await waitFor(() => sent.length === 1, { what: "the refusal" });
    await feed(request(1));
    await waitFor(() => sent.length === 2, { what: "the second refusal" });
    expect(sent.map((line) => JSON.parse(line).error.code)).toEqual([-32602, -32600]);
    expect(received.length).toBe(1);
  });

  test("goes on after a message that its receiver fails on", async () => {
    const { transport, feed, received, errors } = harness();
    await transport.start();
    const { onmessage } = transport;
    transport.onmessage = () => {
      transport.onmessage = onmessage;
      throw new Error("a bug");
    };
    await feed(request(1), request(2));
    await waitFor(() => received.length === 1, { what: "the second message" });
    expect(errors.map(({ message }) => message)).toEqual(["a bug"]);
  });

  test("stops reading while a client does not take its answers", async () => {
    const taken = Promise.withResolvers<void>();
    const { transport, feed, received } = harness(() => taken.promise);
    await transport.start();
    void transport.send({ jsonrpc: "2.0", id: 1, result: { text: "x".repeat(5 * 1024 * 1024) } });
    // One chunk may be under way; what comes behind it is not read.
    void feed(request(2));
    await waitFor(() => received.length === 1, { what: "the chunk under way" });
    void feed(request(3));
    void feed(request(4));
    await new Promise((resolve) => setImmediate(resolve));
    expect(received.length).toBe(1);
    taken.resolve();
    await waitFor(() => received.length === 3, { what: "the rest" });
  });

  test("has ended when its input has, but still sends", async () => {
    const { transport, feed, input, received, sent } = harness();
    await transport.start();
    await feed(request(1));
    await input.close();
    await transport.ended;
    expect(received.length).toBe(1);
    await transport.send(result(1));
    expect(sent.length).toBe(1);
  });

  test("has ended when its input fails", async () => {
    const { transport, input, errors } = harness();
    await transport.start();
    void input.abort(new Error("EIO"));
    await transport.ended;
    expect(errors.map(({ message }) => message)).toEqual(["EIO"]);
  });

  test("has ended when nobody takes its output", async () => {
    const { transport, sent } = harness(() => Promise.reject(new Error("EPIPE")));
    await transport.start();
    await transport.send(result(1));
    await transport.ended;
    expect(sent).toEqual([]);
  });

  test("close ends a read that waits, and tells once", async () => {
    const { transport } = harness();
    let closed = 0;
    transport.onclose = () => {
      closed++;
    };
    await transport.start();
    await transport.close();
    await transport.ended;
    expect(closed).toBe(1);
  });
});
