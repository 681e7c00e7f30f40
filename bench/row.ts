/** One line of the table, and the group of lines that is measured, and fails, together. */
import type { Figure } from "./figure.ts";
import type { Fixture } from "./fixture.ts";
import type { Side } from "./measure.ts";

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
  /** For what must lie idle before it is measured: called for every group before the first one measures. */
  prepare?(fixture: Fixture): Promise<void>;
  measure(fixture: Fixture): Promise<MeasuredRow[]>;
}

interface Comparison<T> {
  what: string;
  ours: Side<T>;
  beside: string;
  other: Side<T>;
  show(samples: readonly T[]): Figure;
  budget?: Budget;
}

/** The row of two sides that were measured in turn. */
export const compare = <T>({ what, ours, beside, other, show, budget }: Comparison<T>): MeasuredRow => ({
  what,
  ours: show(ours.samples),
  beside,
  other: show(other.samples),
  budget: budget ?? null,
  runs: `${ours.samples.length}`,
});

export const atMost = (max: number, unit = ""): Budget => ({ of: "value", max, text: `<= ${max}${unit}` });

export const atMostOfIt = (max: number): Budget => ({ of: "ratio", max, text: `<= ${max} of it` });

export const ratioOf = ({ ours, other }: MeasuredRow): number => ours.value / other.value;

export const verdictOf = (row: Row): "met" | "missed" | "no budget" | "failed" => {
  if ("failure" in row) return "failed";
  if (row.budget === null) return "no budget";
  const figure = row.budget.of === "ratio" ? ratioOf(row) : row.ours.value;
  return figure <= row.budget.max ? "met" : "missed";
};
