/** Exact replacements in a text, all or none. Line endings are the file's: `\n` of an edit matches, and becomes, what the file has there. */
import { SshMcpError } from "../../errors.ts";
import { shown } from "../../escape.ts";
import { type LineEnding, lineEndingOf } from "./text-form.ts";

export interface ExactEdit {
  old: string;
  new: string;
  /** Replace every place instead of the only one. */
  all?: boolean | undefined;
}

/**
 * Applies each edit to the result of the one before it, and lets others have their turn in between.
 * @param spell how a text of an edit may stand in the file, in the order to try: bytes that are no text have more than one way
 * @returns the text, and how many places were replaced
 * @throws SshMcpError INVALID_INPUT when one does not fit exactly: its message says which, how often it was found, and where
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
    const done = applied(text, ending, edit, spell, name);
    text = done.text;
    replaced += done.replaced;
    if (ending === "none") ending = lineEndingOf(text);
    yield;
  }
  return { text, replaced };
}

interface Place {
  start: number;
  end: number;
}

const applied = (
  text: string,
  ending: LineEnding,
  edit: ExactEdit,
  spell: readonly ((part: string) => string)[],
  name: string,
): { text: string; replaced: number } => {
  if (edit.old === "") throw wrong(`${name}: old is empty`);
  for (const spelt of spell) {
    const places = placesOf(text, spelt(plain(edit.old)), ending, edit.all === true);
    if (places.length === 0) continue;
    if (places.length > 1 && edit.all !== true) throw ambiguous(text, places, name);
    return { text: withReplaced(text, places, spelt(plain(edit.new))), replaced: places.length };
  }
  throw missing(text, edit.old, name);
};

const plain = (part: string): string => part.replaceAll("\r\n", "\n");

/** Where `old` stands; when only one may, places that overlap count too. */
const placesOf = (text: string, old: string, ending: LineEnding, all: boolean): Place[] => {
  if (ending === "mixed" && old.includes("\n")) return placesOfLines(text, old);
  const literal = ending === "crlf" ? old.replaceAll("\n", "\r\n") : old;
  const places: Place[] = [];
  for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, at + (all ? literal.length : 1)))
    places.push({ start: at, end: at + literal.length });
  return places;
};

const placesOfLines = (text: string, old: string): Place[] => {
  const pattern = new RegExp(old.split("\n").map(literally).join("\\r?\\n"), "g");
  return [...text.matchAll(pattern)].map(({ index, 0: found }) => ({ start: index, end: index + found.length }));
};

const literally = (part: string): string => part.replace(/[$()*+.?[\\\]^{|}/-]/g, "\\$&");

const withReplaced = (text: string, places: readonly Place[], replacement: string): string => {
  const pieces: string[] = [];
  let from = 0;
  for (const { start, end } of places) {
    pieces.push(text.slice(from, start), ended(replacement, text, start, end));
    from = end;
  }
  return `${pieces.join("")}${text.slice(from)}`;
};

/** Line by line the endings that were there; further lines end as the last of them, or as the lines around do. */
const ended = (replacement: string, text: string, start: number, end: number): string => {
  if (!replacement.includes("\n")) return replacement;
  const ends = text.slice(start, end).match(/\r?\n/g) ?? [];
  const usual = ends.at(-1) ?? endingAround(text, start);
  let line = 0;
  return replacement.replace(/\n/g, () => ends[line++] ?? usual);
};

const endingAround = (text: string, at: number): string => {
  const after = text.indexOf("\n", at);
  const newline = after >= 0 ? after : text.lastIndexOf("\n");
  return newline > 0 && text[newline - 1] === "\r" ? "\r\n" : "\n";
};

const mostLinesSaid = 5;

const ambiguous = (text: string, places: readonly Place[], name: string): SshMcpError => {
  const lines = places.slice(0, mostLinesSaid).map(({ start }) => lineAt(text, start));
  const more = places.length > mostLinesSaid ? ", …" : "";
  return wrong(
    `${name}: old is found ${places.length} times (lines ${lines.join(", ")}${more}), and must be found once; nothing was changed`,
    "give more of the lines around it, or all: true",
  );
};

/** Looking for what is nearly there takes time in proportion to both. */
const longestLookedIn = 1024 * 1024;
const longestLookedFor = 2048;

const missing = (text: string, old: string, name: string): SshMcpError => {
  const words = old.trim().split(/\s+/);
  const isLooked = text.length <= longestLookedIn && old.length <= longestLookedFor && words[0] !== "";
  const near = isLooked ? new RegExp(words.map(literally).join("\\s+")).exec(text) : null;
  const message = `${name}: old is not found: ${shown(old)}; nothing was changed`;
  if (near === null) return wrong(message, "read the file again: old must be its text exactly, without line numbers");
  return wrong(message, `line ${lineAt(text, near.index)} differs from it in white space only: copy it exactly`);
};

/** From 1. */
const lineAt = (text: string, at: number): number => {
  let line = 1;
  for (let next = text.indexOf("\n"); next >= 0 && next < at; next = text.indexOf("\n", next + 1)) line++;
  return line;
};

const wrong = (message: string, hint?: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", message, hint === undefined ? {} : { hint });
