/** The calls that run now, so that all of them can be stopped together. */
export class RunningCalls {
  readonly #calls = new Map<AbortController, Promise<unknown>>();
  #stopped = false;

  /**
   * @param requested aborts when the client cancels this call
   * @param start gets a signal that aborts then, and when all calls are stopped
   */
  async run<T>(requested: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    // Not AbortSignal.any: every signal derived from one that lives as long as the process stays in memory (Bun 1.4.5).
    const canceler = new AbortController();
    const cancel = (): void => canceler.abort();
    if (this.#stopped || requested.aborted) cancel();
    requested.addEventListener("abort", cancel, { once: true });
    const call = start(canceler.signal);
    this.#calls.set(canceler, call);
    try {
      return await call;
    } finally {
      this.#calls.delete(canceler);
    }
  }

  /** Cancels what runs and whatever is still to come; resolves when what ran has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const canceler of this.#calls.keys()) canceler.abort();
    await Promise.allSettled(this.#calls.values());
  }
}
