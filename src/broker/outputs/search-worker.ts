/** A thread of its own, started by search.ts: takes one question, gives one answer, and is ended by whoever asked. */
import type { SearchAnswer, SearchQuestion, SearchReply } from "./search.ts";

declare const self: Worker;

/** Characters shown of a line; of a longer one what is around the match. */
const longestLine = 1024;
const shownBefore = 128;

const reply = (question: SearchQuestion): SearchReply => {
  let pattern: RegExp;
  try {
    pattern = compiled(question.pattern);
  } catch (thrown) {
    return { wrong: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  try {
    return { answer: answer(question, pattern) };
  } catch (thrown) {
    if (thrown instanceof GaveUp) return { gaveUpOn: thrown.line };
    throw thrown;
  }
};

class GaveUp extends Error {
  constructor(readonly line: number) {
    super(`gave up on line ${line}`);
  }
}

/** Whole characters where the pattern is strict enough for it: escapes as `\\"` are common, and only the older rules take them. */
const compiled = (pattern: string): RegExp => {
  try {
    return new RegExp(pattern, "u");
  } catch {
    return new RegExp(pattern);
  }
};

/** Giving up takes far longer. */
const suspiciousMs = 10;

/**
 * JavaScriptCore says "no match" of a line that it gave up on as well. The end of a line matches always: when nothing does where the end would do,
 * it was given up.
 */
const gaveUpOn = (line: string, pattern: RegExp): boolean =>
  line.search(new RegExp(`(?:${pattern.source})|$`, pattern.flags)) < 0;

const answer = ({ pieces, context, length, lines, firstLine }: SearchQuestion, pattern: RegExp): SearchAnswer => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const text = pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") + decoder.decode();
  const shown: string[] = [];
  /** The last lines that did not match, for when the next one does. */
  let ahead: string[] = [];
  let behind = 0;
  let size = 0;
  let matches = 0;
  let lastShown = firstLine - 1;
  const show = (line: string, number: number): void => {
    const piece = context > 0 && shown.length > 0 && number > lastShown + 1 ? `--\n${line}` : line;
    shown.push(piece);
    size += piece.length;
    lastShown = number;
  };
  let number = firstLine;
  let now = performance.now();
  for (let at = 0; at < text.length; number++) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(at, text[end - 1] === "\r" && end > at ? end - 1 : end);
    at = end + 1;
    const found = line.search(pattern);
    const before = now;
    now = performance.now();
    if (found < 0 && now - before > suspiciousMs && gaveUpOn(line, pattern)) throw new GaveUp(number);
    const isFull = size >= length || matches === lines;
    if (isFull && found >= 0) return { text: shown.join(""), matches, nextLine: number };
    if (found >= 0) {
      for (const [index, earlier] of ahead.entries()) show(earlier, number - ahead.length + index);
      ahead = [];
      show(`${number}:${cut(line, found)}\n`, number);
      matches++;
      behind = context;
    } else if (behind > 0) {
      show(`${number}-${cut(line, 0)}\n`, number);
      behind--;
    } else if (context > 0) {
      ahead.push(`${number}-${cut(line, 0)}\n`);
      if (ahead.length > context) ahead.shift();
    }
  }
  return { text: shown.join(""), matches, nextLine: null };
};

const cut = (line: string, found: number): string => {
  if (line.length <= longestLine) return line;
  const start = Math.max(0, Math.min(found - shownBefore, line.length - longestLine));
  const end = start + longestLine;
  return `${start > 0 ? "…" : ""}${line.slice(start, end)}${end < line.length ? "…" : ""}`;
};

self.onmessage = ({ data }: MessageEvent<SearchQuestion>) => self.postMessage(reply(data));
