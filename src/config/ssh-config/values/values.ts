/** Values of lines whose form was checked before, see value-checks.ts. */

import type { Directive } from "../directive.ts";
import { lowerCase } from "../match-pattern.ts";
import { parseBytes, parseSeconds, parseWhole } from "./time-value.ts";

export type StrictHostKeyChecking = "yes" | "ask" | "accept-new" | "no";

type Line = Directive | undefined;

const wordOf = (line: Line): string => line?.args[0] ?? "";

export const flagValue = (line: Line, standard: boolean): boolean =>
  line === undefined ? standard : /^(yes|true)$/i.test(wordOf(line));

/** One of some words; what another one stands for. */
export const choiceValue = <T extends string>(
  line: Line,
  words: readonly T[],
  standard: T,
  synonyms: Readonly<Record<string, T>> = {},
): T => {
  const word = lowerCase(wordOf(line));
  return words.find((one) => one === word) ?? synonyms[word] ?? standard;
};

export const numberValue = (line: Line, standard: number): number => parseWhole(wordOf(line)) ?? standard;

/** Milliseconds of the first line that is not `none`. */
export const timeValue = (lines: readonly Directive[]): number | null => {
  const seconds = lines.map((line) => parseSeconds(wordOf(line))).find((value) => value !== null);
  return seconds === undefined ? null : seconds * 1000;
};

/**
 * The first line decides about the size, and the first one with a time about that.
 * @returns `bytes` null for the usual size; `ms` 0 for never, null where nothing is said of the time
 */
export const rekeyLimitValue = (lines: readonly Directive[]): { bytes: number | null; ms: number | null } => {
  const intervals = lines.flatMap(({ args }) => args.slice(1, 2));
  // `none` sets nothing, and there is nothing then.
  const seconds = intervals.map(parseSeconds).find((value) => value !== null) ?? 0;
  return { bytes: parseBytes(wordOf(lines[0])) || null, ms: intervals.length === 0 ? null : seconds * 1000 };
};

/** The files of UserKnownHostsFile or GlobalKnownHostsFile, not expanded; none of them for `none`. */
export const filesValue = ({ args }: Directive): readonly string[] => (lowerCase(args[0] ?? "") === "none" ? [] : args);

export const wordOrNull = (line: Line): string | null => line?.args[0] ?? null;
