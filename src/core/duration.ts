import { SshMcpError } from "./errors.ts";
import { shown } from "./escape.ts";

/**
 * The longest duration taken: 365 days, in milliseconds. It is over the 2^31-1 ms (24.8 days) that setTimeout can
 * count: whoever sets a timer with a parsed duration caps the delay and looks at the clock again when it fires.
 */
export const maxDurationMs = 365 * 86_400_000;

/** Milliseconds of each unit, the largest first. */
const unitMs: ReadonlyMap<string, number> = new Map([
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
]);

/**
 * Reads a duration: seconds as a plain number, or numbers with the units `ms s m h d`, the largest
 * first (`1h30m`). Fractions are allowed everywhere. More than nothing never becomes 0, which means
 * "no limit" in places: it is at least 1 ms.
 * @returns whole milliseconds, from 0 to `maxDurationMs`
 * @throws SshMcpError INVALID_INPUT for anything else
 */
export const parseDuration = (text: string): number => {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : sumOfParts(text);
  if (ms > maxDurationMs) {
    throw new SshMcpError("INVALID_INPUT", `the duration ${shown(text)} is over the limit of 365d`, {
      hint: "give 365d or less",
    });
  }
  return ms > 0 ? Math.max(1, Math.round(ms)) : 0;
};

const sumOfParts = (text: string): number => {
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) throw notADuration(text);
  let sum = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (const [, number, unit = ""] of text.matchAll(/([\d.]+)([a-z]+)/g)) {
    const ms = unitMs.get(unit) ?? 0;
    if (ms >= smallest) throw notADuration(text);
    smallest = ms;
    sum += Number(number) * ms;
  }
  return sum;
};

const notADuration = (text: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", `${shown(text)} is not a duration`, {
    hint: "give seconds (30, 0.5), or units, the largest first: 1500ms 30s 5m 8h 2d 1h30m",
  });

/** A time limit for a message, exact enough to recognise what was given: `250ms`, `1.5s`, `90s`. */
export const formatLimit = (ms: number): string => (ms < 1000 ? `${Math.ceil(ms)}ms` : `${Math.round(ms / 100) / 10}s`);

/**
 * A duration for people, in its largest unit and rounded down: `250ms`, `3s`, `4m`, `2h`, `5d`.
 * A negative one, of a clock that was set back, is `0s`.
 */
export const formatDuration = (ms: number): string => {
  for (const [unit, length] of unitMs) {
    if (ms >= length) return `${Math.floor(ms / length)}${unit}`;
  }
  return "0s";
};
