/** One running call, seen from the broker: its streams, its questions, its end. */
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import type { TransferProgress } from "../../core/files/transfers.ts";
import { encodeFailure, encodeResult } from "../wire/answer-frames.ts";
import { decodeCredit, encodeCredit, encodeHeader, type Frame, frameType, malformed } from "../wire/frame.ts";
import { IncomingStream } from "../wire/incoming-stream.ts";
import { OutgoingStream, type Way } from "../wire/outgoing-stream.ts";
import {
  type ClientMessage,
  encodeControl,
  encodePrompt,
  encodeVariablesRequest,
  type Request,
  streamWindow,
} from "../wire/protocol.ts";
import { RequestedFiles } from "./caller-files.ts";
import { AskedTerminal } from "./caller-terminal.ts";
import type { CallIo, Dispatch } from "./dispatch.ts";
import { Prompts } from "./prompts.ts";
import { Variables } from "./variables.ts";

/** Progress is for people: cut to a line's length. */
const longestProgress = 1024;
const longestNotice = 4096;

/** What a call needs of its connection. */
export interface Link {
  /** Hands over a frame, which is dropped when the connection is closed. */
  send(bytes: Uint8Array): void;
  /** Calls back when the client gets what was sent up to now whatever happens: at once where possible, never on a connection that ends before. */
  whenTaken(callback: () => void): void;
  readonly way: Way;
  /** The client's process, where the system says it. */
  readonly peer: number | null;
  /** False when nothing that is sent gets anywhere any more. */
  readonly isOpen: boolean;
  /** True while the client leaves so much unread that only what it asked for is worth adding. */
  readonly congested: boolean;
}

/** What a client says to a call that runs. */
export type CallMessage = Exclude<ClientMessage, { kind: "hello" | "request" | "status" }>;

export class ServerCall {
  readonly #number: number;
  readonly #request: Request;
  readonly #link: Link;
  readonly #startedAt = performance.now();
  readonly #controller = new AbortController();
  readonly #stdin: IncomingStream;
  readonly #stdout: OutgoingStream;
  readonly #stderr: OutgoingStream;
  readonly #prompts: Prompts;
  readonly #variables: Variables;
  readonly #files: RequestedFiles;
  readonly #terminal: AskedTerminal;
  /** Waits for the kernel to take `accepted`. */
  #unaccepted: PromiseWithResolvers<void> | null = null;
  #canceled: SshMcpError | null = null;
  #over = false;

  constructor(number: number, request: Request, link: Link) {
    this.#number = number;
    this.#request = request;
    this.#link = link;
    const output = (type: typeof frameType.stdout | typeof frameType.stderr, window: number): OutgoingStream => {
      const send = (piece: Uint8Array): void => {
        link.send(encodeHeader(type, number, piece.length));
        link.send(piece);
      };
      return new OutgoingStream({ window, send, way: link.way });
    };
    this.#stdout = output(frameType.stdout, streamWindow.stdout);
    this.#stderr = output(frameType.stderr, streamWindow.stderr);
    const grant = (bytes: number): void => link.send(encodeCredit(number, frameType.stdin, bytes));
    this.#stdin = new IncomingStream(streamWindow.stdin, grant, 0);
    this.#prompts = new Prompts(request.asks, {
      send: (prompt) => link.send(encodePrompt(number, prompt)),
      withdraw: (prompt) => link.send(encodeControl(number, { kind: "withdrawn", prompt })),
    });
    this.#variables = new Variables((wanted) => link.send(encodeVariablesRequest(number, wanted)));
    this.#terminal = new AskedTerminal(() => link.send(encodeControl(number, { kind: "terminal" })));
    this.#files = new RequestedFiles(number, (bytes) => link.send(bytes), link);
  }

  /** Runs the operation and sends how it ended. Never rejects. */
  async run(dispatch: Dispatch): Promise<void> {
    let frames: Uint8Array[];
    try {
      const starting = this.#accept();
      // Not a turn later than it has to be: this is the way of every call.
      if (starting !== null) await starting;
      if (this.#canceled !== null) throw this.#canceled;
      const result = await dispatch(this.#request, this.#io());
      // To write down a large result takes time, which others need when nobody is there to read it.
      frames = this.#link.isOpen ? encodeResult(this.#number, result) : [];
    } catch (thrown) {
      frames = [encodeFailure(this.#number, toSshMcpError(thrown))];
    }
    this.#over = true;
    this.#cut(new SshMcpError("INTERNAL", "a call was used after its end"));
    for (const frame of frames) this.#link.send(frame);
  }

  /**
   * A client whose connection ends before `accepted` sends its request again: what it does not get for certain must not have run.
   * @returns null when the client gets it; else what resolves then, and rejects when the call is canceled before
   */
  #accept(): Promise<void> | null {
    this.#link.send(encodeControl(this.#number, { kind: "accepted" }));
    if (this.#canceled !== null) return null;
    const taken = Promise.withResolvers<void>();
    let done = false;
    this.#link.whenTaken(() => {
      done = true;
      taken.resolve();
    });
    if (done) return null;
    this.#unaccepted = taken;
    return taken.promise;
  }

  /** @throws SshMcpError PROTOCOL_ERROR for a frame that a client must not send */
  receive({ type, payload }: Frame): void {
    switch (type) {
      case frameType.stdin:
        this.#stdin.push(payload);
        break;
      case frameType.eof:
        this.#stdin.end();
        break;
      case frameType.credit: {
        const { stream, bytes } = decodeCredit(payload);
        if (stream === frameType.stdout) this.#stdout.grant(bytes);
        else if (stream === frameType.stderr) this.#stderr.grant(bytes);
        else throw malformed(`credit for stream ${stream}`);
        break;
      }
      case frameType.file:
        this.#files.receive(payload);
        break;
      default:
        throw malformed(`a frame of type ${type}, which a client never sends`);
    }
  }

  obey(message: CallMessage): void {
    switch (message.kind) {
      case "cancel":
        this.cancel(null);
        break;
      case "answer":
        this.#prompts.answer(message.prompt, message.value);
        break;
      case "variables":
        this.#variables.answer(message.request, message.values);
        break;
      case "terminal":
        this.#terminal.answer(message.terminal);
        break;
      case "resize":
        this.#terminal.resized(message);
        break;
    }
  }

  /**
   * Tells the operation to stop; the call ends when it has.
   * @param reason what its client is to hear; null when that wants it itself
   */
  cancel(reason: string | null): void {
    if (this.#over || this.#controller.signal.aborted) return;
    const error = new SshMcpError("CANCELED", reason ?? "the call was canceled");
    this.#canceled = error;
    this.#unaccepted?.reject(error);
    this.#cut(error);
    this.#controller.abort(reason === null ? undefined : error);
  }

  #io(): CallIo {
    return {
      signal: this.#controller.signal,
      stdin: this.#stdin,
      stdout: this.#stdout,
      stderr: this.#stderr,
      ask: (question, withdrawn) => this.#prompts.ask(question, withdrawn),
      asks: this.#request.asks,
      variables: (names) => this.#variables.ask(names),
      files: this.#files,
      local: this.#files.side(),
      terminal: (onResize) => this.#terminal.begin(onResize),
      notice: (message) => this.#notice(message),
      watched: this.#request.progress,
      progress: (message, transfer) => this.#progress(message, transfer),
    };
  }

  #progress(message: string, transfer: TransferProgress | null = null): void {
    if (this.#over || !this.#request.progress || this.#link.congested) return;
    const elapsedMs = Math.round(performance.now() - this.#startedAt);
    const shown = message.slice(0, longestProgress);
    this.#link.send(encodeControl(this.#number, { kind: "progress", elapsedMs, message: shown, transfer }));
  }

  #notice(message: string): void {
    if (this.#over) return;
    this.#link.send(encodeControl(this.#number, { kind: "notice", message: message.slice(0, longestNotice) }));
  }

  #cut(error: SshMcpError): void {
    this.#stdin.fail(error);
    this.#stdout.fail(error);
    this.#stderr.fail(error);
    this.#prompts.fail(error);
    this.#variables.fail(error);
    this.#terminal.fail(error);
    this.#files.fail(error);
  }
}
