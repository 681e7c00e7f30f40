/** Who may search now: what is looked through is copied, so that only those who search hold copies. */
import { SshMcpError } from "../../core/errors.ts";

export interface TurnLimits {
  /** Searches at once. */
  atOnce: number;
  /** How many may wait; who comes then is refused. */
  waiting: number;
  /** How long one waits. */
  waitMs: number;
}

const usual: TurnLimits = { atOnce: 2, waiting: 32, waitMs: 20_000 };

export class SearchTurns {
  readonly #limits: TurnLimits;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(limits: TurnLimits = usual) {
    this.#limits = limits;
  }

  /**
   * Does the work when it is its turn, in the order of who asked.
   * @throws SshMcpError CANCELED when `signal` aborts before; TIMEOUT, retryable, when others take too long
   */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (signal.aborted) throw canceled();
    if (this.#running < this.#limits.atOnce) this.#running++;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /** Resolves when somebody hands over. */
  async #turn(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#limits.waiting) throw busy();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const begin = (): void => {
      this.#waiting.delete(begin);
      resolve();
    };
    const leave = (why: SshMcpError): void => {
      this.#waiting.delete(begin);
      reject(why);
    };
    const cancel = (): void => leave(canceled());
    this.#waiting.add(begin);
    signal.addEventListener("abort", cancel, { once: true });
    const timer = setTimeout(() => leave(busy()), this.#limits.waitMs);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
    }
  }
}

export const canceled = (): SshMcpError => new SshMcpError("CANCELED", "the search was canceled");

const busy = (): SshMcpError =>
  new SshMcpError("TIMEOUT", "too many other searches are before this one, which was not begun", { retryable: true });
