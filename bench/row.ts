/** One line of the table, and the group of lines that is measured, and fails, together. */
import type { Fixture } from "./fixture.ts";
import type { Summary } from "./measure.ts";

/** A measured figure: the number that is compared, and how it is shown. */
export interface Figure {
  value: number;
  text: string;
}

export interface Budget {
  /** `ratio`: of our figure to the other one; `value`: our figure itself, in its own unit. */
  of: "ratio" | "value";
  max: number;
  text: string;
}

export interface MeasuredRow {
  what: string;
  ours: Figure;
  /** What a user would pick instead. */
  beside: string;
  other: Figure;
  /** Null where the design sets none. */
  budget: Budget | null;
  /** How many samples of each. */
  runs: string;
}

export interface FailedRow {
  what: string;
  failure: string;
}

export type Row = MeasuredRow | FailedRow;

export interface Group {
  /** Stands for all of its rows when it fails. */
  what: string;
  measure(fixture: Fixture): Promise<MeasuredRow[]>;
}

export const ratioOf = ({ ours, other }: MeasuredRow): number => ours.value / other.value;

export const verdictOf = (row: Row): "met" | "missed" | "no budget" | "failed" => {
  if ("failure" in row) return "failed";
  if (row.budget === null) return "no budget";
  const figure = row.budget.of === "ratio" ? ratioOf(row) : row.ours.value;
  return figure <= row.budget.max ? "met" : "missed";
};

/** The median, with p95 and the range behind it. */
export const milliseconds = (summary: Summary): Figure => withSpread(summary, (value) => digits(value), "ms");

export const megabytes = (summary: Summary): Figure => withSpread(summary, (value) => value.toFixed(1), "MB");

export const kilobytes = (summary: Summary): Figure => withSpread(summary, (value) => value.toFixed(0), "KB");

export const megabytesPerSecond = (summary: Summary): Figure =>
  withSpread(summary, (value) => value.toFixed(0), "MB/s");

/** Counted round trips: their mean, because a budget of 1.1 is one of many commands, and the median of the time they took. */
export const roundTrips = (counts: Summary, elapsed: Summary): Figure => ({
  value: counts.mean,
  text: `${counts.mean.toFixed(2)} (${counts.min} to ${counts.max}), ${digits(elapsed.median)} ms`,
});

const withSpread = (summary: Summary, show: (value: number) => string, unit: string): Figure => {
  const { median, p95, min, max, count } = summary;
  const spread = count === 1 ? "" : ` (p95 ${show(p95)}, ${show(min)} to ${show(max)})`;
  return { value: median, text: `${show(median)} ${unit}${spread}` };
};

const digits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
