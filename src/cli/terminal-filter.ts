/**
 * What a server sends, made harmless for the terminal it is shown on. Text, tabs, backspaces, carriage returns, colours (SGR) and erasing within
 * the line (EL) pass as they are; every other control is written out as `\x1b` is here: titles, the clipboard and links (OSC), DCS, APC, PM,
 * questions that the terminal would answer as if typed (DA, DSR, DECRQSS, ENQ), modes, cursor movement, character sets, C1, and so is every byte that is no
 * UTF-8. See ECMA-48 and xterm's
 * "Control Sequences". Terminals are taken to be UTF-8.
 */

const escapeByte = 0x1b;
/** Longer than any colour: what takes more is none. */
const longestSequence = 64;
const nothing = new Uint8Array(0);

/** One stream of output, in whatever pieces it comes. */
export class TerminalFilter {
  /** The begin of a character or of a sequence, a few bytes at most: nothing that could be seen waits. */
  #held: Uint8Array = nothing;

  /** @returns what may be shown now; the chunk itself when there is nothing to change */
  push(chunk: Uint8Array): Uint8Array {
    return this.#filter(this.#held.length === 0 ? chunk : joined(this.#held, chunk), false);
  }

  /** What was held back when the stream ends. */
  end(): Uint8Array {
    return this.#filter(this.#held, true);
  }

  #filter(bytes: Uint8Array, isEnd: boolean): Uint8Array {
    this.#held = nothing;
    const pieces: Uint8Array[] = [];
    let shown = 0;
    let at = 0;
    while (at < bytes.length) {
      const byte = bytes[at] ?? 0;
      if (isPlain(byte)) {
        at++;
        continue;
      }
      const length = byte === escapeByte ? sequenceAt(bytes, at) : byte >= 0x80 ? characterAt(bytes, at) : 0;
      if (length === null && !isEnd) {
        this.#held = bytes.slice(at);
        break;
      }
      if (length !== null && length > 0) {
        at += length;
        continue;
      }
      const isC1 = byte === 0xc2 && isContinuation(bytes[at + 1]);
      pieces.push(bytes.subarray(shown, at), writtenOut(isC1 ? (bytes[at + 1] ?? 0) : byte));
      at += isC1 ? 2 : 1;
      shown = at;
    }
    if (pieces.length === 0) return at === bytes.length ? bytes : bytes.subarray(0, at);
    return joined(...pieces, bytes.subarray(shown, at));
  }
}

/** BEL to CR do no harm; they ring, and move within the line or to the next. */
const isContinuation = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x80 && byte <= 0xbf;

const isPlain = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || (byte >= 0x07 && byte <= 0x0d);

/** @returns the length of a sequence that may pass; 0 for another; null when it is not over yet */
const sequenceAt = (bytes: Uint8Array, at: number): number | null => {
  if (at + 1 >= bytes.length) return null;
  if (bytes[at + 1] !== 0x5b) return 0;
  for (let end = at + 2; end < at + longestSequence; end++) {
    const byte = bytes[end];
    if (byte === undefined) return null;
    // SGR is `m`, EL is `K`; a parameter that begins with < = > or ? makes another function of it.
    if (byte === 0x6d || byte === 0x4b) return end + 1 - at;
    if (byte < 0x30 || byte > 0x3b) return 0;
  }
  return 0;
};

/** @returns the length of a character (RFC 3629, section 4); 0 for a C1 control and for what is none; null when it is not over yet */
const characterAt = (bytes: Uint8Array, at: number): number | null => {
  const first = bytes[at] ?? 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (let index = 1; index < length; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) return null;
    const [least, most] = index === 1 ? secondBytes(first) : anyFurther;
    if (byte < least || byte > most) return 0;
  }
  return length;
};

const anyFurther = [0x80, 0xbf] as const;

/** Without C1 controls, longer forms than needed, surrogates, and what lies beyond Unicode. */
const secondBytes = (first: number): readonly [number, number] => {
  switch (first) {
    case 0xc2:
    case 0xe0:
      return [0xa0, 0xbf];
    case 0xed:
      return [0x80, 0x9f];
    case 0xf0:
      return [0x90, 0xbf];
    case 0xf4:
      return [0x80, 0x8f];
    default:
      return anyFurther;
  }
};

const encoder = new TextEncoder();

const writtenOut = (byte: number): Uint8Array => encoder.encode(`\\x${byte.toString(16).padStart(2, "0")}`);

const joined = (...pieces: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
};
