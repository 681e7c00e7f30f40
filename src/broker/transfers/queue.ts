/** A bounded line between a producer and its consumers: who puts waits while it is full, who takes waits while it is empty. */
export class Queue<T> {
  readonly #limit: number;
  readonly #items: T[] = [];
  #waiting: (() => void)[] = [];
  #ended = false;
  #failure: { error: unknown } | null = null;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws what it was failed with */
  put(item: T): Promise<void> {
    return this.putAll([item]);
  }

  /** Many together, and so perhaps beyond the limit: they wait for room for one. @throws what it was failed with */
  async putAll(items: readonly T[]): Promise<void> {
    if (items.length === 0) return;
    while (this.#items.length >= this.#limit && this.#failure === null) await this.#change();
    if (this.#failure !== null) throw this.#failure.error;
    this.#items.push(...items);
    this.#changed();
  }

  /** Nothing more comes. */
  end(): void {
    this.#ended = true;
    this.#changed();
  }

  /** Everybody at it hears this, and what is in it is dropped. The first one counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#items.length = 0;
    this.#changed();
  }

  /**
   * Waits for something, and takes up to `most` of what is there.
   * @returns none when it is over
   * @throws what it was failed with
   */
  async take(most: number): Promise<T[]> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure.error;
      if (this.#items.length > 0) {
        const taken = this.#items.splice(0, most);
        this.#changed();
        return taken;
      }
      if (this.#ended) return [];
      await this.#change();
    }
  }

  /** Waits until there is something, or it is over. @throws what it was failed with */
  async hasAny(): Promise<boolean> {
    while (this.#items.length === 0 && !this.#ended && this.#failure === null) await this.#change();
    if (this.#failure !== null) throw this.#failure.error;
    return this.#items.length > 0;
  }

  /** One after the other; several may read, and each item goes to one of them. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    for (;;) {
      const [item] = await this.take(1);
      if (item === undefined) return;
      yield item;
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
