/**
 * Capture of an output stream that may be endless: its head and its tail are kept, everything is counted, the middle is
 * dropped as it passes. Text from here is still untrusted: escape it where it is shown.
 */
import { isBinary } from "./binary.ts";
import type { Sink } from "./sink.ts";

/** Bytes of each stream that a result holds unless the caller asks for another limit. */
export const defaultCaptureLimit = 16 * 1024;

export interface CapturedText {
  /** All of the stream, or head, marker line and tail. UTF-8; each malformed sequence is U+FFFD. */
  text: string;
  truncated: boolean;
  omittedBytes: number;
  /** Lines whose end was omitted: no line is counted here and kept as well. */
  omittedLines: number;
}

/**
 * Keeps at most the limit in bytes, half of it from either end, in copies: at most one and a quarter of it is allocated
 * while it fills. The marker comes on top, and a malformed byte decodes to a character of three.
 */
export class OutputCapture implements Sink {
  readonly #head: ByteRing;
  readonly #tail: ByteRing;
  #bytes = 0;
  #lineEnds = 0;
  #endsInLine = false;

  /** @param limitBytes a whole number from 0, which keeps nothing and counts */
  constructor(limitBytes: number) {
    this.#head = new ByteRing(Math.ceil(limitBytes / 2));
    this.#tail = new ByteRing(Math.floor(limitBytes / 2));
  }

  /** Bytes written so far, kept or not. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Lines written so far; a last one without a newline counts. */
  get lines(): number {
    return this.#lineEnds + (this.#endsInLine ? 1 : 0);
  }

  /** Never waits: what does not fit is dropped. */
  write(chunk: Uint8Array): Promise<void> {
    this.add(chunk, countNewlines(chunk));
    return accepted;
  }

  /** The same of a chunk whose newlines somebody has counted already. */
  add(chunk: Uint8Array, newlines: number): void {
    if (chunk.length === 0) return;
    const room = this.#head.limit - this.#head.length;
    if (room > 0) this.#head.push(chunk.subarray(0, room));
    if (chunk.length > room) this.#tail.push(chunk.subarray(room));
    this.#bytes += chunk.length;
    this.#lineEnds += newlines;
    this.#endsInLine = chunk.at(-1) !== newline;
  }

  /** The last line that was kept, for somebody to see how far it is: the one that is being written, else the last whole one. At most 200 characters. */
  lastLine(): string {
    const end = (this.#tail.length > 0 ? this.#tail : this.#head).toBytes().subarray(-lookedBack);
    return (
      decode(end)
        .replace(/\ufffd/g, "")
        .trimEnd()
        .split(/[\r\n]/)
        .at(-1)
        ?.slice(-longestLastLine)
        .replace(/^[\udc00-\udfff]/, "") ?? ""
    );
  }

  /** Whether what was kept is no text. */
  get isBinary(): boolean {
    return isBinary(this.#head.toBytes()) || isBinary(this.#tail.toBytes());
  }

  /**
   * What was kept. Each side of a cut gives up its part of the line that was cut when that is less than a quarter of
   * the side, and else at most the three bytes of a UTF-8 character that was cut.
   * @param limit bytes, where less than what was kept is wanted
   * @param readOn says how to read what is left out, which begins at that byte; null when nothing can
   */
  text(limit = Number.POSITIVE_INFINITY, readOn: ((offset: number) => string) | null = null): CapturedText {
    const kept = joined(this.#head.toBytes(), this.#tail.toBytes());
    if (kept.length === this.#bytes && kept.length <= limit) {
      return { text: decode(kept), truncated: false, omittedBytes: 0, omittedLines: 0 };
    }
    const isNarrowed = limit < kept.length;
    const head = kept.subarray(0, isNarrowed ? Math.ceil(limit / 2) : this.#head.length);
    const tail = kept.subarray(isNarrowed ? kept.length - Math.floor(limit / 2) : this.#head.length);
    const start = head.subarray(0, endOfHead(head));
    const end = tail.subarray(startOfTail(tail));
    const omittedBytes = this.#bytes - start.length - end.length;
    const keptLines = countNewlines(start) + countNewlines(end) + (this.#endsInLine && end.length > 0 ? 1 : 0);
    const omittedLines = this.lines - keptLines;
    const border = start.length === 0 || start.at(-1) === newline ? "" : "\n";
    const text = `${decode(start)}${border}${marker(omittedBytes, omittedLines, readOn?.(start.length) ?? null)}\n${decode(end)}`;
    return { text, truncated: true, omittedBytes, omittedLines };
  }
}

const newline = 10;
const lookedBack = 1024;
const longestLastLine = 200;
const accepted = Promise.resolve();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const decode = (bytes: Uint8Array): string => decoder.decode(bytes);

const joined = (head: Uint8Array, tail: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(head.length + tail.length);
  bytes.set(head);
  bytes.set(tail, head.length);
  return bytes;
};

const marker = (bytes: number, lines: number, readOn: string | null): string =>
  `[… ${counted(bytes, "byte")}, ${counted(lines, "line")} omitted${readOn === null ? "" : `: ${readOn}`} …]`;

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

// A plain loop: indexOf is twice as fast on long lines and thirty times slower
// on empty ones, which the remote may send.
const countNewlines = (bytes: Uint8Array): number => {
  let count = 0;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === newline) count++;
  return count;
};

/** Where the begin of a stream that was cut is best cut. */
export const endOfHead = (head: Uint8Array): number => {
  const afterNewline = head.lastIndexOf(newline) + 1;
  if (afterNewline > 0 && (head.length - afterNewline) * 4 < head.length) return afterNewline;
  // RFC 3629, section 3: the first byte that is no continuation (10xxxxxx) tells how long its character is.
  for (let back = 1; back <= Math.min(3, head.length); back++) {
    const byte = head[head.length - back] ?? 0;
    if (!isContinuation(byte)) return characterLength(byte) > back ? head.length - back : head.length;
  }
  return head.length;
};

/** Where the end of a stream that was cut best begins. */
export const startOfTail = (tail: Uint8Array): number => {
  const afterNewline = tail.indexOf(newline) + 1;
  if (afterNewline > 0 && afterNewline * 4 < tail.length) return afterNewline;
  let at = 0;
  while (at < 3 && at < tail.length && isContinuation(tail[at] ?? 0)) at++;
  return at;
};

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;

const characterLength = (first: number): number => (first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1);

/**
 * The last bytes that were pushed, up to the limit, copied. Its storage doubles until
 * it has the limit's size, then turns round.
 */
class ByteRing {
  #storage = new Uint8Array(0);
  #start = 0;
  length = 0;

  constructor(readonly limit: number) {}

  push(chunk: Uint8Array): void {
    const bytes = chunk.subarray(Math.max(0, chunk.length - this.limit));
    this.#reserve(Math.min(this.limit, this.length + bytes.length));
    const size = this.#storage.length;
    if (size === 0) return;
    const dropped = Math.max(0, this.length + bytes.length - size);
    this.#start = (this.#start + dropped) % size;
    this.length -= dropped;
    const at = (this.#start + this.length) % size;
    const first = bytes.subarray(0, size - at);
    this.#storage.set(first, at);
    this.#storage.set(bytes.subarray(first.length), 0);
    this.length += bytes.length;
  }

  /** In order, as a copy. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    const first = this.#storage.subarray(this.#start, this.#start + this.length);
    bytes.set(first);
    bytes.set(this.#storage.subarray(0, this.length - first.length), first.length);
    return bytes;
  }

  #reserve(needed: number): void {
    if (needed <= this.#storage.length) return;
    const grown = new Uint8Array(Math.min(this.limit, Math.max(needed, this.#storage.length * 2, 1024)));
    // Nothing was dropped before the storage had its full size: the bytes lie in order.
    grown.set(this.#storage.subarray(0, this.length));
    this.#storage = grown;
  }
}
