/** A line where so many are served at once, and the others wait in order. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param atOnce a whole number from 1 */
  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Waits for a turn. @returns what ends it, however often it is called */
  async take(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }
}
