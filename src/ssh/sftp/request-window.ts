/** How many bytes of one file are asked for, or sent, ahead of what was answered and taken. */

const mebibyte = 1024 * 1024;
/** What all windows together may have beyond the least: each byte of it may lie in our memory, while whoever reads takes nothing. */
let spare = 64 * mebibyte;
const most = 16 * mebibyte;
/** One window of an SSH channel, of OpenSSH's and of ours: less would leave it unused. */
const least = 2 * mebibyte;
/** Milliseconds that one look at the throughput takes at least. */
const shortestLook = 10;

/** Twice the bytes that are on the way at the measured throughput and round trip: it doubles until the link is full, and stays there. */
export class RequestWindow {
  /** Beyond the least. */
  #more = 0;
  #isOver = false;
  #taken = 0;
  #since = performance.now();

  get bytes(): number {
    return least + this.#more;
  }

  /** @param bytes that were answered, and taken */
  note(bytes: number, roundTripMs: number): void {
    this.#taken += bytes;
    const now = performance.now();
    const elapsed = now - this.#since;
    if (elapsed < Math.max(roundTripMs, shortestLook)) return;
    this.#take(Math.min(most, Math.floor((this.#taken / elapsed) * roundTripMs * 2)) - least);
    this.#taken = 0;
    this.#since = now;
  }

  /** Gives back what others may have then. */
  end(): void {
    this.#take(0);
    this.#isOver = true;
  }

  #take(wanted: number): void {
    if (this.#isOver) return;
    const more = Math.min(Math.max(wanted, 0), this.#more + spare);
    spare += this.#more - more;
    this.#more = more;
  }
}
