/**
 * A face's side of the connection to a broker: many calls at once over one transport. Only frames go over it, so that
 * the broker may live in this process or in another. Imports no package: a warm command's whole time is its start.
 */
import { SshMcpError } from "../../core/errors.ts";
import { decodeJson, type Frame, FrameReader, frameType, malformed } from "../wire/frame.ts";
import { encodeHello, encodeRequest } from "../wire/opening.ts";
import { type BrokerStatus, encodeControl, otherLanguage, protocolVersion, type Transport } from "../wire/protocol.ts";
import { parseReply, parseStatus } from "../wire/replies.ts";
import { closedByBroker, neverSent } from "./call-errors.ts";
import type { CallOptions } from "./call-options.ts";
import { ClientCall, type ClientLink } from "./client-call.ts";

export type { CallOptions } from "./call-options.ts";

export interface ClientOptions {
  /** Milliseconds that the broker may take to accept a request, which it does before anything else. */
  patienceMs?: number;
  /** Whether the broker's process was stopped, see `Patience`; by default nobody knows. */
  isStopped?: () => Promise<boolean>;
  /** Where this process runs, as in `Hello`; null when a hello was sent already. A broker in this process does not mind. */
  place?: string | null;
}

/** Long enough for any machine under load, and short enough for a person. */
const usualPatienceMs = 10_000;

export class BrokerClient implements ClientLink {
  readonly patienceMs: number;
  readonly isStopped: () => Promise<boolean>;
  readonly #transport: Transport;
  readonly #reader = new FrameReader();
  readonly #calls = new Map<number, ClientCall>();
  #lastCall = 0;
  /** Why the connection is no more, or null. */
  #lost: SshMcpError | null = null;
  #leaving = false;

  /** Says hello at once; requests need not wait for the welcome, and one that follows at once leaves together with it. */
  constructor(transport: Transport, options: ClientOptions = {}) {
    const { patienceMs = usualPatienceMs, isStopped = async () => false, place = "" } = options;
    this.patienceMs = patienceMs;
    this.isStopped = isStopped;
    this.#transport = transport;
    transport.onData = (bytes) => this.#receive(bytes);
    transport.onClose = () => this.#lose(closedByBroker(), true);
    if (place !== null) this.send(encodeHello({ place, stop: false }));
  }

  /** Whether a further request makes sense on this connection. */
  get usable(): boolean {
    return this.#lost === null && !this.#leaving;
  }

  get leaving(): boolean {
    return this.#leaving;
  }

  /** Calls that are not over. */
  get running(): number {
    return this.#calls.size;
  }

  /**
   * Runs one operation and resolves with its result, as the broker sent it. See `CallOptions` for the streams.
   * Rejects with
   * - the broker's own error, when the operation gave no result;
   * - the first error of a sink, of stdin or of `ask`, as it was thrown: it cancels the
   *   call, and comes when the broker has ended it;
   * - CANCELED when the signal was aborted before anything was sent; later, the broker's answer to the cancel decides;
   * - NotAccepted, which is BROKER_UNAVAILABLE, when the request may be sent again over another connection;
   * - BROKER_UNAVAILABLE, or the broker's own reason, when the operation certainly did not run, and another connection would
   *   not change that: among others, when the broker did not accept in time;
   * - OUTCOME_UNKNOWN when the connection ended and it may have run;
   * - TOO_LARGE when the input does not fit a frame (nothing was sent).
   */
  async call(options: CallOptions): Promise<unknown> {
    if (options.signal?.aborted) throw new SshMcpError("CANCELED", `${options.operation} was canceled before it began`);
    const { operation, input, caller, capture } = options;
    const [progress, asks] = [options.progress !== undefined, options.ask !== undefined];
    return await this.#run(options, (number) =>
      encodeRequest(number, { operation, input, caller, capture, progress, asks }),
    );
  }

  /**
   * As `call`, for a request that was sent already, as this call. What came meanwhile is to be handed to the transport's `onData` as soon
   * as this has returned its promise.
   */
  async sent(number: number, options: CallOptions): Promise<unknown> {
    this.#lastCall = number;
    return await this.#follow(number, options, () => undefined);
  }

  /** Asks the broker about itself. Rejects as `call` does. */
  async status(): Promise<BrokerStatus> {
    const caller = { face: "cli", client: "cli", cwd: "/", agentSocket: null } as const;
    const options = { operation: "status", input: {}, caller, capture: null };
    return parseStatus(await this.#run(options, (number) => encodeControl(number, { kind: "status" })));
  }

  /** Ends the connection, which cancels what runs; calls still waiting reject with OUTCOME_UNKNOWN. */
  close(): void {
    this.#lose(new SshMcpError("BROKER_UNAVAILABLE", "this client closed its connection to the broker"), false);
  }

  /** For the calls of this connection. */
  send(bytes: Uint8Array): void {
    this.#transport.write(bytes);
  }

  async #run(options: CallOptions, encode: (number: number) => Uint8Array): Promise<unknown> {
    if (this.#lost !== null) throw neverSent(this.#lost);
    const number = this.#freeNumber();
    const request = encode(number);
    return await this.#follow(number, options, () => this.send(request));
  }

  async #follow(number: number, options: CallOptions, begin: () => void): Promise<unknown> {
    const call = new ClientCall(number, options, this);
    this.#calls.set(number, call);
    begin();
    try {
      return await call.run();
    } finally {
      this.#calls.delete(number);
    }
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
    if (reply?.kind === "leaving") this.#leaving = true;
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
