/** One component of an Include path as a pattern: OpenSSH's own glob(3), openbsd-compat/glob.c of 9.2, which goes by bytes. */

/** `*`, or a test of one byte. */
type Part = "star" | ((byte: number) => boolean);

/** What a component means: a name as it is, or a test of names. */
export type Component = { name: string } | { matches: (name: string) => boolean };

/**
 * @param written `*`, `?`, `[a-z]`, `[!a-z]`, `[[:alpha:]]` and backslash; a dot that a name begins with must be written
 * @returns null when it names a class that there is not: it matches nothing
 */
export const parseComponent = (written: string): Component | null => {
  const bytes = bytesOf(written);
  const parts: Part[] = [];
  let literal = "";
  for (let at = 0; at < bytes.length; ) {
    const char = bytes[at] ?? "";
    const set = char === "[" ? setAt(bytes, at) : undefined;
    if (set === null) return null;
    if (set !== undefined) {
      parts.push(set.has);
      at = set.end;
    } else if (char === "*" || char === "?") {
      parts.push(char === "*" ? "star" : () => true);
      at++;
    } else {
      const plain = plainAt(bytes, at);
      parts.push((byte) => byte === plain.code);
      literal += String.fromCharCode(plain.code);
      at = plain.end;
    }
  }
  if (parts.length === literal.length) return { name: Buffer.from(literal, "latin1").toString() };
  const showsHidden = written.startsWith(".") || written.startsWith("\\.");
  return { matches: (name) => (showsHidden || !name.startsWith(".")) && matchParts(bytesOf(name), parts) };
};

/** A character for each byte. */
const bytesOf = (text: string): string => Buffer.from(text).toString("latin1");

/** One byte, maybe behind a backslash. */
const plainAt = (bytes: string, at: number): { code: number; end: number } => {
  const isQuoted = bytes[at] === "\\" && at + 1 < bytes.length;
  return { code: bytes.charCodeAt(isQuoted ? at + 1 : at), end: isQuoted ? at + 2 : at + 1 };
};

/** Undefined for a bracket that is not closed; null for a class that there is not. */
const setAt = (bytes: string, open: number): { has: (byte: number) => boolean; end: number } | null | undefined => {
  const isNegated = bytes[open + 1] === "!";
  const begin = open + (isNegated ? 2 : 1);
  if (closeBehind(bytes, begin) === null) return undefined;
  const tests: ((byte: number) => boolean)[] = [];
  let at = begin;
  do {
    const name = /^\[:([^:]*):\]/.exec(bytes.slice(at, at + 20))?.[1];
    if (name !== undefined) {
      const expression = classes.get(name);
      if (expression === undefined) return null;
      tests.push((byte) => expression.test(String.fromCharCode(byte)));
      at += name.length + 4;
      continue;
    }
    const low = plainAt(bytes, at);
    at = low.end;
    const isRange = bytes[at] === "-" && at + 1 < bytes.length && bytes[at + 1] !== "]";
    const high = isRange ? plainAt(bytes, at + 1) : low;
    tests.push((byte) => byte >= low.code && byte <= high.code);
    at = high.end;
  } while (at < bytes.length && bytes[at] !== "]");
  return { has: (byte) => tests.some((test) => test(byte)) !== isNegated, end: at + 1 };
};

/** Where a set ends, whose first character may be a bracket itself. */
const closeBehind = (bytes: string, begin: number): number | null => {
  for (let at = plainAt(bytes, begin).end; at < bytes.length; at = plainAt(bytes, at).end) {
    if (bytes[at] === "]") return at;
  }
  return null;
};

/** As `matchGlob`: in pattern times name at the worst, so that no pattern can stall the process. */
const matchParts = (name: string, parts: readonly Part[]): boolean => {
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < name.length) {
    const part = parts[next];
    if (part === "star") {
      star = next++;
      resume = at;
    } else if (part?.(name.charCodeAt(at)) === true) {
      next++;
      at++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  return parts.slice(next).every((part) => part === "star");
};

/** Of the C locale. */
const classes: ReadonlyMap<string, RegExp> = new Map([
  ["alnum", /[A-Za-z0-9]/],
  ["alpha", /[A-Za-z]/],
  ["blank", /[ \t]/],
  ["cntrl", /[^ -~\x80-\xff]/],
  ["digit", /[0-9]/],
  ["graph", /[!-~]/],
  ["lower", /[a-z]/],
  ["print", /[ -~]/],
  ["punct", /[!-/:-@[-`{-~]/],
  ["space", /[ \t-\r]/],
  ["upper", /[A-Z]/],
  ["xdigit", /[0-9A-Fa-f]/],
]);
