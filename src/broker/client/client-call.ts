/** One call, seen from the face that made it. */
import type { SshMcpError } from "../../core/errors.ts";
import type { Sink } from "../../core/sink.ts";
import {
  decodeCredit,
  decodeJson,
  encodeCredit,
  type Frame,
  frameType,
  malformed,
  type StreamType,
} from "../wire/frame.ts";
import { IncomingStream } from "../wire/incoming-stream.ts";
import { encodeControl, streamWindow, valueLimit } from "../wire/protocol.ts";
import { parsePrompt, parseReply, parseVariablesRequest } from "../wire/replies.ts";
import { notAnswering, notTaken } from "./call-errors.ts";
import type { CallOptions } from "./call-options.ts";
import { ClientQuestions } from "./client-questions.ts";
import { ClientWorld } from "./client-world.ts";
import { InputPump } from "./input-pump.ts";
import { type Patience, watchSilence } from "./patience.ts";

/** The connection that a call runs on. */
export interface ClientLink extends Patience {
  send(bytes: Uint8Array): void;
  /** Whether the broker has said that it takes no further request. */
  readonly leaving: boolean;
}

/** How long a cancel may stay without an answer when the request itself had none. */
const silenceMs = 1000;

/** Bytes of a frame that is kept as it came. */
const keptLength = 16 * 1024;

type Answer = { value: unknown } | { error: SshMcpError };

export class ClientCall {
  readonly #number: number;
  readonly #options: CallOptions;
  readonly #link: ClientLink;
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
  readonly #questions: ClientQuestions;
  readonly #world: ClientWorld;
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  /** Ends the wait for the broker to accept. */
  #endWait: () => void = () => undefined;

  constructor(number: number, options: CallOptions, link: ClientLink) {
    this.#number = number;
    this.#options = options;
    this.#link = link;
    this.#input = new InputPump(number, options.stdin, (bytes) => link.send(bytes));
    this.#questions = new ClientQuestions({
      call: number,
      ask: options.ask,
      send: (bytes) => this.#tell(bytes),
      fail: (thrown) => this.#failUnlessAnswered(thrown),
    });
    this.#world = new ClientWorld({
      ...options,
      call: number,
      send: (bytes) => this.#tell(bytes),
      fail: (thrown) => this.#failUnlessAnswered(thrown),
    });
    const output = (type: StreamType, window: number): IncomingStream =>
      new IncomingStream(window, (bytes) => link.send(encodeCredit(number, type, bytes)));
    this.#stdout = output(frameType.stdout, streamWindow.stdout);
    this.#stderr = output(frameType.stderr, streamWindow.stderr);
  }

  /** Streams both ways until the answer is there and delivered. Rejects as `BrokerClient.call` says. */
  async run(): Promise<unknown> {
    const { signal, stdout = discard, stderr = discard } = this.#options;
    const cancel = (): void => this.#cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    this.#endWait = watchSilence(this.#link, () => this.#cancel());
    if (signal?.aborted) cancel();
    void this.#sendInput();
    const delivered = Promise.all([this.#deliver(this.#stdout, stdout), this.#deliver(this.#stderr, stderr)]);
    const answer = await this.#answer.promise;
    this.#input.end();
    this.#world.close();
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
        this.#questions.put(parsePrompt(decodeJson(payload)));
        break;
      case frameType.env:
        this.#world.tellVariables(parseVariablesRequest(decodeJson(payload)));
        break;
      case frameType.file:
        // A small one would keep the memory of all that came with it.
        this.#world.serveFile(payload.length < keptLength ? payload.slice() : payload);
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
   * @param certain whether everything was read that the broker had said: the operation certainly did not run when it was not accepted
   */
  lose(reason: SshMcpError, certain: boolean): void {
    if (this.#phase === "answered") return;
    if (this.#phase === "sent" && certain) this.#settle({ error: reason });
    else void this.#loseBegun(reason, certain && this.#questions.isOpen);
  }

  /** The words for it are loaded when they are needed: few calls end so, and all would wait for them. */
  async #loseBegun(reason: SshMcpError, asked: boolean): Promise<void> {
    const { lostCall } = await import("./lost-call.ts");
    if (this.#phase !== "answered") this.#settle({ error: lostCall(this.#options, reason, asked) });
  }

  #message(payload: Uint8Array): void {
    const reply = parseReply(decodeJson(payload));
    switch (reply?.kind) {
      case "accepted":
        this.#endWait();
        this.#phase = "accepted";
        break;
      case "progress":
        this.#said(() => this.#options.progress?.(reply.elapsedMs, reply.message, reply.transfer));
        break;
      case "notice":
        this.#said(() => this.#options.notice?.(reply.message));
        break;
      case "terminal":
        this.#world.handOverTerminal();
        break;
      case "withdrawn":
        this.#questions.withdraw(reply.prompt);
        break;
      case "result":
        this.#settle({ value: reply.chunked ? this.#joined() : reply.value });
        break;
      case "failure":
        this.#settle({ error: this.#phase === "sent" && this.#link.leaving ? notTaken(reply.error) : reply.error });
        break;
    }
  }

  #said(listen: () => void): void {
    try {
      listen();
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
    this.#questions.end();
    this.#canceled.resolve();
    this.#input.end();
    this.#world.close();
    this.#tell(encodeControl(this.#number, { kind: "cancel" }));
    if (this.#phase !== "sent") return;
    this.#endWait();
    const timer = setTimeout(() => this.#giveUp(), silenceMs);
    this.#endWait = () => clearTimeout(timer);
  }

  /**
   * A broker says that it accepts before it begins, so one that has said nothing has not read the request. When it does, it
   * reads the cancel along with it, and runs nothing.
   */
  #giveUp(): void {
    if (this.#phase === "sent") this.#settle({ error: notAnswering() });
  }

  #tell(bytes: Uint8Array): void {
    if (this.#phase !== "answered") this.#link.send(bytes);
  }

  #settle(answer: Answer): void {
    this.#endWait();
    this.#phase = "answered";
    this.#questions.end();
    this.#answer.resolve(answer);
  }
}

const discard: Sink = { write: () => Promise.resolve() };
