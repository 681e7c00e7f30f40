/** The standard input of one command, over however many attempts it takes to have it run. */
export class SharedInput implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  #chunks: AsyncIterator<Uint8Array> | null = null;
  /** What an attempt had asked for when it ended: the next one's. */
  #left: Promise<IteratorResult<Uint8Array>> | null = null;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  /** For one attempt at a time; that one leaves does not end the source. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    this.#chunks ??= this.#source[Symbol.asyncIterator]();
    const chunks = this.#chunks;
    let asked: Promise<IteratorResult<Uint8Array>> | null = null;
    let isOver = false;
    return {
      next: () => {
        if (isOver) return Promise.resolve(done);
        const next = this.#left ?? chunks.next();
        this.#left = null;
        asked = next;
        const read = (): void => {
          if (asked === next) asked = null;
        };
        next.then(read, read);
        return next;
      },
      return: () => {
        isOver = true;
        this.#left = asked ?? this.#left;
        asked = null;
        return Promise.resolve(done);
      },
    };
  }

  /** Nobody reads any more: the source is told to end, and not waited for. */
  end(): void {
    void this.#chunks?.return?.()?.catch(() => undefined);
  }
}

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };
