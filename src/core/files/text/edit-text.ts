/** Edits on the bytes of a text file, in whatever encoding it is: all of them, or none. */
import { SshMcpError } from "../../errors.ts";
import { shown } from "../../escape.ts";
import { applyEdits, type ExactEdit } from "./exact-edits.ts";
import { unifiedDiff } from "./line-diff.ts";
import { asByteText, bytesOf, type TextForm, textOf } from "./text-form.ts";
import { applyDiff } from "./unified-patch.ts";

export type Change = { edits: readonly ExactEdit[] } | { diff: string };

export interface EditedFile {
  bytes: Uint8Array;
  /** Replacements that were made, or hunks that were applied. */
  applied: number;
  /** Of each hunk, how many lines away from where it says it was found; empty for exact edits. */
  offsets: readonly number[];
  before: string;
  after: string;
}

const plainForm: TextForm = { encoding: "utf-8", bom: false };

/**
 * In steps, between which others have their turn.
 * @param path for messages
 * @param before null for a file that there is not yet
 * @throws SshMcpError INVALID_INPUT for a binary file, what does not fit, and a character that the file's encoding has not
 */
export function* editFile(path: string, before: Uint8Array | null, change: Change): Generator<void, EditedFile, void> {
  const read = before === null ? { text: "", form: plainForm } : textOf(before);
  if (read === null) throw wrong(`${shown(path)} is binary, and edits are for text`);
  // Bytes that are no UTF-8 are characters of their own; an edit's may be in UTF-8 among them, or each be a byte.
  const spell = read.form.encoding === "latin1" ? [asByteText, itself] : [itself];
  yield;
  const { text, applied, offsets } =
    "edits" in change ? yield* exactly(read.text, change.edits, spell) : yield* patched(read.text, change.diff, spell);
  yield;
  const bytes = bytesOf(text, read.form);
  if (bytes === null)
    throw wrong(`${shown(path)} is in ${read.form.encoding}, which has not every character of the edit`);
  return { bytes, applied, offsets, before: read.text, after: text };
}

type Edited = { text: string; applied: number; offsets: readonly number[] };
type Spelling = (part: string) => string;

const itself: Spelling = (part) => part;

function* exactly(
  text: string,
  edits: readonly ExactEdit[],
  spell: readonly Spelling[],
): Generator<void, Edited, void> {
  const done = yield* applyEdits(text, edits, spell);
  return { text: done.text, applied: done.replaced, offsets: [] };
}

function* patched(
  text: string,
  diff: string,
  [first = itself, second]: readonly Spelling[],
): Generator<void, Edited, void> {
  try {
    const done = yield* applyDiff(text, first(diff));
    return { text: done.text, applied: done.hunks, offsets: done.offsets };
  } catch (thrown) {
    if (second === undefined) throw thrown;
    return yield* patched(text, diff, [second]);
  }
}

/**
 * What an edit changed, with `\n` for every line ending.
 * @param most characters
 */
export function* changedLines(
  { before, after }: Pick<EditedFile, "before" | "after">,
  names: { before: string; after: string },
  most: number,
): Generator<void, { diff: string; cut: boolean }, void> {
  const plain = (text: string): string => text.replaceAll("\r\n", "\n");
  const [a, b] = [plain(before), plain(after)];
  yield;
  return yield* unifiedDiff(a, b, names, most);
}

const wrong = (message: string): SshMcpError => new SshMcpError("INVALID_INPUT", message);
