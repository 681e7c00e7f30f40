/** One call, seen from the face that made it. */
import { SshMcpError } from "../core/errors.ts";
import { hintFor } from "../core/hint.ts";
import type { Caller } from "../core/operation.ts";
import type { Question, Sink } from "../core/session.ts";
import { decodeCredit, decodeJson, encodeCredit, type Frame, frameType, malformed, type StreamType } from "./frame.ts";
import { IncomingStream } from "./incoming-stream.ts";
import { InputPump } from "./input-pump.ts";
import { encodeControl, type PromptMessage, streamWindow, valueLimit } from "./protocol.ts";
import { parsePrompt, parseReply } from "./replies.ts";

export interface CallOptions {
  operation: string;
  input: unknown;
  caller: Caller;
  /**
   * Bytes of each output stream to keep in the result instead of streaming them, at most `captureLimit`; null streams.
   */
  capture: number | null;
  /**
   * Not touched before the operation reads, and never when it does not. Then read ahead by one chunk at most, and
   * returned (`return()`) when the call ends, even while it waits. Absent means empty. An error it throws cancels the
   * call: the remote must not take a cut input for a complete one.
   */
  stdin?: AsyncIterable<Uint8Array>;
  /** Absent discards. Everything sent before the result is written before the call resolves, unless it was canceled. */
  stdout?: Sink;
  stderr?: Sink;
  /** Puts a question to a person, one at a time; null when declined. Absent: the operation fails where it must ask. */
  ask?: (question: Question) => Promise<string | null>;
  progress?: (elapsedMs: number, message: string) => void;
  /** Aborting asks the broker to stop the operation; the call settles when it has. */
  signal?: AbortSignal;
}

type Answer = { value: unknown } | { error: SshMcpError };

export class ClientCall {
  readonly #number: number;
  readonly #options: CallOptions;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #input: InputPump;
  readonly #stdout: IncomingStream;
  readonly #stderr: IncomingStream;
  readonly #answer = Promise.withResolvers<Answer>();
  /** Resolves when the rest of the output is not worth waiting for. */
  readonly #canceled = Promise.withResolvers<void>();
  #phase: "sent" | "accepted" | "answered" = "sent";
  /** What went wrong on this side; boxed, for anything may be thrown. */
  #ownError: { thrown: unknown } | null = null;
  #stopping = false;
  #questions: Promise<void> = Promise.resolve();
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;

  constructor(number: number, options: CallOptions, send: (bytes: Uint8Array) => void) {
    this.#number = number;
    this.#options = options;
    this.#send = send;
    this.#input = new InputPump(number, options.stdin, send);
    const output = (type: StreamType, window: number): IncomingStream =>
      new IncomingStream(window, (bytes) => send(encodeCredit(number, type, bytes)));
    this.#stdout = output(frameType.stdout, streamWindow.stdout);
    this.#stderr = output(frameType.stderr, streamWindow.stderr);
  }

  /** Streams both ways until the answer is there and delivered. Rejects as `BrokerClient.call` says. */
  async run(): Promise<unknown> {
    const { signal, stdout = discard, stderr = discard } = this.#options;
    const cancel = (): void => this.#cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    void this.#sendInput();
    const delivered = Promise.all([this.#deliver(this.#stdout, stdout), this.#deliver(this.#stderr, stderr)]);
    const answer = await this.#answer.promise;
    this.#input.end();
    this.#stdout.end();
    this.#stderr.end();
    await Promise.race([delivered, this.#canceled.promise]);
    signal?.removeEventListener("abort", cancel);
    this.#stdout.drop();
    this.#stderr.drop();
    if (this.#ownError !== null) throw this.#ownError.thrown;
    if ("error" in answer) throw answer.error;
    return answer.value;
  }

  /** @throws SshMcpError PROTOCOL_ERROR: the connection makes no sense any more */
  receive({ type, payload }: Frame): void {
    if (this.#phase === "answered") return;
    switch (type) {
      case frameType.control:
        this.#message(payload);
        break;
      case frameType.stdout:
        this.#stdout.push(payload);
        break;
      case frameType.stderr:
        this.#stderr.push(payload);
        break;
      case frameType.credit: {
        const { stream, bytes } = decodeCredit(payload);
        if (stream !== frameType.stdin) throw malformed(`credit for stream ${stream}`);
        this.#input.grant(bytes);
        break;
      }
      case frameType.prompt:
        this.#prompt(parsePrompt(decodeJson(payload)));
        break;
      case frameType.value:
        this.#collect(payload);
        break;
      default:
        throw malformed(`a frame of type ${type}, which a broker never sends`);
    }
  }

  /**
   * The connection ended.
   * @param certain whether the operation certainly did not run when it was not accepted
   */
  lose(reason: SshMcpError, certain: boolean): void {
    if (this.#phase === "answered") return;
    this.#settle({
      error: this.#phase === "sent" && certain ? reason : outcomeUnknown(this.#options, reason),
    });
  }

  #message(payload: Uint8Array): void {
    const reply = parseReply(decodeJson(payload));
    switch (reply?.kind) {
      case "accepted":
        this.#phase = "accepted";
        break;
      case "progress":
        this.#progress(reply.elapsedMs, reply.message);
        break;
      case "result":
        this.#settle({ value: reply.chunked ? this.#joined() : reply.value });
        break;
      case "failure":
        this.#settle({ error: reply.error });
        break;
    }
  }

  #progress(elapsedMs: number, message: string): void {
    try {
      this.#options.progress?.(elapsedMs, message);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #collect(payload: Uint8Array): void {
    this.#pieceBytes += payload.length;
    if (this.#pieceBytes > valueLimit) throw malformed("a result over the limit");
    this.#pieces.push(payload.slice());
  }

  #joined(): unknown {
    const json = Buffer.concat(this.#pieces);
    this.#pieces = [];
    return decodeJson(json);
  }

  #prompt({ prompt, ...question }: PromptMessage): void {
    this.#questions = this.#questions.then(async () => {
      if (this.#phase === "answered" || this.#stopping) return;
      try {
        const value = (await this.#options.ask?.(question)) ?? null;
        this.#tell(encodeControl(this.#number, { kind: "answer", prompt, value }));
      } catch (thrown) {
        this.#failUnlessAnswered(thrown);
      }
    });
  }

  async #sendInput(): Promise<void> {
    try {
      await this.#input.run();
    } catch (thrown) {
      this.#failUnlessAnswered(thrown);
    }
  }

  async #deliver(stream: IncomingStream, sink: Sink): Promise<void> {
    try {
      for await (const chunk of stream) await sink.write(chunk);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** For what the operation wanted from this side: once it has ended, it wants nothing any more. */
  #failUnlessAnswered(thrown: unknown): void {
    if (this.#phase !== "answered") this.#fail(thrown);
  }

  /** The first error of this side cancels the call and is what the caller gets. */
  #fail(thrown: unknown): void {
    this.#ownError ??= { thrown };
    this.#stdout.drop();
    this.#stderr.drop();
    this.#cancel();
  }

  #cancel(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#canceled.resolve();
    this.#input.end();
    this.#tell(encodeControl(this.#number, { kind: "cancel" }));
  }

  #tell(bytes: Uint8Array): void {
    if (this.#phase !== "answered") this.#send(bytes);
  }

  #settle(answer: Answer): void {
    this.#phase = "answered";
    this.#answer.resolve(answer);
  }
}

const discard: Sink = { write: () => Promise.resolve() };

const outcomeUnknown = ({ operation, caller }: CallOptions, { message }: SshMcpError): SshMcpError =>
  new SshMcpError(
    "OUTCOME_UNKNOWN",
    `${operation} may or may not have run: ${message}; look whether it took effect before you run it again`,
    {
      hint: hintFor(caller, {
        command: "ssh-mcp exec TARGET -- ps -ef",
        tool: 'ssh_exec {"target":"TARGET","command":"ps -ef"}',
      }),
    },
  );
