/** What time alone does to a session: an idle connection is closed, a person's login ends. */

/** Idle time after which a connection is closed, unless its session says otherwise. */
export const defaultTtlMs = 15 * 60_000;
/** A login that took a person serves no new call after this, however busy it is; and no secret that was typed is held longer. */
export const maxAgeMs = 12 * 3_600_000;

/** Timers stand still while the machine sleeps: the clock is looked at this often. */
const longestTimerMs = 30_000;

export interface Times {
  /** 0 is never. */
  ttlMs: number;
  idleMs: number;
  /** Time since the login. */
  ageMs: number;
  needsPerson: boolean;
}

/** Milliseconds until a connection's time is over; Infinity for never. */
export const millisecondsLeft = ({ ttlMs, idleMs, ageMs, needsPerson }: Times): number =>
  Math.min(
    ttlMs === 0 ? Number.POSITIVE_INFINITY : ttlMs - idleMs,
    needsPerson ? maxAgeMs - ageMs : Number.POSITIVE_INFINITY,
  );

/** Looks at the time that is left until it is over. Keeps no process alive. */
export class ExpiryTimer {
  readonly #left: () => number;
  readonly #expire: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param left milliseconds left now, or Infinity; @param expire called when nothing is left */
  constructor(left: () => number, expire: () => void) {
    this.#left = left;
    this.#expire = expire;
  }

  start(): void {
    this.stop();
    const left = this.#left();
    if (left <= 0) this.#expire();
    if (left <= 0 || left === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.start(), Math.min(left, longestTimerMs));
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
