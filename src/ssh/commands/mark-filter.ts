/** Finds a program's word in one stream of a command's output, and keeps it, and what came before it, from whoever reads the command's own. */

/** What a login shell's start-up files say before it; more than that is let through rather than held. */
const heldLimit = 64 * 1024;
/** A path is the longest that a program says. */
const longestWord = 4096;

const lineFeed = 0x0a;
const nothing = new Uint8Array(0);

export class MarkFilter<Word extends string = string> {
  readonly #mark: string;
  readonly #isWord: (text: string) => text is Word;
  readonly #onWord: (word: Word) => void;
  /** What came before the word, with room for more; null when it has been heard, or nothing more comes. */
  #held: Buffer | null = Buffer.alloc(0);
  #length = 0;
  /** Where a mark may begin at the earliest: nothing is looked at twice. */
  #from = 0;
  /** The word's line: it comes twice where start-up files have joined the two streams. Null once something has come behind it. */
  #line: Buffer | null = null;

  /**
   * @param isWord whether the program says this behind its mark; with anything else it is somebody's echo of the program
   * @param onWord told once of the word that the mark's line ends with
   */
  constructor(mark: string, isWord: (text: string) => text is Word, onWord: (word: Word) => void) {
    this.#mark = `${mark} `;
    this.#isWord = isWord;
    this.#onWord = onWord;
  }

  /** What was kept so far: of a command that begins, its login shell said it, and says it again for the command itself. */
  get held(): string {
    return this.#held?.toString("utf8", 0, this.#length) ?? "";
  }

  pass(chunk: Uint8Array): Uint8Array {
    if (this.#held === null) return this.#line === null ? chunk : this.#behind(this.#line, chunk);
    const all = this.#keep(this.#held, chunk);
    const end = this.#search(all);
    if (end !== null) {
      this.#held = null;
      return this.#line === null ? all.subarray(end) : this.#behind(this.#line, all.subarray(end));
    }
    return all.length > heldLimit ? this.#letGo(all) : nothing;
  }

  /** What is held when nothing more comes. */
  rest(): Uint8Array {
    const rest = this.#held?.subarray(0, this.#length) ?? nothing;
    this.#held = null;
    return rest;
  }

  /** Twice the room each time: output in crumbs is copied a few times, and not with each crumb. */
  #keep(held: Buffer, chunk: Uint8Array): Buffer {
    const length = this.#length + chunk.length;
    const room = length <= held.length ? held : Buffer.alloc(Math.max(1024, length, 2 * held.length));
    if (room !== held) held.copy(room, 0, 0, this.#length);
    room.set(chunk, this.#length);
    this.#held = room;
    this.#length = length;
    return room.subarray(0, length);
  }

  /** @returns where the command's own begins; null when no word has come */
  #search(all: Buffer): number | null {
    for (;;) {
      const at = all.indexOf(this.#mark, this.#from);
      if (at < 0) {
        this.#from = Math.max(this.#from, all.length - this.#mark.length + 1);
        return null;
      }
      const begin = at + this.#mark.length;
      const end = all.indexOf(lineFeed, begin);
      if (end < 0 && all.length - begin <= longestWord) {
        this.#from = at;
        return null;
      }
      // A terminal makes two of the line's end.
      const word = end < 0 ? "" : all.toString("latin1", begin, all[end - 1] === 0x0d ? end - 1 : end);
      if (this.#isWord(word)) {
        this.#line = Buffer.from(all.subarray(at, end + 1));
        this.#onWord(word);
        return end + 1;
      }
      this.#from = begin;
    }
  }

  #behind(line: Buffer, bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes;
    this.#line = null;
    // It is written at once, and so it is there whole or not at all.
    const isAgain = bytes.length >= line.length && line.equals(bytes.subarray(0, line.length));
    return isAgain ? bytes.subarray(line.length) : bytes;
  }

  /** All but what may be the beginning of the mark's line. */
  #letGo(all: Buffer): Uint8Array {
    this.#held = Buffer.from(all.subarray(this.#from));
    const gone = all.subarray(0, this.#from);
    this.#length = this.#held.length;
    this.#from = 0;
    return gone;
  }
}
