import { formatDuration } from "../../core/duration.ts";

/** Ends a command that has said nothing for a while. */
export class IdleLimit {
  readonly #limitMs: number | null;
  readonly #isBehind: () => boolean;
  readonly #onIdle: () => void;
  #heardAt = performance.now();
  #timer: Timer | undefined;
  #isOver = false;

  /**
   * @param limitMs null for none
   * @param isBehind whether output waits for its reader: then the command may be kept from saying more
   */
  constructor(limitMs: number | null, isBehind: () => boolean, onIdle: () => void) {
    this.#limitMs = limitMs;
    this.#isBehind = isBehind;
    this.#onIdle = onIdle;
    this.#arm(limitMs);
  }

  /** Why it ended the command; null when it did not. */
  get reason(): string | null {
    if (!this.#isOver || this.#limitMs === null) return null;
    return `there was no byte of output for ${formatDuration(this.#limitMs)}`;
  }

  heard(): void {
    this.#heardAt = performance.now();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #arm(waitMs: number | null): void {
    if (waitMs !== null) this.#timer = setTimeout(() => this.#look(), Math.max(1, Math.ceil(waitMs)));
  }

  /** A timer for each piece of output would cost more than the piece. */
  #look(): void {
    if (this.#isBehind()) this.heard();
    const left = (this.#limitMs ?? 0) - (performance.now() - this.#heardAt);
    if (left > 0) this.#arm(left);
    else {
      this.#isOver = true;
      this.#onIdle();
    }
  }
}
