/** Where a value of a TOML file ends, found without reading the file again and again. */

/** A word of a line: a text that ends on it, the begin of one that may go on, a comment, a bracket, or anything else. */
const word = /"""|'''|"(?:[^"\\]|\\.)*"|'[^']*'|#.*|[[{]|[\]}]|[^"'#[\]{}]+|./gy;

/** What closes a text that goes on over lines, by what opened it. */
const closing: ReadonlyMap<string, RegExp> = new Map([
  ['"""', /(?:[^"\\]|\\.|"(?!""))*"""+/y],
  ["'''", /(?:[^']|'(?!''))*'''+/y],
]);

/**
 * The index after the last line of the value that begins on the line `at`: a list or a text may go on over several.
 * @param end where the table ends, and the value at the latest
 */
export const valueEnd = (lines: readonly string[], at: number, end: number): number => {
  let depth = 0;
  let open: RegExp | null = null;
  for (let index = at; index < end; index++) {
    const line = lines[index] ?? "";
    for (let from = 0; from < line.length; ) {
      const pattern: RegExp = open ?? word;
      pattern.lastIndex = from;
      const [found] = pattern.exec(line) ?? [];
      if (found === undefined) break;
      from += found.length;
      if (open === null) open = closing.get(found) ?? null;
      else open = null;
      if (found === "[" || found === "{") depth++;
      else if (found === "]" || found === "}") depth--;
    }
    if (depth <= 0 && open === null) return index + 1;
  }
  return end;
};
