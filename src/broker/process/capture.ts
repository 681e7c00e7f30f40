/**
 * Output for callers that take a result and no streams: kept up to a limit, and laid over the operation's own result. And output that can be read
 * again: an agent's always, a person's when they ask for it.
 */
import { hintFor } from "../../core/hint.ts";
import type { Caller, Context } from "../../core/operation.ts";
import { OutputCapture } from "../../core/output.ts";
import { type OutputStreamName, outputStreams } from "../../core/outputs.ts";
import type { Sink } from "../../core/sink.ts";
import type { KeptOutput, OutputStore } from "../outputs/output-store.ts";
import { outputsOf } from "../outputs/outputs-of.ts";
import type { Invocation, Run } from "./dispatch.ts";
import type { StreamBytes } from "./shared-budget.ts";

/** How often a call whose output flows says what it said last. */
const progressIntervalMs = 1000;

export const captured =
  (store: OutputStore, next: Run): Run =>
  async (invocation) => {
    const { operation, input, context } = invocation;
    if (operation.streams !== "pipe") return await next(invocation);
    const isKept = context.caller.face === "mcp" || input["keep"] === true;
    const limit = captureLimitOf(invocation);
    if (!isKept && limit === null) return await next(invocation);
    const kept = isKept ? store.begin(context.caller) : null;
    const call = new CapturedCall(store, kept, limit, context);
    try {
      const result = await next({ ...invocation, context: call.context });
      call.end();
      return { ...result, ...call.facts(limit === null ? null : ((await invocation.share?.(call.bytes)) ?? null)) };
    } finally {
      call.end();
    }
  };

/** Bytes of each stream that the result holds; null when it holds none. */
const captureLimitOf = ({ capture, input }: Invocation): number | null => {
  const { maxOutput } = input;
  return capture !== null && typeof maxOutput === "number" ? maxOutput : capture;
};

class CapturedCall {
  readonly context: Context;
  readonly #store: OutputStore;
  readonly #kept: KeptOutput | null;
  readonly #captures: Readonly<Record<OutputStreamName, OutputCapture>> | null;
  readonly #caller: Caller;
  readonly #progress: Context["progress"];
  /** Whether somebody reads progress, and the call goes on. */
  #isWatched: boolean;
  #doing = "";
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(store: OutputStore, kept: KeptOutput | null, limit: number | null, context: Context) {
    this.#store = store;
    this.#kept = kept;
    this.#captures = limit === null ? null : { stdout: new OutputCapture(limit), stderr: new OutputCapture(limit) };
    this.#caller = context.caller;
    this.#progress = context.progress;
    this.#isWatched = context.watched !== false;
    this.context = {
      ...context,
      stdout: this.#sink("stdout", context),
      stderr: this.#sink("stderr", context),
      outputs: outputsOf(store, context.caller, context.signal, kept),
      progress: (message) => {
        this.#doing = message;
        context.progress(message);
      },
    };
  }

  /** Bytes of output that came, and that an answer would show: of what is no text it shows none. */
  get bytes(): StreamBytes {
    const shown = (stream: OutputStreamName): number => {
      const capture = this.#captures?.[stream];
      return capture === undefined || capture.isBinary ? 0 : capture.bytes;
    };
    return { stdout: shown("stdout"), stderr: shown("stderr") };
  }

  /**
   * What the result says of its output.
   * @param share bytes of each stream, where it may say less than was captured
   */
  facts(share: StreamBytes | null): Record<string, unknown> {
    const id = this.#kept?.isKept === true ? this.#kept.id : null;
    const captures = this.#captures;
    if (captures === null) return { outputId: id };
    const binary = outputStreams.filter((stream) => captures[stream].isBinary);
    const said = (stream: OutputStreamName): { text: string; truncated: boolean } => {
      const readOn = id === null ? null : (offset: number | null) => this.#readOn(id, stream, offset);
      const limit = share?.[stream];
      if (!binary.includes(stream)) return captures[stream].text(limit, readOn);
      const how = readOn === null ? "" : `; ${readOn(null)}`;
      return { text: `[binary: ${captures[stream].bytes} bytes${how}]`, truncated: true };
    };
    const [stdout, stderr] = [said("stdout"), said("stderr")];
    const truncated = stdout.truncated || stderr.truncated;
    return { stdout: stdout.text, stderr: stderr.text, truncated, binary, outputId: id };
  }

  /** However often it is called. */
  end(): void {
    this.#isWatched = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#kept?.running !== true) return;
    this.#kept.running = false;
    const { ranOn, streams } = this.#kept;
    if (ranOn === null && streams.stdout.bytes + streams.stderr.bytes === 0) this.#store.drop(this.#kept);
  }

  #sink(stream: OutputStreamName, context: Context): Sink {
    const capture = this.#captures?.[stream];
    const streamed = context[stream];
    return {
      write: (chunk) => {
        const newlines = this.#kept === null ? null : this.#store.append(this.#kept, stream, chunk);
        if (capture === undefined) return streamed.write(chunk);
        if (this.#isWatched) this.#timer ??= setTimeout(() => this.#report(capture), progressIntervalMs);
        if (newlines === null) return capture.write(chunk);
        capture.add(chunk, newlines);
        return taken;
      },
    };
  }

  /** The second line of a progress message is the command's. */
  #report(capture: OutputCapture): void {
    this.#timer = null;
    this.#progress(`${this.#doing}\n${capture.lastLine()}`);
  }

  /** @param offset null for all of it, as bytes */
  #readOn(id: string, stream: OutputStreamName, offset: number | null): string {
    const isStdout = stream === "stdout";
    const isBinary = offset === null;
    return hintFor(this.#caller, {
      command: `ssh-mcp output ${id}${isStdout ? "" : ` --stream ${stream}`}${isBinary ? " >FILE" : ` --offset ${offset}`}`,
      tool: `ssh_output ${JSON.stringify({
        id,
        ...(isStdout ? {} : { stream }),
        ...(isBinary ? { encoding: "base64" } : { offset }),
      })}`,
    });
  }
}

const taken = Promise.resolve();
