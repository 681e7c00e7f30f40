/** Largest message accepted, in bytes: far above any tool call, far below what would hurt. */
export const lineLimit = 16 * 1024 * 1024;

/** A complete line without its newline, or why there is none to read. */
export type Line = { text: string } | { fault: string };

const newline = 0x0a;

/**
 * Cuts a byte stream into lines of UTF-8 text and holds at most `limit` bytes of an unfinished one. A line over the limit is
 * reported as soon as it is, once, and skipped to its end, so that the stream goes on behind it.
 */
export class LineReader {
  readonly #limit: number;
  // A byte order mark is not part of the text: the decoder drops it.
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #parts: Uint8Array[] = [];
  #held = 0;
  #skipping = false;

  constructor(limit = lineLimit) {
    this.#limit = limit;
  }

  push(chunk: Uint8Array, handle: (line: Line) => void): void {
    let at = 0;
    while (at < chunk.length) {
      const end = chunk.indexOf(newline, at);
      this.#hold(chunk.subarray(at, end === -1 ? chunk.length : end), handle);
      if (end === -1) return;
      this.#finish(handle);
      at = end + 1;
    }
  }

  /** The stream is over: what was held counts as a line. */
  end(handle: (line: Line) => void): void {
    if (this.#held > 0 || this.#skipping) this.#finish(handle);
  }

  #hold(part: Uint8Array, handle: (line: Line) => void): void {
    if (this.#skipping) return;
    this.#held += part.length;
    if (this.#held > this.#limit) {
      this.#parts = [];
      this.#skipping = true;
      handle({ fault: `a message may have at most ${this.#limit} bytes` });
      return;
    }
    // Copied: the reader may reuse its buffer.
    if (part.length > 0) this.#parts.push(part.slice());
  }

  #finish(handle: (line: Line) => void): void {
    const parts = this.#parts;
    const skipped = this.#skipping;
    this.#parts = [];
    this.#held = 0;
    this.#skipping = false;
    if (!skipped) handle(this.#decode(parts));
  }

  #decode(parts: Uint8Array[]): Line {
    const bytes = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    try {
      return { text: this.#decoder.decode(bytes) };
    } catch {
      return { fault: "a message must be UTF-8" };
    }
  }
}
