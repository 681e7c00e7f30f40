/**
 * The broker's side of one connection. Whatever the client sends, it costs this connection at most: a broken message
 * for a new call is answered on that call; one that leaves no sense in the rest ends the connection, with the reason on
 * call 0.
 */
import { type SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { encodeFailure, encodeResult } from "../wire/answer-frames.ts";
import { parseClientMessage } from "../wire/control.ts";
import { decodeJson, type Frame, FrameReader, frameType, malformed } from "../wire/frame.ts";
import { type ClientMessage, encodeControl, protocolVersion, type Transport } from "../wire/protocol.ts";
import { SharedWay } from "../wire/shared-way.ts";
import { ConnectionCalls } from "./connection-calls.ts";
import type { Dispatch } from "./dispatch.ts";
import { type BrokerHost, refusalOf } from "./greeting.ts";
import type { Burden, Load } from "./load.ts";
import type { Link } from "./server-call.ts";

export interface ServerOptions {
  dispatch: Dispatch;
  /** The broker's own release, for the welcome. */
  release: string;
  load: Load;
  /** The process that serves many clients; null when the broker lives inside its only one. */
  host: BrokerHost | null;
}

/** One client, seen from the process that serves it. */
export interface ServedConnection {
  /** Calls running now. */
  readonly running: number;
  /** Whether it has said hello. */
  readonly greeted: boolean;
  /** Resolves when the connection is closed, with what was written delivered, and every call of it has ended. */
  readonly ended: Promise<void>;
  /** Tells what runs to stop; their results are still delivered. */
  cancel(reason: string): void;
  /**
   * Takes no further request. The connection is closed when nothing runs on it any more and `free` has settled: the client of a request
   * that was not accepted comes again, and must find another broker's place free.
   */
  leave(free: Promise<void>): void;
  /** Accepts no further request: each is answered with the error. */
  refuseRequests(error: SshMcpError): void;
  /** Ends the connection with a reason. It is closed when the client has read it, or a second later. */
  refuse(error: SshMcpError): void;
}

/** Serves one client until either side closes; that cancels the calls that still run. */
export const serveConnection = (transport: Transport, options: ServerOptions): ServedConnection =>
  new ClientLink(transport, options);

class ClientLink implements ServedConnection, Link, Burden {
  readonly #transport: Transport;
  readonly #options: ServerOptions;
  readonly #reader = new FrameReader();
  readonly #calls: ConnectionCalls;
  readonly way: SharedWay;
  readonly #ended = Promise.withResolvers<void>();
  #greeted = false;
  #leaving = false;
  /** What `leave` waited for has come. */
  #free = false;
  #open = true;
  /** Closed by both sides, or broken. */
  #gone = false;

  constructor(transport: Transport, options: ServerOptions) {
    this.#transport = transport;
    this.#options = options;
    this.way = new SharedWay(transport);
    const onNone = (): void => this.#noCallRuns();
    this.#calls = new ConnectionCalls({ dispatch: options.dispatch, load: options.load, link: this, onNone });
    options.load.add(this);
    transport.onData = (bytes) => this.#receive(bytes);
    transport.onDrain = () => this.way.drained();
    transport.onClose = () => {
      options.load.remove(this);
      this.#gone = true;
      this.#closed();
      this.#settle();
    };
  }

  get running(): number {
    return this.#calls.size;
  }

  get greeted(): boolean {
    return this.#greeted;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get peer(): number | null {
    return this.#transport.peer ?? null;
  }

  get unread(): number {
    return this.#transport.pending;
  }

  get congested(): boolean {
    return this.unread > progressLimit;
  }

  drop(): void {
    this.#closed();
    this.#transport.abort();
  }

  cancel(reason: string): void {
    this.#calls.cancel(reason);
  }

  leave(free: Promise<void>): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#calls.leave();
    if (this.#calls.size > 0) this.send(encodeControl(0, { kind: "leaving" }));
    void free.then(() => {
      this.#free = true;
      if (this.#calls.size === 0) this.#close();
    });
  }

  refuse(error: SshMcpError): void {
    if (!this.#open) return;
    this.send(encodeFailure(0, error));
    this.#closed();
    // A socket that is closed with something unread in it resets the connection, and the reason is lost: what still comes is dropped first.
    const timer = setTimeout(() => this.#transport.close(), lingerMs);
    void this.ended.then(() => clearTimeout(timer));
  }

  refuseRequests(error: SshMcpError): void {
    this.#calls.refuse(error);
  }

  #receive(bytes: Uint8Array): void {
    if (!this.#open) return;
    try {
      this.#reader.push(bytes, (frame) => this.#handle(frame));
    } catch (thrown) {
      this.refuse(toSshMcpError(thrown));
    }
  }

  #handle(frame: Frame): void {
    if (!this.#open) return;
    const message = frame.type === frameType.control ? this.#read(frame) : null;
    if (!this.#greeted) this.#greet(message);
    else if (message !== null) this.#obey(frame.call, message);
    // A frame for no running call: the call ended, or was refused, while the frame was on its way.
    else if (frame.type !== frameType.control) this.#calls.get(frame.call)?.receive(frame);
  }

  /** Null for a broken message that was answered on its own call. */
  #read({ call, payload }: Frame): ClientMessage | null {
    try {
      return parseClientMessage(decodeJson(payload));
    } catch (thrown) {
      if (!this.#greeted || call === 0 || this.#calls.get(call) !== undefined) throw thrown;
      this.send(encodeFailure(call, toSshMcpError(thrown)));
      return null;
    }
  }

  #obey(call: number, message: ClientMessage): void {
    switch (message.kind) {
      case "hello":
        throw malformed("a second hello");
      case "request":
        this.#calls.start(call, message);
        break;
      case "status":
        this.#tellStatus(call);
        break;
      default:
        this.#calls.get(call)?.obey(message);
    }
  }

  #greet(message: ClientMessage | null): void {
    if (message?.kind !== "hello") throw malformed("something else before its hello");
    const { release, host } = this.#options;
    const refusal = refusalOf(message, host);
    if (refusal !== null) throw refusal;
    this.#greeted = true;
    // Without a word: the client, whose request was not accepted, connects again and finds the place free.
    if (!message.stop && host?.givesWayTo(message.release) === true) return;
    this.send(encodeControl(0, { kind: "welcome", protocol: protocolVersion, release, pid: process.pid }));
    if (message.stop) host?.stop(this);
  }

  #tellStatus(number: number): void {
    this.#calls.mustBeFree(number);
    const { host } = this.#options;
    if (host === null) throw malformed("a question for the status of a broker that is part of its client");
    for (const frame of encodeResult(number, host.status())) this.send(frame);
  }

  get isOpen(): boolean {
    return this.#open;
  }

  send(bytes: Uint8Array): void {
    if (!this.#open) return;
    this.#transport.write(bytes);
    this.#options.load.weigh(this);
  }

  whenTaken(callback: () => void): void {
    if (this.#open) this.#transport.whenTaken(callback);
  }

  #noCallRuns(): void {
    if (this.#free) this.#close();
    this.#settle();
  }

  #close(): void {
    this.#closed();
    this.#transport.close();
  }

  #closed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.cancel("the client went away");
  }

  #settle(): void {
    if (this.#gone && this.#calls.size === 0) this.#ended.resolve();
  }
}

/** How long a client that was refused may take to read the reason. */
const lingerMs = 1000;
/** Beyond this much unread nobody watches the progress. */
const progressLimit = 64 * 1024;
