import { formatLimit } from "../../core/duration.ts";
import { SshMcpError } from "../../core/errors.ts";

/** How long work that is to end may take to tidy up after itself. */
const graceMs = 5_000;
/** How long a request that is abandoned may take to say how far it came. */
const lastWordMs = 500;

/** When a call on files has to end: its caller left, somebody stopped it, or its time is over. Then it has a little time to tidy up. */
export class CallEnd {
  /** Aborts when the call is to end. */
  readonly signal: AbortSignal;
  /** Aborts when nothing is done for it any more. */
  readonly over: AbortSignal;
  readonly #signal = new AbortController();
  readonly #over = new AbortController();
  readonly #waiting = new Set<(error: SshMcpError) => void>();
  /** Those that wait for what tidies up. */
  readonly #tidying = new Set<(error: SshMcpError) => void>();
  readonly #leave: () => void;
  readonly #limit: ReturnType<typeof setTimeout> | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;
  #error: SshMcpError | null = null;

  /** @param name the session's, for messages; @param limitMs null is none */
  constructor(name: string, signal: AbortSignal, limitMs: number | null) {
    this.signal = this.#signal.signal;
    this.over = this.#over.signal;
    const leave = (): void => this.#end(reasonOf(signal));
    this.#leave = () => signal.removeEventListener("abort", leave);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    if (limitMs === null) return;
    const late = (): SshMcpError =>
      new SshMcpError("TIMEOUT", `the work on the files of ${name} did not end within ${formatLimit(limitMs)}`);
    this.#limit = setTimeout(() => this.#end(late()), limitMs);
  }

  /** Why it is to end; null while it is not. */
  get error(): SshMcpError | null {
    return this.#error;
  }

  /** @throws SshMcpError when it is to end, or has ended */
  check(): void {
    if (this.#error !== null) throw this.#error;
    if (this.over.aborted) throw hasEnded();
  }

  /**
   * Waits for work, unless the call is to end: then the work has a moment to say itself how far it came. What begins after that has all the time that
   * is left.
   * @param onLeft told when it is not waited for any more
   * @throws what the work throws, or why the call is to end
   */
  async wait<T>(work: Promise<T>, onLeft: () => void = () => {}): Promise<T> {
    const left = Promise.withResolvers<never>();
    const give = (error: SshMcpError): void => {
      left.reject(error);
      onLeft();
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = (error: SshMcpError): void => {
      timer = setTimeout(() => give(error), lastWordMs);
    };
    const [waiting, leave] = this.#error === null ? [this.#waiting, soon] : [this.#tidying, give];
    if (this.over.aborted) give(this.#error ?? hasEnded());
    else waiting.add(leave);
    try {
      return await Promise.race([work, left.promise]);
    } finally {
      waiting.delete(leave);
      clearTimeout(timer);
    }
  }

  /** Waits for all the work of the call, which ends by itself when it is to end, or is left when it does not. @throws as `wait` */
  async waitForAll<T>(work: Promise<T>): Promise<T> {
    const left = Promise.withResolvers<never>();
    this.#tidying.add(left.reject);
    try {
      return await Promise.race([work, left.promise]);
    } finally {
      this.#tidying.delete(left.reject);
    }
  }

  /** The call has ended. */
  close(): void {
    this.#leave();
    clearTimeout(this.#limit);
    this.#finish();
  }

  #end(error: SshMcpError): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#grace = setTimeout(() => this.#finish(), graceMs);
    this.#signal.abort(error);
    for (const leave of [...this.#waiting]) leave(error);
    this.#waiting.clear();
  }

  #finish(): void {
    clearTimeout(this.#grace);
    this.#over.abort();
    const error = this.#error ?? hasEnded();
    for (const leave of [...this.#waiting, ...this.#tidying]) leave(error);
  }
}

const hasEnded = (): SshMcpError => new SshMcpError("CANCELED", "the call has ended");

const reasonOf = ({ reason }: AbortSignal): SshMcpError =>
  reason instanceof SshMcpError ? reason : new SshMcpError("CANCELED", "the call was canceled");
