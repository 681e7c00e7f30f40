/** Milliseconds that a tar waits for its next name. It may hold the only channel that the server grants, and who finds the names may wait for that. */
const idleLimitMs = 500;

/** Names in batches, some of which were taken before. */
export class Names {
  #first: readonly string[] | null;
  #isEnd = false;
  /** Asked for, and not there yet. */
  #coming: Promise<void> | null = null;
  readonly #batches: AsyncIterator<readonly string[]>;
  /** How often a tar has waited in vain. */
  stalls = 0;

  constructor(first: readonly string[], batches: AsyncIterator<readonly string[]>) {
    this.#first = first;
    this.#batches = batches;
  }

  async hasMore(): Promise<boolean> {
    while (this.#first === null && !this.#isEnd) {
      this.#coming ??= this.#ask();
      await this.#coming;
    }
    return this.#first !== null;
  }

  /** Those that are there: nobody else gets them. */
  takeNow(): readonly string[] | null {
    const taken = this.#first;
    this.#first = null;
    return taken;
  }

  async take(): Promise<readonly string[] | null> {
    while (await this.hasMore()) {
      const taken = this.takeNow();
      if (taken !== null) return taken;
    }
    return null;
  }

  /** Whether there are some before long; the others come with the next word. */
  async hasSoon(): Promise<boolean> {
    const isLate = Promise.withResolvers<false>();
    const idle = setTimeout(() => {
      this.stalls += 1;
      isLate.resolve(false);
    }, idleLimitMs);
    const coming = this.hasMore();
    // Whoever asks next hears of it.
    coming.catch(() => {});
    try {
      return await Promise.race([coming, isLate.promise]);
    } finally {
      clearTimeout(idle);
    }
  }

  async #ask(): Promise<void> {
    try {
      const next = await this.#batches.next();
      if (next.done === true) this.#isEnd = true;
      else this.#first = next.value;
    } finally {
      this.#coming = null;
    }
  }
}
