/** A range of lines of what passes by in chunks, of which nothing is kept. */
const newline = 10;

export class LineRange {
  readonly #from: number;
  readonly #to: number;
  #left: number;
  /** The line that the next byte is of. */
  #line = 1;

  /**
   * @param from first line, from 1
   * @param to last line; null is to the end
   * @param most bytes that are taken; null for all
   */
  constructor(from: number, to: number | null, most: number | null) {
    this.#from = from;
    this.#to = to ?? Number.POSITIVE_INFINITY;
    this.#left = most ?? Number.POSITIVE_INFINITY;
  }

  /** Whether nothing more will be taken. */
  get over(): boolean {
    return this.#line > this.#to || this.#left <= 0;
  }

  /** @returns the wanted part of it */
  take(chunk: Uint8Array): Uint8Array {
    const begin = this.#skip(chunk, 0, this.#from - 1);
    const end = this.#to === Number.POSITIVE_INFINITY ? chunk.length : this.#skip(chunk, begin, this.#to);
    const piece = chunk.subarray(begin, Math.min(end, begin + this.#left));
    this.#left -= piece.length;
    return piece;
  }

  /** Passes over what is left of the lines up to this one. @returns where it stopped */
  #skip(chunk: Uint8Array, at: number, last: number): number {
    while (this.#line <= last) {
      const next = chunk.indexOf(newline, at) + 1;
      if (next === 0) return chunk.length;
      at = next;
      this.#line++;
    }
    return at;
  }
}
