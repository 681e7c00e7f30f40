import type { RunningCall } from "../../core/command.ts";
import type { SshMcpError } from "../../core/errors.ts";
import type { Caller } from "../../core/operation.ts";

interface Running {
  id: string;
  command: string;
  startedAt: Date;
  caller: Caller;
  cancel(reason: SshMcpError): void;
  over: Promise<unknown>;
}

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

  /** Runs `work`, whose signal aborts with the caller's own or through `cancel`. */
  async run<T>(
    { caller, signal }: { caller: Caller; signal: AbortSignal },
    command: string,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    // Not AbortSignal.any: what it makes of a signal as old as the session stays in memory after the call (Bun 1.4.5).
    const abort = new AbortController();
    const leave = (): void => abort.abort(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    const cancel = (reason: SshMcpError): void => abort.abort(reason);
    const over = work(abort.signal);
    const running = { id: this.#nextId(), command, startedAt: new Date(), caller, cancel, over };
    this.#running.add(running);
    try {
      return await over;
    } finally {
      signal.removeEventListener("abort", leave);
      this.#running.delete(running);
    }
  }

  /** Stops the calls of these callers, who are told the reason; resolves when they have ended. */
  async cancel(reason: SshMcpError, whose: (caller: Caller) => boolean = () => true): Promise<void> {
    const chosen = [...this.#running].filter(({ caller }) => whose(caller));
    for (const { cancel } of chosen) cancel(reason);
    await Promise.allSettled(chosen.map(({ over }) => over));
  }

  /** @param session its name */
  list(session: string): RunningCall[] {
    return [...this.#running].map(({ id, command, startedAt, caller: { face, client } }) => ({
      ...{ id, session, command, startedAt },
      by: { face, client },
    }));
  }
}
