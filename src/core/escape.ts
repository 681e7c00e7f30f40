/**
 * Untrusted text made safe to show, to people and to models: remote output, banners, file names, prompts, foreign error
 * texts. What could move a cursor, reorder a line or hide from the reader is written out: `\x1b`, `\u202e`,
 * `\u{e0041}`. Backslashes stay as they are: the result is for reading, not for decoding.
 */

// C1 is as dangerous as C0: many terminals read U+009B as ESC [.
const controls = "\\0-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f";
// Bidirectional controls, zero-width characters, line and paragraph separators, interlinear annotation. What Unicode
// calls default-ignorable is invisible and can carry a hidden message, tag characters above all. Variation selectors
// U+FE00-FE0F and Mongolian ones stay: they are ordinary parts of emoji and of words.
const hidden =
  "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0" +
  "\\ufff0-\\ufffb\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}";
// With the u flag a surrogate matches only when it stands alone.
const surrogates = "\\ud800-\\udfff";

const unsafeInText = new RegExp(`[${controls}${hidden}${surrogates}]|\\r(?!\\n)`, "gu");
const unsafeInLine = new RegExp(`[${controls}${hidden}${surrogates}\\t\\n\\r]`, "gu");

/** Escapes text that may have several lines: `\n`, `\r\n` and tabs stay, a carriage return alone does not. */
export const escapeText = (text: string): string => text.replace(unsafeInText, visible);

/**
 * Escapes text for a place that holds one line: newlines, carriage returns and tabs become `\n`, `\r` and `\t` as well.
 */
export const escapeLine = (text: string): string => text.replace(unsafeInLine, visible);

const unsafeInJson = new RegExp(`[\\x7f-\\x9f${hidden}${surrogates}]`, "gu");

/** Escapes text that will be shown as JSON, which writes out the other control characters itself. */
export const escapeHidden = (text: string): string => text.replace(unsafeInJson, visible);

const shortForms: Readonly<Record<string, string>> = { "\t": "\\t", "\n": "\\n", "\r": "\\r" };

const visible = (character: string): string => {
  const short = shortForms[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
};

const shownLength = 80;

/** A piece of input as a message shows it: escaped, on one line, in double quotes, cut after 80 characters. */
export const shown = (text: string): string => {
  if (text.length <= shownLength) return `"${escapeLine(text)}"`;
  const start = text.slice(0, shownLength).replace(/[\ud800-\udbff]$/, "");
  return `"${escapeLine(start)}…"`;
};

/**
 * Words of somebody else within a line of ours, as a title or the name of a program: escaped, with single spaces, cut so that they hide nothing
 * behind them.
 * @param most characters
 */
export const shortened = (text: string, most: number): string => {
  // The blank of Braille is none to Unicode, and looks like one.
  const line = escapeLine(text.replace(/[\p{Zs}\u2800]+/gu, " ").trim());
  return line.length > most ? `${line.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…` : line;
};

/** The same between double quotes, and with none inside: what stands behind them is ours. */
export const quotedWords = (text: string, most: number): string => `"${shortened(text.replaceAll('"', "'"), most)}"`;
