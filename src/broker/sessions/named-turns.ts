/** A line for each name: one at a time has its turn, the others wait. */
export class NamedTurns {
  readonly #taken = new Map<string, Promise<void>>();

  /** Resolves at the caller's turn, or when it is canceled. @returns what ends the turn, as often as it is called */
  async take(name: string, signal: AbortSignal): Promise<() => void> {
    const canceled = Promise.withResolvers<void>();
    const cancel = (): void => canceled.resolve();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      for (;;) {
        const taken = this.#taken.get(name);
        if (taken === undefined || signal.aborted) break;
        await Promise.race([taken, canceled.promise]);
      }
    } finally {
      signal.removeEventListener("abort", cancel);
    }
    if (signal.aborted) return () => undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#taken.set(name, promise);
    return () => {
      if (this.#taken.get(name) === promise) this.#taken.delete(name);
      resolve();
    };
  }
}
