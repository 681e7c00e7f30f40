/** How many bytes of one file are asked for, or sent, ahead of what was answered and taken. */

const mebibyte = 1024 * 1024;
/** What all windows together may have beyond the least: each byte of it may lie in our memory, while whoever reads takes nothing. */
let spare = 64 * mebibyte;
const most = 16 * mebibyte;
/** One window of an SSH channel, of OpenSSH's and of ours: less would leave it unused. */
const ofChannel = 2 * mebibyte;
/** Milliseconds that one look at the throughput takes at least. */
const shortestLook = 10;

/** Twice the bytes that are on the way at the measured throughput and round trip: it doubles until the link is full, and stays there. At least a channel's window for each. */
export class RequestWindow {
  /** Beyond one channel's. */
  #more = 0;
  #least = 0;
  #isOver = false;
  #taken = 0;
  #since = performance.now();

  get bytes(): number {
    return ofChannel + this.#more;
  }

  /** @param bytes that were answered, and taken */
  note(bytes: number, roundTripMs: number): void {
    this.#taken += bytes;
    const now = performance.now();
    const elapsed = now - this.#since;
    if (elapsed < Math.max(roundTripMs, shortestLook)) return;
    this.#take(Math.min(most, Math.floor((this.#taken / elapsed) * roundTripMs * 2)) - ofChannel);
    this.#taken = 0;
    this.#since = now;
  }

  /** The bytes go over so many channels. */
  over(channels: number): void {
    this.#least = Math.min(most, channels * ofChannel) - ofChannel;
    this.#take(this.#more);
  }

  /** Gives back what others may have then. */
  end(): void {
    this.#least = 0;
    this.#take(0);
    this.#isOver = true;
  }

  #take(wanted: number): void {
    if (this.#isOver) return;
    const more = Math.min(Math.max(wanted, this.#least), this.#more + spare);
    spare += this.#more - more;
    this.#more = more;
  }
}
