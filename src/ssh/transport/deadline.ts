/** A time limit that stands still while a person is asked: their time counts in no timeout. */
export class Deadline {
  #leftMs: number;
  #startedAt = 0;
  #pauses = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #expire: () => void;

  /** @param limitMs milliseconds until `expire` is called, once */
  constructor(limitMs: number, expire: () => void) {
    this.#leftMs = limitMs;
    this.#expire = expire;
    this.#run();
  }

  /** Milliseconds until it expires. */
  get leftMs(): number {
    return this.#timer === null ? this.#leftMs : Math.max(0, this.#leftMs - (performance.now() - this.#startedAt));
  }

  /** Runs `work` with the clock stopped; pauses may overlap. */
  async paused<T>(work: () => Promise<T>): Promise<T> {
    if (this.#pauses++ === 0) this.#stop();
    try {
      return await work();
    } finally {
      if (--this.#pauses === 0 && this.#leftMs > 0) this.#run();
    }
  }

  /** Ends the limit; it never expires afterwards. */
  clear(): void {
    this.#stop();
    this.#leftMs = 0;
  }

  #run(): void {
    this.#startedAt = performance.now();
    this.#timer = setTimeout(() => {
      this.#leftMs = 0;
      this.#expire();
    }, this.#leftMs);
  }

  #stop(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    // At least a millisecond stays, so that a pause at the last moment cannot turn into "cleared".
    this.#leftMs = Math.max(1, this.#leftMs - (performance.now() - this.#startedAt));
  }
}
