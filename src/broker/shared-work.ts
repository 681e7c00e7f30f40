import { SshMcpError } from "../core/errors.ts";

/** One piece of work for everybody who needs its result; it is canceled when the last of them has gone. */
export class SharedWork<T> {
  readonly #cancel = new AbortController();
  readonly #result: Promise<T>;
  /** Resolves when the work is over, however it went. */
  readonly settled: Promise<void>;
  #waiting = 0;
  #isOver = false;

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#result = work(this.#cancel.signal);
    // Whoever joins sees the failure; when all have gone, nobody does.
    const over = (): void => {
      this.#isOver = true;
    };
    this.settled = this.#result.then(over, over);
  }

  /** Whether it has a result, or was canceled: whoever needs it now must begin anew. */
  get isOver(): boolean {
    return this.#isOver || this.#cancel.signal.aborted;
  }

  /** Ends the work for everybody. */
  cancel(): void {
    this.#cancel.abort();
  }

  /** @throws SshMcpError CANCELED when `signal` aborts first, else what the work throws */
  async join(signal: AbortSignal): Promise<T> {
    this.#waiting += 1;
    const gone = Promise.withResolvers<never>();
    const leave = (): void => gone.reject(new SshMcpError("CANCELED", "connecting was canceled; no command was sent"));
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([this.#result, gone.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#cancel.abort();
    }
  }
}
