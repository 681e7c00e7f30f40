/**
 * A face's side of the connection to a broker: many calls at once over one transport. Only frames go over it, so that
 * the broker may live in this process or in another. Imports no package: a warm command's whole time is its start.
 */
import { SshMcpError } from "../core/errors.ts";
import { release } from "../core/version.ts";
import { type CallOptions, ClientCall } from "./client-call.ts";
import { decodeJson, type Frame, FrameReader, frameType, malformed } from "./frame.ts";
import { encodeControl, otherLanguage, protocolVersion, type Transport } from "./protocol.ts";
import { parseReply } from "./replies.ts";

export type { CallOptions } from "./client-call.ts";

export class BrokerClient {
  readonly #transport: Transport;
  readonly #reader = new FrameReader();
  readonly #calls = new Map<number, ClientCall>();
  #lastCall = 0;
  /** Why the connection is no more, or null. */
  #lost: SshMcpError | null = null;

  /** Says hello at once; requests need not wait for the welcome. */
  constructor(transport: Transport) {
    this.#transport = transport;
    transport.onData = (bytes) => this.#receive(bytes);
    transport.onClose = () => this.#lose(closedByBroker(), true);
    transport.write(encodeControl(0, { kind: "hello", protocol: protocolVersion, release }));
  }

  /**
   * Runs one operation and resolves with its result, as the broker sent it. See `CallOptions` for the streams.
   * Rejects with
   * - the broker's own error, when the operation gave no result;
   * - the first error of a sink, of stdin or of `ask`, as it was thrown: it cancels the
   *   call, and comes when the broker has ended it;
   * - CANCELED when the signal was aborted before anything was sent; later, the broker's answer to the cancel decides;
   * - BROKER_UNAVAILABLE, or the broker's own reason, when the connection ended
   *   and the operation certainly did not run;
   * - OUTCOME_UNKNOWN when the connection ended and it may have run;
   * - TOO_LARGE when the input does not fit a frame (nothing was sent).
   */
  async call(options: CallOptions): Promise<unknown> {
    if (this.#lost !== null) throw neverSent(this.#lost);
    if (options.signal?.aborted) throw new SshMcpError("CANCELED", `${options.operation} was canceled before it began`);
    const number = this.#freeNumber();
    const { operation, input, caller, capture } = options;
    const request = encodeControl(number, {
      kind: "request",
      operation,
      input,
      caller,
      capture,
      progress: options.progress !== undefined,
      asks: options.ask !== undefined,
    });
    const call = new ClientCall(number, options, (bytes) => this.#transport.write(bytes));
    this.#calls.set(number, call);
    this.#transport.write(request);
    try {
      return await call.run();
    } finally {
      this.#calls.delete(number);
    }
  }

  /** Ends the connection, which cancels what runs; calls still waiting reject with OUTCOME_UNKNOWN. */
  close(): void {
    this.#lose(new SshMcpError("BROKER_UNAVAILABLE", "this client closed its connection to the broker"), false);
  }

  #receive(bytes: Uint8Array): void {
    try {
      this.#reader.push(bytes, (frame) => this.#handle(frame));
    } catch (thrown) {
      this.#lose(thrown instanceof SshMcpError ? thrown : malformed("what this client cannot handle", thrown), false);
    }
  }

  #handle(frame: Frame): void {
    if (this.#lost !== null) return;
    if (frame.call === 0) this.#handleOwn(frame);
    else this.#calls.get(frame.call)?.receive(frame);
  }

  #handleOwn({ type, payload }: Frame): void {
    const reply = type === frameType.control ? parseReply(decodeJson(payload)) : null;
    if (reply?.kind === "failure") this.#lose(reply.error, true);
    if (reply?.kind !== "welcome" || reply.protocol === protocolVersion) return;
    this.#lose(otherLanguage({ broker: reply.protocol, client: protocolVersion }), true);
  }

  /** @param certain whether a call that was not accepted certainly did not run */
  #lose(reason: SshMcpError, certain: boolean): void {
    if (this.#lost !== null) return;
    this.#lost = reason;
    for (const call of this.#calls.values()) call.lose(reason, certain);
    this.#transport.close();
  }

  #freeNumber(): number {
    do this.#lastCall = this.#lastCall >= 0xffff_ffff ? 1 : this.#lastCall + 1;
    while (this.#calls.has(this.#lastCall));
    return this.#lastCall;
  }
}

const closedByBroker = (): SshMcpError =>
  new SshMcpError("BROKER_UNAVAILABLE", "the broker closed the connection", { hint: "run the same command again" });

const neverSent = (reason: SshMcpError): SshMcpError =>
  new SshMcpError("BROKER_UNAVAILABLE", reason.message, reason.hint === null ? {} : { hint: reason.hint });
