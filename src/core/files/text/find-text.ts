/** Finding one text in another in time that grows with both and never with their product (Knuth, Morris, Pratt), in steps between which others have their turn. */

/** Characters looked at between two steps. */
const stepLength = 16 * 1024;
/** What is looked for natively where nothing has begun to match. */
const headLength = 16;

export interface Search {
  /** Whether a place may begin within another. */
  overlapping: boolean;
  /** Places to stop at. */
  most: number;
}

/** @returns where `part`, which is not empty, begins, in order */
export function* placesOf(text: string, part: string, { overlapping, most }: Search): Generator<void, number[], void> {
  const head = part.slice(0, headLength);
  const places: number[] = [];
  const matcher = new Matcher(part);
  let work = 0;
  for (let at = 0; at < text.length && places.length < most; at++) {
    if (matcher.begun === 0) {
      const next = text.indexOf(head, at);
      if (next < 0) break;
      work += (next - at) / headLength;
      at = next;
    }
    if (matcher.push(text.charCodeAt(at))) {
      places.push(at + 1 - part.length);
      if (!overlapping) matcher.restart();
    }
    if (++work < stepLength) continue;
    work = 0;
    yield;
  }
  return places;
}

/** @returns where the first place begins that differs from `part` in white space at most; -1 for none */
export function* placeButForSpace(text: string, part: string): Generator<void, number, void> {
  const plain = part.trim().replace(/\s+/g, " ");
  if (plain === "") return -1;
  const matcher = new Matcher(plain);
  let wasSpace = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const space = isSpace(code);
    if (!(space && wasSpace) && matcher.push(space ? blank : code)) return startBefore(text, at, plain.length);
    wasSpace = space;
    if (at % stepLength === 0) yield;
  }
  return -1;
}

/** Where so many characters begin that end at one, white space counted as one. */
const startBefore = (text: string, end: number, length: number): number => {
  let at = end;
  for (let left = length - 1; left > 0; left--) {
    if (isSpace(text.charCodeAt(at))) while (isSpace(text.charCodeAt(at - 1))) at--;
    at--;
  }
  return at;
};

/** @param places in order @returns the line of each, from 1 */
export function* linesAt(text: string, places: readonly number[]): Generator<void, number[], void> {
  const lines: number[] = [];
  let line = 1;
  let next = text.indexOf("\n");
  let work = 0;
  for (const place of places) {
    while (next >= 0 && next < place) {
      line++;
      next = text.indexOf("\n", next + 1);
      if (++work % stepLength === 0) yield;
    }
    lines.push(line);
  }
  return lines;
}

const blank = 0x20;

/** As `\s` has it. */
const isSpace = (code: number): boolean =>
  code === blank || (code >= 9 && code <= 13) || (code >= 0xa0 && /\s/.test(String.fromCharCode(code)));

class Matcher {
  readonly #part: string;
  /** Of each beginning of the part, the length of its longest end that is a beginning as well. */
  readonly #ends: Int32Array;
  #begun = 0;

  constructor(part: string) {
    this.#part = part;
    this.#ends = new Int32Array(part.length);
    for (let at = 1, length = 0; at < part.length; at++) {
      length = this.#after(length, part.charCodeAt(at));
      this.#ends[at] = length;
    }
  }

  /** Characters of the part that have been seen. */
  get begun(): number {
    return this.#begun;
  }

  /** @returns whether the part ends with this character */
  push(code: number): boolean {
    this.#begun = this.#after(this.#begun, code);
    if (this.#begun < this.#part.length) return false;
    this.#begun = this.#ends[this.#begun - 1] ?? 0;
    return true;
  }

  restart(): void {
    this.#begun = 0;
  }

  #after(length: number, code: number): number {
    let kept = length;
    while (kept > 0 && this.#part.charCodeAt(kept) !== code) kept = this.#ends[kept - 1] ?? 0;
    return this.#part.charCodeAt(kept) === code ? kept + 1 : kept;
  }
}
