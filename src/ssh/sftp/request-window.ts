/** How many bytes of one file are asked for, or sent, ahead of what was answered and taken. */

const mebibyte = 1024 * 1024;
const most = 16 * mebibyte;
/** One window of an SSH channel, of OpenSSH's and of ours: less would leave it unused. */
const least = 2 * mebibyte;
/** Milliseconds that one look at the throughput takes at least. */
const shortestLook = 10;

/** Twice the bytes that are on the way at the measured throughput and round trip: it doubles until the link is full, and stays there. */
export class RequestWindow {
  #bytes = least;
  #taken = 0;
  #since = performance.now();

  get bytes(): number {
    return this.#bytes;
  }

  /** @param bytes that were answered, and taken */
  note(bytes: number, roundTripMs: number): void {
    this.#taken += bytes;
    const now = performance.now();
    const elapsed = now - this.#since;
    if (elapsed < Math.max(roundTripMs, shortestLook)) return;
    this.#bytes = Math.min(most, Math.max(least, (this.#taken / elapsed) * roundTripMs * 2));
    this.#taken = 0;
    this.#since = now;
  }
}
