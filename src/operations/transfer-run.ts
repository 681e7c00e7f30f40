/** Runs a transfer within its time, tells how far it is, and says of one that was cut short what is there and how to go on. */
import { formatLimit } from "../core/duration.ts";
import { type ErrorCode, SshMcpError, toSshMcpError } from "../core/errors.ts";
import type { TransferReport, TransferRequest } from "../core/files/transfers.ts";
import { hintFor } from "../core/hint.ts";
import type { Context } from "../core/operation.ts";
import { defaultModelSeconds, type Report } from "./transfer-fields.ts";
import { howFar, ProgressTeller } from "./transfer-progress.ts";

export interface Again {
  /** What a person types to go on where it broke. */
  command: string;
  /** What a model calls. */
  tool: string;
}

/**
 * @param timeout seconds; undefined is the caller's usual
 * @param again null where it cannot be resumed
 * @throws SshMcpError TIMEOUT; CANCELED; whatever kept it from doing anything at all
 */
export const runTransfer = async (
  request: TransferRequest,
  timeout: number | undefined,
  context: Context,
  again: Again | null,
): Promise<Report> => {
  const startedAt = performance.now();
  const teller = new ProgressTeller(context);
  const limit = new TimeLimit(timeout ?? (context.caller.face === "mcp" ? defaultModelSeconds : null), context);
  const { local, stdin, stdout } = context;
  context.progress("connecting");
  try {
    const streams = { local, stdin, stdout, progress: teller.hear };
    const report = await context.transfers.run(request, streams, {
      ...context,
      signal: limit.signal,
      ask: limit.ask,
    });
    // Stopped in its last moment, all of it may be there.
    if (limit.signal.aborted && report.failures.length + report.moreFailures > 0) throw limit.signal.reason;
    if (again !== null && isBroken(report))
      context.notice(`to go on where it broke: ${hintFor(context.caller, again)}`);
    const durationMs = Math.round(performance.now() - startedAt);
    return { ...report, ...inOrder(report), durationMs };
  } catch (thrown) {
    throw explained(thrown, limit, teller, context, again);
  } finally {
    limit.end();
  }
};

/** Many are copied at once, and what comes first is chance. */
const inOrder = ({ failures, changes }: TransferReport): Pick<Report, "failures" | "changes"> => ({
  failures: failures.toSorted((one, other) => compared(one.path, other.path)),
  // Behind the sign.
  changes: changes?.toSorted((one, other) => compared(one.slice(2), other.slice(2))) ?? null,
});

const compared = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** The time a person takes to answer is not the transfer's. */
class TimeLimit {
  readonly signal: AbortSignal;
  readonly ask: Context["ask"];
  readonly #stop = new AbortController();
  #leftMs: number | null;
  #since = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** @param seconds null for as long as it takes */
  constructor(
    readonly seconds: number | null,
    { signal, ask }: Context,
  ) {
    this.#leftMs = seconds === null ? null : seconds * 1000;
    this.signal = AbortSignal.any([signal, this.#stop.signal]);
    this.ask = async (...question) => {
      this.end();
      try {
        return await ask(...question);
      } finally {
        this.#begin();
      }
    };
    this.#begin();
  }

  get isOver(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Stops the clock. */
  end(): void {
    if (this.#timer === null || this.#leftMs === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#leftMs -= performance.now() - this.#since;
  }

  #begin(): void {
    if (this.#leftMs === null || this.signal.aborted) return;
    this.#since = performance.now();
    this.#timer ??= setTimeout(() => this.#stop.abort(outOfTime), Math.max(0, this.#leftMs));
  }
}

const outOfTime = new SshMcpError("TIMEOUT", "the transfer ran out of time");

/** After these a part of it may be there, and the rest can follow. */
const broken: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "TIMEOUT",
  "CANCELED",
  "CONNECTION_LOST",
  "OUTCOME_UNKNOWN",
  "REMOTE_IO",
  "LOCAL_IO",
]);

/** Whether a part of a file is there, or the way to it is gone. */
const isBroken = ({ failures }: Pick<TransferReport, "failures">): boolean =>
  failures.some(({ code, bytesDone }) => lost.has(code) || (bytesDone !== null && bytesDone > 0));

const lost: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["CONNECTION_LOST", "OUTCOME_UNKNOWN"]);

const explained = (
  thrown: unknown,
  limit: TimeLimit,
  { last }: ProgressTeller,
  { caller, signal }: Context,
  again: Again | null,
): SshMcpError => {
  const error = limit.isOver && !signal.aborted ? outOfTime : canceledOr(thrown, signal);
  if (!broken.has(error.code)) return error;
  const after = error === outOfTime && limit.seconds !== null ? ` after ${formatLimit(limit.seconds * 1000)}` : "";
  const begun = last !== null && last.bytes + last.files > 0;
  const there = begun ? `; ${howFar(last)} were copied by then` : "; nothing was copied";
  const hint = error.hint ?? (again === null || !begun ? null : hintFor(caller, again));
  return new SshMcpError(error.code, `${error.message}${after}${there}`, {
    ...(hint === null ? {} : { hint }),
    retryable: error.retryable,
    cause: thrown,
  });
};

/** Who canceled may have said why. */
const canceledOr = (thrown: unknown, signal: AbortSignal): SshMcpError => {
  if (!signal.aborted) return toSshMcpError(thrown);
  if (signal.reason instanceof SshMcpError) return signal.reason;
  return new SshMcpError("CANCELED", "the transfer was canceled", { cause: thrown });
};
