import type { CommandResult, RunningCall, StopResult } from "../../core/command.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { Caller } from "../../core/operation.ts";

interface Running {
  id: string;
  command: string;
  startedAt: Date;
  caller: Caller;
  cancel(reason: SshMcpError): void;
  over: Promise<unknown>;
  /** See `CallWork`. */
  stopped: () => StopResult | null;
}

/**
 * A call's work: its signal aborts with the caller's own or through `cancel`, and it is told its id.
 * @param onStoppable for work that rejects when it is stopped: what is known of what it had begun on the server
 */
export type CallWork<T> = (signal: AbortSignal, id: string, onStoppable: (stopped: StopResult) => void) => Promise<T>;

/** What runs on one session. */
export class RunningCalls {
  readonly #running = new Set<Running>();
  readonly #nextId: () => string;

  constructor(nextId: () => string) {
    this.#nextId = nextId;
  }

  get size(): number {
    return this.#running.size;
  }

  async run<T>(
    { caller, signal }: { caller: Caller; signal: AbortSignal },
    command: string,
    work: CallWork<T>,
  ): Promise<T> {
    // Not AbortSignal.any: what it makes of a signal as old as the session stays in memory after the call (Bun 1.4.5).
    const abort = new AbortController();
    const leave = (): void => abort.abort(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    const cancel = (reason: SshMcpError): void => abort.abort(reason);
    const id = this.#nextId();
    let stopped: StopResult | null = null;
    const over = work(abort.signal, id, (now) => {
      // What may run on is not made up for by what does not.
      if (stopped !== "unconfirmed") stopped = now;
    });
    const startedAt = new Date();
    const running = { id, command, startedAt, caller, cancel, over, stopped: () => stopped };
    this.#running.add(running);
    try {
      return await over;
    } finally {
      signal.removeEventListener("abort", leave);
      this.#running.delete(running);
    }
  }

  /** Stops the calls that are meant, all by default; their callers are told the reason. Resolves when they have ended. */
  async cancel(reason: SshMcpError, isMeant: (call: { caller: Caller }) => boolean = () => true): Promise<void> {
    await stopAll([...this.#running].filter(isMeant), reason);
  }

  /** Stops one; resolves, when it has ended, to how far that got. Null when there was nothing to stop, or it is not there. */
  async kill(id: string, reason: SshMcpError): Promise<StopResult | null> {
    const call = [...this.#running].find((running) => running.id === id);
    if (call === undefined) return null;
    const [ended] = await stopAll([call], reason);
    return ended === undefined ? null : stoppedOf(ended, call.stopped());
  }

  /** @param session its name */
  list(session: string): RunningCall[] {
    return [...this.#running].map(({ id, command, startedAt, caller: { face, client } }) => ({
      ...{ id, session, command, startedAt },
      by: { face, client },
    }));
  }
}

const stopAll = (calls: readonly Running[], reason: SshMcpError): Promise<PromiseSettledResult<unknown>[]> => {
  for (const { cancel } of calls) cancel(reason);
  return Promise.allSettled(calls.map(({ over }) => over));
};

/** Not for a reason of its own: then it was over already. */
const isCanceled = (error: unknown): boolean => error instanceof SshMcpError && error.code === "CANCELED";

/** Where nobody knows how it ended, nobody knows that it has. */
const stoppedOf = (ended: PromiseSettledResult<unknown>, known: StopResult | null): StopResult | null => {
  if (ended.status === "rejected") {
    if (known !== null && isCanceled(ended.reason)) return known;
    // What is thrown was not handed over, unless it says so.
    const isNotRun = ended.reason instanceof SshMcpError && ended.reason.code !== "OUTCOME_UNKNOWN";
    return isNotRun ? null : "unconfirmed";
  }
  const result: Partial<CommandResult> = ended.value ?? {};
  return result.stopped ?? (result.outcome === "unknown" ? "unconfirmed" : null);
};
