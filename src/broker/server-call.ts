/** One running call, seen from the broker: its streams, its questions, its end. */
import { SshMcpError, toSshMcpError } from "../core/errors.ts";
import { encodeFailure, encodeResult } from "./answer-frames.ts";
import type { CallIo, Dispatch } from "./dispatch.ts";
import { decodeCredit, encodeCredit, encodeFrame, type Frame, frameType, malformed } from "./frame.ts";
import { IncomingStream } from "./incoming-stream.ts";
import { OutgoingStream } from "./outgoing-stream.ts";
import { Prompts } from "./prompts.ts";
import { encodeControl, encodePrompt, type Request, streamWindow } from "./protocol.ts";

/** Progress is for people: cut to a line's length. */
const longestProgress = 1024;

/** What a call needs of its connection. */
export interface Link {
  /** Hands over a frame, which is dropped when the connection is closed. */
  send(bytes: Uint8Array): void;
  /** True while the client leaves so much unread that only what it asked for is worth adding. */
  readonly congested: boolean;
}

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
  #over = false;

  constructor(number: number, request: Request, link: Link) {
    this.#number = number;
    this.#request = request;
    this.#link = link;
    const output = (type: typeof frameType.stdout | typeof frameType.stderr, window: number): OutgoingStream =>
      new OutgoingStream(window, (piece) => link.send(encodeFrame(type, number, piece)));
    this.#stdout = output(frameType.stdout, streamWindow.stdout);
    this.#stderr = output(frameType.stderr, streamWindow.stderr);
    const grant = (bytes: number): void => link.send(encodeCredit(number, frameType.stdin, bytes));
    this.#stdin = new IncomingStream(streamWindow.stdin, grant, 0);
    this.#prompts = new Prompts(request.asks, (prompt) => link.send(encodePrompt(number, prompt)));
  }

  /** Runs the operation and sends how it ended. Never rejects. */
  async run(dispatch: Dispatch): Promise<void> {
    this.#link.send(encodeControl(this.#number, { kind: "accepted" }));
    let frames: Uint8Array[];
    try {
      frames = encodeResult(this.#number, await dispatch(this.#request, this.#io()));
    } catch (thrown) {
      frames = [encodeFailure(this.#number, toSshMcpError(thrown))];
    }
    this.#over = true;
    this.#cut(new SshMcpError("INTERNAL", "a call was used after its end"));
    for (const frame of frames) this.#link.send(frame);
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
      default:
        throw malformed(`a frame of type ${type}, which a client never sends`);
    }
  }

  answer(prompt: number, value: string | null): void {
    this.#prompts.answer(prompt, value);
  }

  /** Tells the operation to stop; the call ends when it has. */
  cancel(reason: string): void {
    if (this.#over || this.#controller.signal.aborted) return;
    const error = new SshMcpError("CANCELED", reason);
    this.#cut(error);
    this.#controller.abort(error);
  }

  #io(): CallIo {
    return {
      signal: this.#controller.signal,
      stdin: this.#stdin,
      stdout: this.#stdout,
      stderr: this.#stderr,
      ask: (question) => this.#prompts.ask(question),
      progress: (message) => this.#progress(message),
    };
  }

  #progress(message: string): void {
    if (this.#over || !this.#request.progress || this.#link.congested) return;
    const elapsedMs = Math.round(performance.now() - this.#startedAt);
    const shown = message.slice(0, longestProgress);
    this.#link.send(encodeControl(this.#number, { kind: "progress", elapsedMs, message: shown }));
  }

  #cut(error: SshMcpError): void {
    this.#stdin.fail(error);
    this.#stdout.fail(error);
    this.#stderr.fail(error);
    this.#prompts.fail(error);
  }
}
