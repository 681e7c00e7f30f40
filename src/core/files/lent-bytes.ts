/**
 * Memory that is used again. Large pieces of a file, each in memory of its own, would be most of what is collected while a file is copied. Who uses
 * one up says so; one of which nobody says it is collected like any other.
 */

interface Loan {
  left: number;
  onReturn: (memory: ArrayBufferLike) => void;
}

const loans = new WeakMap<ArrayBufferLike, Loan>();

/**
 * Whoever passes lent bytes on looks at them no more, not even at their length: by then their memory may be another's, or gone.
 * @param onReturn is told once when every byte has been given back: nobody looks at the memory any more
 */
export const lend = (bytes: Uint8Array, onReturn: (memory: ArrayBufferLike) => void): void => {
  loans.set(bytes.buffer, { left: bytes.length, onReturn });
};

/** Says of bytes, which may be part of what was lent, that they will not be looked at again: once of each byte. */
export const giveBack = (bytes: Uint8Array): void => {
  const loan = loans.get(bytes.buffer);
  if (loan === undefined) return;
  loan.left -= bytes.length;
  if (loan.left > 0) return;
  loans.delete(bytes.buffer);
  if (loan.left === 0) loan.onReturn(bytes.buffer);
};

/** Memory that came back, of one size and up to so many. */
export class SpareMemory {
  readonly #most: number;
  readonly #spare: ArrayBufferLike[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** What was kept of exactly that size, with whatever is in it; or null. */
  take(bytes: number): ArrayBufferLike | null {
    const at = this.#spare.findLastIndex(({ byteLength }) => byteLength === bytes);
    return at < 0 ? null : (this.#spare.splice(at, 1)[0] ?? null);
  }

  /** Lends bytes, whose memory comes back here. */
  lend(bytes: Uint8Array): void {
    lend(bytes, (memory) => {
      if (this.#spare.length < this.#most) this.#spare.push(memory);
    });
  }
}
