/** Lines of one host among those of others: whole ones alone, each with the host's name before it. */
import { escapeText } from "../../core/escape.ts";
import { endOfHead } from "../../core/output.ts";
import type { Sink } from "../../core/sink.ts";

/** Bytes of a line; what is longer is shown as several. */
const longestLine = 64 * 1024;
const newline = 10;
const encoder = new TextEncoder();
const lineEnd = Uint8Array.of(newline);
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export class PrefixedLines implements Sink {
  readonly #prefix: Uint8Array;
  readonly #sink: Sink;
  readonly #escapes: boolean;
  #begun: Uint8Array[] = [];
  #held = 0;

  /** @param escapes whether what could harm a terminal is written out; else every byte is shown as it came */
  constructor(prefix: string, sink: Sink, escapes: boolean) {
    this.#prefix = encoder.encode(prefix);
    this.#sink = sink;
    this.#escapes = escapes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    const lines: Uint8Array[] = [];
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      this.#hold(chunk.subarray(from, at), lines);
      lines.push(this.#line());
      from = at + 1;
    }
    this.#hold(chunk.subarray(from), lines);
    await this.#show(lines);
  }

  /** A last line without an end is shown as one. */
  async end(): Promise<void> {
    if (this.#held > 0) await this.#show([this.#line()]);
  }

  #hold(part: Uint8Array, lines: Uint8Array[]): void {
    let rest = part;
    while (this.#held + rest.length > longestLine) {
      const room = longestLine - this.#held;
      this.#push(rest.subarray(0, room));
      rest = rest.subarray(room);
      const line = Buffer.concat(this.#begun);
      // Not in the middle of a character.
      const end = endOfHead(line);
      lines.push(this.#shown(line.subarray(0, end)));
      this.#begun = [];
      this.#held = 0;
      if (end < line.length) this.#push(line.subarray(end));
    }
    if (rest.length > 0) this.#push(rest);
  }

  #push(part: Uint8Array): void {
    this.#begun.push(part.slice());
    this.#held += part.length;
  }

  #line(): Uint8Array {
    const line = Buffer.concat(this.#begun);
    this.#begun = [];
    this.#held = 0;
    return this.#shown(line);
  }

  #shown(line: Uint8Array): Uint8Array {
    // What escapes a line has to see its end: a return before it is no cursor movement.
    if (this.#escapes) return Buffer.concat([this.#prefix, encoder.encode(escapeText(`${decoder.decode(line)}\n`))]);
    return Buffer.concat([this.#prefix, line, lineEnd]);
  }

  async #show(lines: readonly Uint8Array[]): Promise<void> {
    if (lines.length > 0) await this.#sink.write(Buffer.concat(lines));
  }
}
