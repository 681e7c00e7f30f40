/** Lines with their numbers, as cat -n writes them: six wide, a tab, the line. */

/** @param first the number of the first line */
export const numberedText = (text: string, first: number): string => {
  let line = first;
  return text.replace(/[^\n]*\n|[^\n]+$/g, (each) => `${lineNumber(line++)}${each}`);
};

const lineNumber = (line: number): string => `${String(line).padStart(6)}\t`;

/** The same of bytes, in whatever pieces they come. */
export class NumberedLines {
  #line: number;
  #atStart = true;

  constructor(first: number) {
    this.#line = first;
  }

  push(chunk: Uint8Array): Uint8Array {
    const pieces: Uint8Array[] = [];
    let from = 0;
    while (from < chunk.length) {
      if (this.#atStart) pieces.push(encoder.encode(lineNumber(this.#line++)));
      const end = chunk.indexOf(10, from) + 1;
      this.#atStart = end > 0;
      pieces.push(chunk.subarray(from, end > 0 ? end : chunk.length));
      if (end === 0) break;
      from = end;
    }
    const numbered = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      numbered.set(piece, at);
      at += piece.length;
    }
    return numbered;
  }
}

const encoder = new TextEncoder();
