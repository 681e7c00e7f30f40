import { within } from "../../ssh/transport/within.ts";

/** How long after a login a server may take to tell its keys, where somebody is to be asked about them. OpenSSH tells them at once. */
const announcementMs = 1_000;

/** A change of a host's keys that a person is to be asked about, while a login waits for it. */
export class AwaitedChange {
  readonly #begun = Promise.withResolvers<void>();
  readonly #asked = Promise.withResolvers<void>();
  #update: Promise<unknown> = Promise.resolve();
  #isOver = false;

  begin(update: Promise<unknown>): void {
    this.#update = update;
    this.#begun.resolve();
  }

  /** Nobody is asked any more when the login does not wait any more. */
  async ask(question: () => Promise<boolean>): Promise<boolean> {
    if (this.#isOver) return false;
    this.#asked.resolve();
    return await question();
  }

  /**
   * Resolves when a person has said so, when there is nothing to be asked, when the server has taken its time, and when the signal aborts.
   * @param budget the time that the server has, brought up to date
   */
  async settled(budget: { leftMs: number }, signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const abort = (): void => aborted.resolve();
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    try {
      const startedAt = performance.now();
      await within(
        Promise.race([this.#begun.promise, aborted.promise]),
        Math.min(announcementMs, budget.leftMs),
        undefined,
      );
      // What is behind a question is the person's time.
      const server = Promise.race([this.#update, this.#asked.promise, aborted.promise]);
      const isInTime = await within(
        server.then(() => true),
        Math.max(0, budget.leftMs - (performance.now() - startedAt)),
        false,
      );
      budget.leftMs -= performance.now() - startedAt;
      if (isInTime) await Promise.race([this.#update, aborted.promise]);
    } finally {
      this.#isOver = true;
      signal.removeEventListener("abort", abort);
    }
  }
}
