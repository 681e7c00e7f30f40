/** Hands text to the client; resolves when it is taken, rejects when nobody is left to take it. */
export type WriteText = (text: string) => Promise<unknown>;

/** Characters that may wait for a slow reader before we stop taking more requests. */
const highWater = 4 * 1024 * 1024;

/** Writes one text after the other, each whole, and never blocks the event loop. */
export class LineWriter {
  readonly #write: WriteText;
  readonly #onBroken: () => void;
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;
  #broken = false;

  /** @param onBroken called when a write fails; everything after it is dropped in silence */
  constructor(write: WriteText, onBroken: () => void) {
    this.#write = write;
    this.#onBroken = onBroken;
  }

  /** Never rejects. */
  write(text: string): Promise<void> {
    this.#waiting += text.length;
    this.#tail = this.#tail.then(() => this.#put(text));
    return this.#tail;
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    if (this.#waiting > highWater) await this.#tail;
  }

  flushed(): Promise<void> {
    return this.#tail;
  }

  async #put(text: string): Promise<void> {
    try {
      if (!this.#broken) await this.#write(text);
    } catch {
      // EPIPE or the like: the client is gone, and there is nobody to tell.
      this.#broken = true;
      this.#onBroken();
    } finally {
      this.#waiting -= text.length;
    }
  }
}

/** Our standard output without `process.stdout`, which costs 8 ms of start-up. */
export const standardOutput = (): WriteText => {
  const sink = Bun.stdout.writer();
  return async (text) => {
    await sink.write(text);
    await sink.flush();
  };
};
