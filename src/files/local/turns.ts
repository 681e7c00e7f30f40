/** Work in slices: whatever else this process does gets its turn. */

const sliceMs = 8;

/** Resolves after timers, sockets and signals had their turn. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Says when a slice of synchronous work has been long enough. */
export class Slice {
  #began = performance.now();

  get isOver(): boolean {
    return performance.now() - this.#began > sliceMs;
  }

  async next(): Promise<void> {
    await turn();
    this.#began = performance.now();
  }
}
