/** How one option of `ssh -G` is read out of the lines that apply: rules that effective-options.ts lists by name. */

import type { Directive } from "../directive.ts";
import type { PathFacts } from "../expand.ts";
import { lowerCase } from "../match-pattern.ts";
import type { Origin } from "../origin.ts";
import type { ResolvedHost } from "../resolved-host.ts";
import type { States } from "../values/choices.ts";
import { parseSeconds } from "../values/time-value.ts";

/** One printed line. */
export interface OptionLine {
  value: string;
  /** Null for a default. */
  origin: Origin | null;
}

export interface OptionView {
  host: ResolvedHost;
  /** The host as typed. */
  typed: string;
  /** All lines of a keyword that apply, in the order in which ssh meets them. */
  lines: (keyword: string) => readonly Directive[];
  /** What ssh offers for a list as it is written; null stands for one that nobody wrote. */
  offered: (keyword: string, written: string | null) => string;
  facts: PathFacts;
}

/** The lines that one option prints, in order. */
export type OptionRule = (view: OptionView, keyword: string) => readonly OptionLine[];

export const one = (value: string, origin: Origin | null): readonly OptionLine[] => [{ value, origin }];

/** The first word of the line that decides, in one of its own spellings. */
export const word =
  (standard: string | null, spelling: (text: string) => string = (text) => text): OptionRule =>
  ({ lines }, keyword) => {
    const [line] = lines(keyword);
    if (line !== undefined) return one(spelling(line.args[0] ?? ""), line.origin);
    return standard === null ? [] : one(standard, null);
  };

export const state = (states: States, standard: string): OptionRule =>
  word(standard, (text) => states.get(lowerCase(text)) ?? text);

/** A word, and no line at all for `none`. */
export const wordOrNone =
  (standard: string | null): OptionRule =>
  (view, keyword) =>
    word(standard)(view, keyword).filter(({ value }) => lowerCase(value) !== "none");

export const integer = (standard: number): OptionRule => word(String(standard), (text) => String(Number(text)));

/** Seconds. `none` sets nothing, so that a later line still can. */
export const seconds =
  (standard: string): OptionRule =>
  ({ lines }, keyword) => {
    const line = lines(keyword).find(({ args }) => args[0] !== "none");
    return line === undefined ? one(standard, null) : one(String(parseSeconds(line.args[0] ?? "")), line.origin);
  };

/** The rest of the line, and no line at all for `none`. */
export const command: OptionRule = ({ lines }, keyword) => {
  const [line] = lines(keyword);
  const text = line?.rest.replace(/^[ \t\r\n=]+/, "") ?? "none";
  return line === undefined || lowerCase(text) === "none" ? [] : one(text, line.origin);
};

/** All words of the first line that has any. */
export const words =
  (standard: string, spelling: (text: string) => string = (text) => text): OptionRule =>
  ({ lines }, keyword) => {
    const line = lines(keyword).find(({ args }) => args.length > 0);
    return line === undefined ? one(standard, null) : one(line.args.map(spelling).join(" "), line.origin);
  };

/** One line for each file, each once: those of `-i` and those of the configuration are told apart. */
export const files =
  (standard: readonly string[], spelling: (line: Directive, view: OptionView) => string): OptionRule =>
  (view, keyword) => {
    const found = new Map<string, OptionLine>();
    for (const line of view.lines(keyword)) {
      const value = spelling(line, view);
      const key = `${isArgument(line.origin) ? "-i" : ""} ${value}`;
      if (!found.has(key)) found.set(key, { value, origin: line.origin });
    }
    return found.size > 0 ? [...found.values()] : standard.map((value) => ({ value, origin: null }));
  };

export const algorithms: OptionRule = ({ lines, offered }, keyword) => {
  const [line] = lines(keyword);
  return one(offered(keyword, line?.args[0] ?? null), line?.origin ?? null);
};

/** An argument of its own on the command line, not `-o`. */
export const isArgument = (origin: Origin): boolean => origin.file === null && origin.line === 0;
