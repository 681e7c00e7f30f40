/** Seconds over which a rate forgets what it was before. */
const memory = 3;
/** Shorter times say more of buffers than of the way, and of when one looks. */
const leastSeconds = 0.5;

/**
 * How fast a transfer is: the average while it is young, and then what it was in the last seconds, so that a time left neither jumps nor
 * lags behind. Time is given, so that it can be any.
 */
export class Rate {
  readonly #startedAt: number;
  #at: number;
  #bytes: number;
  /** Bytes a second. */
  #rate: number | null = null;

  /** @param at milliseconds of any clock that only goes on */
  constructor(at: number, bytes = 0) {
    this.#startedAt = at;
    this.#at = at;
    this.#bytes = bytes;
  }

  /** Bytes a second; null until something can be said. */
  get now(): number | null {
    return this.#rate;
  }

  /** @param bytes in all, up to this moment */
  update(bytes: number, at: number): void {
    const seconds = (at - this.#at) / 1000;
    if (seconds < leastSeconds) return;
    const rate = Math.max(0, bytes - this.#bytes) / seconds;
    const age = (at - this.#startedAt) / 1000;
    // In its first seconds every moment counts alike.
    const weight = 1 - Math.exp(-seconds / Math.min(memory, age));
    this.#rate = this.#rate === null ? rate : this.#rate + weight * (rate - this.#rate);
    this.#at = at;
    this.#bytes = bytes;
  }
}
