/** So many bytes a second, evenly: what is saved in a pause is a quarter of a second's at the most. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #signal: AbortSignal;
  /** When the bytes that were let through are paid for. */
  #paidUntil = 0;

  /** @param perSecond bytes */
  constructor(perSecond: number, signal: AbortSignal) {
    this.#perSecond = perSecond;
    this.#signal = signal;
  }

  /** Waits until so many bytes may go. @throws the signal's reason */
  async pass(bytes: number): Promise<void> {
    const now = performance.now();
    this.#paidUntil = Math.max(this.#paidUntil, now - saved) + (bytes / this.#perSecond) * 1000;
    const waitMs = this.#paidUntil - now;
    if (waitMs > 0) await pause(waitMs, this.#signal);
  }

  /** A chunk in pieces of a tenth of a second, each when its time has come. */
  async *pieces(chunk: Uint8Array): AsyncGenerator<Uint8Array, void> {
    const length = Math.max(1, Math.ceil(this.#perSecond / 10));
    for (let at = 0; at < chunk.length; at += length) {
      const piece = chunk.subarray(at, at + length);
      await this.pass(piece.length);
      yield piece;
    }
  }
}

/** Milliseconds. */
const saved = 250;

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
