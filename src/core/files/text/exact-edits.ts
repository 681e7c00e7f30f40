/** Exact replacements in a text, all or none. Line endings are the file's: `\n` of an edit matches, and becomes, what the file has there. */
import { SshMcpError } from "../../errors.ts";
import { shown } from "../../escape.ts";
import { linesAt, placeButForSpace, placesOf } from "./find-text.ts";
import { type LineEnding, lineEndingOf } from "./text-form.ts";

export interface ExactEdit {
  old: string;
  new: string;
  /** Replace every place instead of the only one. */
  all?: boolean | undefined;
}

/**
 * Applies each edit to the result of the one before it, in steps between which others have their turn.
 * @param spell how a text of an edit may stand in the file, in the order to try: bytes that are no text have more than one way
 * @returns the text, and how many places were replaced
 * @throws SshMcpError INVALID_INPUT when one does not fit exactly: its message says which, how often it was found, and where; TOO_LARGE for a text that
 * grows without measure
 */
export function* applyEdits(
  text: string,
  edits: readonly ExactEdit[],
  spell: readonly ((part: string) => string)[] = [(part) => part],
): Generator<void, { text: string; replaced: number }, void> {
  let replaced = 0;
  let ending = lineEndingOf(text);
  for (const [index, edit] of edits.entries()) {
    const name = edits.length === 1 ? "the edit" : `edit ${index + 1} of ${edits.length}`;
    const done = yield* applied(text, ending, edit, spell, name);
    text = done.text;
    replaced += done.replaced;
    if (ending === "none" && edit.new.includes("\n")) ending = lineEndingOf(text);
    yield;
  }
  return { text, replaced };
}

/** Where something stands, in order. */
interface Places {
  starts: readonly number[];
  endOf: (index: number) => number;
}

/** More of these than are said are not looked for: all of them may be as many as the text has characters. */
const mostLinesSaid = 5;
/** Characters of a result. */
const longestText = 16 * 1024 * 1024;

function* applied(
  text: string,
  ending: LineEnding,
  edit: ExactEdit,
  spell: readonly ((part: string) => string)[],
  name: string,
): Generator<void, { text: string; replaced: number }, void> {
  if (edit.old === "") throw wrong(`${name}: old is empty`);
  for (const spelt of spell) {
    const places = yield* found(text, spelt(plain(edit.old)), ending, edit.all === true);
    const count = places.starts.length;
    if (count === 0) continue;
    if (count > 1 && edit.all !== true) throw yield* ambiguous(text, places.starts, name);
    const replacement = spelt(plain(edit.new));
    if (text.length + count * replacement.length > longestText && replacement.length > edit.old.length)
      throw new SshMcpError(
        "TOO_LARGE",
        `${name}: with ${count} places replaced the text is larger than ${longestText / 1024 / 1024} MiB; nothing was changed`,
      );
    return { text: yield* withReplaced(text, places, replacement, ending), replaced: count };
  }
  throw yield* missing(text, edit.old, name);
}

const plain = (part: string): string => part.replaceAll("\r\n", "\n");

/** Where `old` stands; when only one may, places that overlap count too, and no more are looked for than are said. */
function* found(text: string, old: string, ending: LineEnding, all: boolean): Generator<void, Places, void> {
  const search = all
    ? { overlapping: false, most: Number.POSITIVE_INFINITY }
    : { overlapping: true, most: mostLinesSaid + 1 };
  if (ending === "mixed" && old.includes("\n")) {
    const starts = yield* placesOf(plain(text), old, search);
    const own = yield* unplain(text, starts, 0);
    const ends = yield* unplain(text, starts, old.length);
    return { starts: own, endOf: (index) => ends[index] ?? 0 };
  }
  const literal = ending === "crlf" ? old.replaceAll("\n", "\r\n") : old;
  const starts = yield* placesOf(text, literal, search);
  return { starts, endOf: (index) => (starts[index] ?? 0) + literal.length };
}

/** Where so many characters behind places of the text with `\n` for every line ending are in the text itself. */
function* unplain(text: string, places: readonly number[], behind: number): Generator<void, number[], void> {
  const own: number[] = [];
  let returns = 0;
  let next = text.indexOf("\r\n");
  let steps = 0;
  for (const place of places) {
    for (; next >= 0 && next - returns < place + behind; next = text.indexOf("\r\n", next + 2)) {
      returns++;
      if (++steps % batch === 0) yield;
    }
    own.push(place + behind + returns);
  }
  return own;
}

/** Places that are replaced between two steps. */
const batch = 4096;

function* withReplaced(
  text: string,
  { starts, endOf }: Places,
  replacement: string,
  ending: LineEnding,
): Generator<void, string, void> {
  const done: string[] = [];
  const spelt = spelling(text, replacement, ending);
  let pieces: string[] = [];
  let from = 0;
  for (const [index, start] of starts.entries()) {
    const end = endOf(index);
    pieces.push(text.slice(from, start), spelt(start, end));
    from = end;
    if (pieces.length < batch) continue;
    done.push(pieces.join(""));
    pieces = [];
    yield;
  }
  return `${done.join("")}${pieces.join("")}${text.slice(from)}`;
}

/**
 * The replacement as it is written at a place: line by line with the endings that were there; further lines end as the last of them, or as the lines
 * around do.
 */
const spelling = (text: string, replacement: string, ending: LineEnding): ((start: number, end: number) => string) => {
  if (!replacement.includes("\n") || ending === "lf" || ending === "none") return () => replacement;
  const crlf = replacement.replaceAll("\n", "\r\n");
  if (ending === "crlf") return () => crlf;
  const around = endingsAround(text);
  return (start, end) => {
    const there = text.slice(start, end).match(/\r?\n/g) ?? [];
    const usual = there.at(-1) ?? around(start);
    let line = 0;
    return replacement.replace(/\n/g, () => there[line++] ?? usual);
  };
};

/** Of places in order: each newline is looked for once. */
const endingsAround = (text: string): ((at: number) => string) => {
  const last = text.lastIndexOf("\n");
  let next = -1;
  return (at) => {
    if (next < at && at <= last) next = text.indexOf("\n", at);
    const newline = at <= last ? next : last;
    return newline > 0 && text[newline - 1] === "\r" ? "\r\n" : "\n";
  };
};

function* ambiguous(text: string, starts: readonly number[], name: string): Generator<void, SshMcpError, void> {
  const isMore = starts.length > mostLinesSaid;
  const lines = yield* linesAt(text, starts.slice(0, mostLinesSaid));
  const times = isMore ? `more than ${mostLinesSaid} times` : `${starts.length} times`;
  return wrong(
    `${name}: old is found ${times} (lines ${lines.join(", ")}${isMore ? ", …" : ""}), and must be found once; nothing was changed`,
    "give more of the lines around it, or all: true",
  );
}

function* missing(text: string, old: string, name: string): Generator<void, SshMcpError, void> {
  const near = yield* placeButForSpace(text, old);
  const message = `${name}: old is not found: ${shown(old)}; nothing was changed`;
  if (near < 0) return wrong(message, "read the file again: old must be its text exactly, without line numbers");
  const [line] = yield* linesAt(text, [near]);
  return wrong(message, `line ${line} differs from it in white space only: copy it exactly`);
}

const wrong = (message: string, hint?: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", message, hint === undefined ? {} : { hint });
