/** `[abc]`, `[a-z]`, `[!x]`, `[^x]` and `[[:digit:]]` of a pattern: one character of several. */

export interface Bracket {
  /** Characters of the pattern that it takes up, in UTF-16 units. */
  length: number;
  has: (character: string) => boolean;
}

const classes: Readonly<Record<string, RegExp>> = {
  ...{ alnum: /^[A-Za-z0-9]$/, alpha: /^[A-Za-z]$/, blank: /^[ \t]$/, digit: /^[0-9]$/, lower: /^[a-z]$/ },
  ...{ punct: /^[!-/:-@[-`{-~]$/, space: /^[ \t-\r]$/, upper: /^[A-Z]$/, xdigit: /^[0-9A-Fa-f]$/ },
};

/** What a pattern begins with; null where that is no bracket, or one that is not closed, which is a plain character. */
export const bracketAt = (pattern: string): Bracket | null => {
  const parts = /^\[([!^]?)(\]?(?:\[:[a-z]+:\]|\\[\s\S]|[^\]\\])*)\]/u.exec(pattern);
  const inner = parts?.[2] ?? "";
  if (parts === null || inner === "") return null;
  const tests: ((character: string) => boolean)[] = [];
  const words = inner.match(/\[:[a-z]+:\]|(?:\\[\s\S]|[\s\S])(?:-(?:\\[\s\S]|[^\]]))?/gu) ?? [];
  for (const word of words) {
    const named = /^\[:([a-z]+):\]$/.exec(word)?.[1];
    if (named !== undefined) {
      tests.push((character) => (Object.hasOwn(classes, named) ? classes[named]?.test(character) === true : false));
      continue;
    }
    const [, first = "", last = first] = /^(?:\\)?([\s\S])(?:-(?:\\)?([\s\S]))?$/u.exec(word) ?? [];
    const [from, to] = [first.codePointAt(0) ?? 0, last.codePointAt(0) ?? 0];
    tests.push((character) => from <= (character.codePointAt(0) ?? -1) && (character.codePointAt(0) ?? -1) <= to);
  }
  const isNegated = parts[1] !== "";
  return { length: parts[0].length, has: (character) => tests.some((test) => test(character)) !== isNegated };
};
