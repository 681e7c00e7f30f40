import { SshMcpError } from "../../core/errors.ts";

/** One piece of work for everybody who needs its result; it is canceled when the last of them has gone. */
export class SharedWork<T> {
  readonly #cancel = new AbortController();
  readonly #result: Promise<T>;
  /** Settles when something else than the work decides. */
  readonly #decided = Promise.withResolvers<T>();
  #waiting = 0;
  #isOver = false;

  /** @param work begins in the next microtask: whoever starts it joins first */
  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#result = Promise.resolve().then(() => work(this.#cancel.signal));
    // Whoever joins sees the failure; when all have gone, nobody does.
    const over = (): void => {
      this.#isOver = true;
    };
    this.#result.then(over, over);
    this.#decided.promise.catch(() => {});
  }

  /** Whether it has a result, or was canceled: whoever needs it now must begin anew. */
  get isOver(): boolean {
    return this.#isOver || this.#cancel.signal.aborted;
  }

  /** Ends the work for everybody, with a reason; nobody waits for how it takes that. */
  cancel(reason: SshMcpError): void {
    this.#decided.reject(canceled(reason));
    this.#cancel.abort(reason);
  }

  /** Gives everybody a result that came about otherwise; the work itself is canceled. */
  finish(result: T): void {
    this.#decided.resolve(result);
    this.#cancel.abort();
  }

  /**
   * @param dismissed rejects when this one is to be sent away while the work goes on for the others
   * @throws SshMcpError CANCELED when `signal` aborts first or the work is canceled, with the reason; else what `dismissed` or the work throws
   */
  async join(signal: AbortSignal, dismissed?: Promise<never>): Promise<T> {
    this.#waiting += 1;
    const gone = Promise.withResolvers<never>();
    const leave = (): void => gone.reject(canceled(signal.reason));
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    try {
      const ends = [gone.promise, this.#decided.promise, ...(dismissed === undefined ? [] : [dismissed])];
      return await Promise.race([this.#result, ...ends]);
    } finally {
      signal.removeEventListener("abort", leave);
      this.#waiting -= 1;
      if (this.#waiting === 0 && !this.#isOver) this.#cancel.abort();
    }
  }
}

/** @param reason an SshMcpError when it was not the caller's own wish */
const canceled = (reason: unknown): SshMcpError => {
  const why = reason instanceof SshMcpError ? reason.message : "connecting was canceled";
  return new SshMcpError("CANCELED", `${why}; no command was sent`);
};
