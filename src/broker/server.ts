/**
 * The broker's side of one connection. Whatever the client sends, it costs this connection at most: a broken message
 * for a new call is answered on that call; one that leaves no sense in the rest ends the connection, with the reason on
 * call 0.
 */
import { SshMcpError, toSshMcpError } from "../core/errors.ts";
import { hintFor } from "../core/hint.ts";
import type { Caller } from "../core/operation.ts";
import { encodeFailure } from "./answer-frames.ts";
import { parseClientMessage } from "./control.ts";
import type { Dispatch } from "./dispatch.ts";
import { decodeJson, type Frame, FrameReader, frameType, malformed } from "./frame.ts";
import {
  type ClientMessage,
  callLimit,
  encodeControl,
  otherLanguage,
  protocolVersion,
  type Request,
  type Transport,
  valueLimit,
} from "./protocol.ts";
import { type Link, ServerCall } from "./server-call.ts";

export interface ServerOptions {
  dispatch: Dispatch;
  /** The broker's own release, for the welcome. */
  release: string;
}

export interface ServedConnection {
  /** Calls running now. */
  readonly running: number;
  /** Resolves when the connection is closed and every call of it has ended. */
  readonly ended: Promise<void>;
}

/** Serves one client until either side closes; that cancels the calls that still run. */
export const serveConnection = (transport: Transport, options: ServerOptions): ServedConnection =>
  new ClientLink(transport, options);

class ClientLink implements ServedConnection, Link {
  readonly #transport: Transport;
  readonly #options: ServerOptions;
  readonly #reader = new FrameReader();
  readonly #calls = new Map<number, ServerCall>();
  readonly #ended = Promise.withResolvers<void>();
  #greeted = false;
  #open = true;

  constructor(transport: Transport, options: ServerOptions) {
    this.#transport = transport;
    this.#options = options;
    transport.onData = (bytes) => this.#receive(bytes);
    transport.onClose = () => this.#closed();
  }

  get running(): number {
    return this.#calls.size;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  #receive(bytes: Uint8Array): void {
    try {
      this.#reader.push(bytes, (frame) => this.#handle(frame));
    } catch (thrown) {
      this.#refuse(toSshMcpError(thrown));
    }
  }

  #handle(frame: Frame): void {
    if (!this.#open) return;
    // Credit can be given without reading, and every request is answered: what waits to be read is bounded here.
    if (this.#transport.pending > unreadLimit) throw malformed("more than it reads answers to");
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
      if (!this.#greeted || call === 0 || this.#calls.has(call)) throw thrown;
      this.send(encodeFailure(call, toSshMcpError(thrown)));
      return null;
    }
  }

  #obey(call: number, message: ClientMessage): void {
    switch (message.kind) {
      case "hello":
        throw malformed("a second hello");
      case "request":
        this.#start(call, message);
        break;
      case "cancel":
        this.#calls.get(call)?.cancel("the call was canceled");
        break;
      case "answer":
        this.#calls.get(call)?.answer(message.prompt, message.value);
        break;
    }
  }

  #greet(message: ClientMessage | null): void {
    if (message?.kind !== "hello") throw malformed("something else before its hello");
    if (message.protocol !== protocolVersion)
      throw otherLanguage({ broker: protocolVersion, client: message.protocol });
    this.#greeted = true;
    const { release } = this.#options;
    this.send(encodeControl(0, { kind: "welcome", protocol: protocolVersion, release, pid: process.pid }));
  }

  #start(number: number, request: Request): void {
    if (number === 0 || this.#calls.has(number)) throw malformed(`a request as call ${number}, which is taken`);
    if (this.#calls.size >= callLimit) {
      this.send(encodeFailure(number, tooManyCalls(request.caller)));
      return;
    }
    const call = new ServerCall(number, request, this);
    this.#calls.set(number, call);
    void call.run(this.#options.dispatch).then(() => {
      this.#calls.delete(number);
      this.#settle();
    });
  }

  send(bytes: Uint8Array): void {
    if (this.#open) this.#transport.write(bytes);
  }

  get congested(): boolean {
    return this.#transport.pending > progressLimit;
  }

  #refuse(error: SshMcpError): void {
    this.send(encodeFailure(0, error));
    this.#closed();
    this.#transport.close();
  }

  #closed(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const call of this.#calls.values()) call.cancel("the client went away");
    this.#settle();
  }

  #settle(): void {
    if (!this.#open && this.#calls.size === 0) this.#ended.resolve();
  }
}

/** Bytes a client may leave unread and still send more: a result of the largest size, and dozens of full windows. */
const unreadLimit = 2 * valueLimit;
/** Beyond this much unread nobody watches the progress. */
const progressLimit = 64 * 1024;

const tooManyCalls = (caller: Caller): SshMcpError =>
  new SshMcpError("BROKER_UNAVAILABLE", `${callLimit} calls are running on this connection already`, {
    hint: hintFor(caller, { command: "ssh-mcp ls", tool: "ssh_sessions {}" }),
  });
