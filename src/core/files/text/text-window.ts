/**
 * The wanted part of a file that passes by in chunks, and what is to be known of all of it: in bounded memory, whatever its size. Lines end with a
 * newline byte; a last one without it counts.
 */
import { endOfHead, startOfTail } from "../../output.ts";

export type Wanted =
  /** From 1; null is to the end. */
  | { kind: "lines"; from: number; to: number | null }
  | { kind: "bytes"; offset: number; length: number | null }
  | { kind: "tail"; lines: number };

export interface Limits {
  bytes: number;
  lines: number;
}

/** What was picked. Offsets and lines are those of the whole stream. */
export interface Picked {
  bytes: Uint8Array;
  /** Where it begins. */
  offset: number;
  /** The line it begins in. */
  startLine: number;
  /** The last line that some of it is of; one less than the first when it is empty. */
  endLine: number;
  /** Whether a limit kept out some of what was wanted. */
  truncated: boolean;
  /** The first line that was left out behind it, when it was cut between lines; else null. */
  nextLine: number | null;
}

const newline = 10;

export class TextWindow {
  readonly #wanted: Wanted;
  readonly #limits: Limits;
  #chunks: Uint8Array[] = [];
  #held = 0;
  /** Bytes, and newlines, that passed by. */
  #bytes = 0;
  #newlines = 0;
  #last = newline;
  #offset: number | null = null;
  #startLine = 1;
  #full = false;
  #truncated = false;

  constructor(wanted: Wanted, limits: Limits) {
    this.#wanted = wanted;
    this.#limits = limits;
  }

  /** Whether nothing more of it will be picked. */
  get full(): boolean {
    return this.#full;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get lines(): number {
    return this.#newlines + (this.#last === newline ? 0 : 1);
  }

  /** The chunk is kept as it is: it must not change any more. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#wanted.kind === "tail") this.#pushTail(chunk);
    else if (!this.#full) this.#pick(chunk);
    this.#newlines += newlinesIn(chunk);
    this.#bytes += chunk.length;
    this.#last = chunk[chunk.length - 1] ?? newline;
  }

  picked(): Picked {
    return this.#wanted.kind === "tail" ? this.#pickedTail(this.#wanted.lines) : this.#pickedHead();
  }

  #pick(chunk: Uint8Array): void {
    const from = this.#offset === null ? this.#beginIn(chunk) : 0;
    if (from === null) return;
    const end = this.#endIn(chunk, from);
    const piece = chunk.subarray(from, end);
    if (piece.length > 0) this.#keep(piece);
    // One byte more than the limit tells that there is more.
    if (this.#held > this.#limits.bytes) [this.#full, this.#truncated] = [true, true];
  }

  /** Where the wanted part begins in this chunk; null when it does not yet. */
  #beginIn(chunk: Uint8Array): number | null {
    const wanted = this.#wanted;
    let from = 0;
    let line = this.#newlines + 1;
    if (wanted.kind === "lines") {
      while (line < wanted.from) {
        const next = chunk.indexOf(newline, from);
        if (next < 0) return null;
        from = next + 1;
        line++;
      }
      // The line may begin with the next chunk, or never.
      if (from === chunk.length) return null;
    } else if (wanted.kind === "bytes") {
      from = wanted.offset - this.#bytes;
      if (from >= chunk.length) return null;
      line += newlinesIn(chunk.subarray(0, from));
    }
    this.#offset = this.#bytes + from;
    this.#startLine = line;
    return from;
  }

  #endIn(chunk: Uint8Array, from: number): number {
    const wanted = this.#wanted;
    if (wanted.kind === "bytes" && wanted.length !== null) {
      const left = wanted.length - this.#held;
      if (chunk.length - from >= left) this.#full = true;
      return Math.min(chunk.length, from + left);
    }
    if (wanted.kind !== "lines") return chunk.length;
    const last = Math.min(wanted.to ?? Number.POSITIVE_INFINITY, this.#startLine + this.#limits.lines - 1);
    if (last === Number.POSITIVE_INFINITY) return chunk.length;
    let line = this.#newlines + 1 + newlinesIn(chunk.subarray(0, from));
    let end = from;
    while (line <= last) {
      const next = chunk.indexOf(newline, end);
      if (next < 0) return chunk.length;
      end = next + 1;
      line++;
    }
    // Whether a limit cut it is seen by what follows, at the end.
    this.#full = true;
    return end;
  }

  #keep(piece: Uint8Array): void {
    this.#chunks.push(piece);
    this.#held += piece.length;
  }

  #pickedHead(): Picked {
    const all = joined(this.#chunks, this.#held);
    const { bytes, isBetweenLines } = this.#truncated
      ? cutHead(all, this.#limits.bytes)
      : { bytes: all, isBetweenLines: true };
    const startLine = this.#offset === null ? this.lines + 1 : this.#startLine;
    const offset = this.#offset ?? this.#bytes;
    const ends = newlinesIn(bytes);
    const endLine = startLine + ends - (bytes.length === 0 || bytes.at(-1) === newline ? 1 : 0);
    const isCutByLines = this.#isCutByLines(endLine, offset + bytes.length);
    const truncated = this.#truncated || isCutByLines;
    return { bytes, offset, startLine, endLine, truncated, nextLine: truncated && isBetweenLines ? endLine + 1 : null };
  }

  /** Whether there is more of what was wanted than the limit of lines let in. */
  #isCutByLines(endLine: number, end: number): boolean {
    const wanted = this.#wanted;
    return wanted.kind === "lines" && this.#full && end < this.#bytes && (wanted.to === null || endLine < wanted.to);
  }

  #pushTail(chunk: Uint8Array): void {
    this.#keep(chunk);
    for (;;) {
      const first = this.#chunks[0];
      // What is kept is more than the limit, so that a cut is seen.
      if (first === undefined || this.#held - first.length <= this.#limits.bytes) return;
      this.#chunks.shift();
      this.#held -= first.length;
    }
  }

  #pickedTail(lines: number): Picked {
    const all = joined(this.#chunks, this.#held);
    const start = startOfLines(all, Math.min(lines, this.#limits.lines));
    const isCut = all.length - start > this.#limits.bytes || (start === 0 && this.#bytes > all.length);
    const cut = all.subarray(Math.max(start, all.length - this.#limits.bytes));
    const bytes = isCut ? cut.subarray(startOfTail(cut)) : cut;
    const ends = newlinesIn(bytes) + (bytes.length > 0 && this.#last !== newline ? 1 : 0);
    const startLine = this.lines - ends + 1;
    const truncated = isCut || (lines > this.#limits.lines && this.lines > this.#limits.lines);
    return { bytes, offset: this.#bytes - bytes.length, startLine, endLine: this.lines, truncated, nextLine: null };
  }
}

/** Where the last so many lines begin; 0 when there are no more. */
export const startOfLines = (bytes: Uint8Array, lines: number): number => {
  if (lines <= 0) return bytes.length;
  let left = lines;
  // The newline of the last line ends it, and begins none.
  for (let at = bytes.length - 2; at >= 0; at--) if (bytes[at] === newline && --left === 0) return at + 1;
  return 0;
};

export const newlinesIn = (bytes: Uint8Array): number => {
  let found = 0;
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === newline) found++;
  return found;
};

/** Between lines where there are any, else between characters. */
const cutHead = (all: Uint8Array, most: number): { bytes: Uint8Array; isBetweenLines: boolean } => {
  const head = all.subarray(0, most);
  const lineEnd = head.lastIndexOf(newline) + 1;
  return lineEnd > 0
    ? { bytes: head.subarray(0, lineEnd), isBetweenLines: true }
    : { bytes: head.subarray(0, endOfHead(head)), isBetweenLines: false };
};

const joined = (chunks: readonly Uint8Array[], length: number): Uint8Array => {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
};
