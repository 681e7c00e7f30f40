import type { ReadableStreamDefaultReader } from "node:stream/web";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/sdk/types.js";
import { type Line, LineReader } from "./lines.ts";
import { invalidRequest, judge, parseError } from "./messages.ts";
import { LineWriter, type WriteText } from "./writer.ts";

/**
 * MCP over stdio (2025-11-25, "Transports"): one JSON-RPC message a line. In place of the SDK's own transport, which dies of a
 * long line, leaves unreadable requests without an answer, lets a client that does not read fill our memory, and never
 * notices the end of its input.
 */
export class StdioTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: JSONRPCMessage) => void) | undefined;

  /** Resolves when the client is gone: its output ended or ours broke. The transport goes on sending what it can. */
  readonly ended: Promise<void>;

  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: LineWriter;
  readonly #lines = new LineReader();
  readonly #inFlight = new Set<RequestId>();
  readonly #end: () => void;
  #whenIdle: (() => void)[] = [];

  constructor(input: ReadableStream<Uint8Array>, write: WriteText) {
    const ended = Promise.withResolvers<void>();
    this.ended = ended.promise;
    this.#end = ended.resolve;
    this.#reader = input.getReader();
    this.#writer = new LineWriter(write, this.#end);
  }

  async start(): Promise<void> {
    void this.#read().finally(this.#end);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (!("method" in message) && message.id !== undefined) this.#answered(message.id);
    await this.#write(message);
  }

  /** Resolves when every request that expects an answer has it, and all of it was handed to the client. */
  async idle(): Promise<void> {
    if (this.#inFlight.size > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    await this.#writer.flushed();
  }

  async close(): Promise<void> {
    // A pending read would keep the process alive.
    await this.#reader.cancel().catch((error) => this.#report(error));
    this.onclose?.();
  }

  async #read(): Promise<void> {
    const handle = (line: Line): void => this.#handle(line);
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        this.#lines.push(value, handle);
        // Who does not read our answers is not read either.
        await this.#writer.room();
      }
      this.#lines.end(handle);
    } catch (error) {
      this.#report(error);
    }
  }

  #handle(line: Line): void {
    if ("fault" in line) return void this.#write(parseError(line.fault));
    const verdict = judge(line.text);
    if (verdict === "ignore") return;
    if ("answer" in verdict) return void this.#write(verdict.answer);
    if (!this.#register(verdict.deliver)) return;
    try {
      this.onmessage?.(verdict.deliver);
    } catch (error) {
      this.#report(error);
    }
  }

  /** @returns false when the message must not be delivered */
  #register(message: JSONRPCMessage): boolean {
    if (!("method" in message)) return true;
    if ("id" in message) {
      // "The request ID MUST NOT have been previously used by the requestor within the same session." Delivered, a
      // repeated command would run twice, and the first could no longer be canceled.
      if (this.#inFlight.has(message.id)) {
        void this.#write(invalidRequest(message.id, "a request with this id is running"));
        return false;
      }
      this.#inFlight.add(message.id);
    } else if (message.method === "notifications/cancelled") {
      // A canceled request is never answered.
      const id = message.params?.["requestId"];
      if (typeof id === "string" || typeof id === "number") this.#answered(id);
    }
    return true;
  }

  #write(message: JSONRPCMessage): Promise<void> {
    return this.#writer.write(`${JSON.stringify(message)}\n`);
  }

  #report(error: unknown): void {
    this.onerror?.(error instanceof Error ? error : new Error(String(error)));
  }

  #answered(id: RequestId): void {
    this.#inFlight.delete(id);
    if (this.#inFlight.size > 0) return;
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of waiting) resolve();
  }
}
