/** The newest bytes of a stream that may be endless, where every byte and line keeps the number it had. */

const newline = 10;
const smallest = 1024;

interface Block {
  bytes: Uint8Array;
  used: number;
  /** Newlines in all of the stream before this block. */
  linesBefore: number;
}

/** Blocks that nobody needs any more, for whoever needs one next: the collector would come for them too late. */
export type SpareBlocks = Uint8Array[];

/**
 * Storage grows with what comes: the first block doubles up to its size, further ones are added, and from the limit on the oldest one is used
 * again. So the bytes are never moved as a whole, and between the limit and one block less than it is kept.
 */
export class KeptStream {
  /** Bytes that came, kept or not. */
  bytes = 0;
  /** Bytes of storage. */
  allocated = 0;
  readonly #most: number;
  readonly #blockSize: number;
  readonly #spare: SpareBlocks;
  #blocks: Block[] = [];
  #dropped = 0;
  /** Whether the last byte that was dropped ended a line. */
  #startsLine = true;
  #isCleared = false;
  #lineEnds = 0;
  #endsInLine = false;

  /**
   * @param limit bytes of storage, a multiple of `blockSize`
   * @param spare where blocks are taken from, and left when this is cleared; all of them of `blockSize`
   */
  constructor(limit: number, blockSize = 64 * 1024, spare: SpareBlocks = []) {
    this.#spare = spare;
    this.#most = limit / blockSize;
    this.#blockSize = blockSize;
  }

  /** The first byte that is kept; behind the last one when none is. */
  get start(): number {
    return this.#isCleared ? this.bytes : this.#dropped * this.#blockSize;
  }

  /** Lines that came; a last one without a newline counts. */
  get lines(): number {
    return this.#lineEnds + (this.#endsInLine ? 1 : 0);
  }

  /** Takes a copy. @returns how many newlines are in it */
  append(chunk: Uint8Array): number {
    if (chunk.length === 0) return 0;
    const before = this.#lineEnds;
    for (let at = 0; at < chunk.length; ) {
      const block = this.#room(chunk.length - at);
      const piece = chunk.subarray(at, at + block.bytes.length - block.used);
      block.bytes.set(piece, block.used);
      block.used += piece.length;
      at += piece.length;
      this.#lineEnds += newlinesIn(piece);
    }
    this.bytes += chunk.length;
    this.#endsInLine = chunk.at(-1) !== newline;
    return this.#lineEnds - before;
  }

  /** A copy of what is kept of these bytes. */
  slice(from: number, to: number): Uint8Array<ArrayBuffer> {
    const first = Math.max(from, this.start);
    const copy = new Uint8Array(Math.max(0, Math.min(to, this.bytes) - first));
    for (let at = 0; at < copy.length; ) {
      const { block, index } = this.#at(first + at);
      const piece = block.bytes.subarray(index, Math.min(block.used, index + copy.length - at));
      copy.set(piece, at);
      at += piece.length;
    }
    return copy;
  }

  /** The line that a kept byte is in, or that the next byte will be in. */
  lineAt(offset: number): number {
    const at = Math.max(offset, this.start);
    if (at >= this.bytes) return this.#lineEnds + 1;
    const { block, index } = this.#at(at);
    return block.linesBefore + newlinesIn(block.bytes.subarray(0, index)) + 1;
  }

  /** Where a line begins; where what is kept begins for one that does not, and the end for one that has not come yet. */
  offsetOfLine(line: number): number {
    const ends = line - 1;
    if (ends > this.#lineEnds) return this.bytes;
    const position = this.#blocks.findLastIndex(({ linesBefore }) => linesBefore < ends);
    const block = this.#blocks[position];
    if (block === undefined) return this.start;
    let index = -1;
    for (let seen = block.linesBefore; seen < ends; seen++) index = block.bytes.indexOf(newline, index + 1);
    return (this.#dropped + position) * this.#blockSize + index + 1;
  }

  /** Whether the line is kept from its first byte on, or is still to come. */
  hasBeginOfLine(line: number): boolean {
    const first = this.lineAt(this.start);
    return line > first || (line === first && this.#startsLine);
  }

  /** Lets go of all of it, for good; what was counted stays. */
  clear(): void {
    this.#isCleared = true;
    this.#startsLine = !this.#endsInLine;
    for (const { bytes } of this.#blocks) if (bytes.length === this.#blockSize) this.#spare.push(bytes);
    this.#blocks = [];
    this.allocated = 0;
  }

  #at(offset: number): { block: Block; index: number } {
    const block = this.#blocks[Math.floor(offset / this.#blockSize) - this.#dropped];
    if (block === undefined) throw new RangeError(`byte ${offset} is not kept`);
    return { block, index: offset % this.#blockSize };
  }

  /** A block with room for at least one byte. */
  #room(wanted: number): Block {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.used < last.bytes.length) return last;
    if (last !== undefined && last.bytes.length < this.#blockSize) return this.#grown(last, wanted);
    const reused = this.#blocks.length === this.#most ? this.#blocks.shift() : undefined;
    if (reused !== undefined) {
      this.#dropped++;
      this.#startsLine = reused.bytes[reused.used - 1] === newline;
    }
    const size = last === undefined ? Math.min(this.#blockSize, Math.max(wanted, smallest)) : this.#blockSize;
    const block = { bytes: reused?.bytes ?? this.#allocate(size), used: 0, linesBefore: this.#lineEnds };
    this.#blocks.push(block);
    return block;
  }

  #grown(block: Block, wanted: number): Block {
    const size = Math.min(this.#blockSize, Math.max(block.used + wanted, block.bytes.length * 2));
    this.allocated -= block.bytes.length;
    const bytes = this.#allocate(size);
    bytes.set(block.bytes);
    block.bytes = bytes;
    return block;
  }

  #allocate(size: number): Uint8Array {
    this.allocated += size;
    return (size === this.#blockSize ? this.#spare.pop() : undefined) ?? new Uint8Array(size);
  }
}

// A plain loop: see core/output.ts.
const newlinesIn = (bytes: Uint8Array): number => {
  let count = 0;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === newline) count++;
  return count;
};
