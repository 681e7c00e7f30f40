/** Measured figures: the number that is compared, and how it is shown. */
import { type Summary, summarize } from "./measure.ts";

export interface Figure {
  value: number;
  text: string;
}

/** The median, with p95 and the range behind it. */
export const milliseconds = (samples: readonly number[]): Figure =>
  withSpread(summarize(samples), (value) => digits(value), "ms");

/** The 95th percentile: what one call in twenty takes at least. */
export const slowMilliseconds = (samples: readonly number[]): Figure => {
  const { p95 } = summarize(samples);
  return { value: p95, text: `${digits(p95)} ms` };
};

/** @param samples bytes */
export const megabytes = (samples: readonly number[]): Figure =>
  withSpread(summarize(samples.map((bytes) => bytes / 1e6)), (value) => value.toFixed(1), "MB");

/** @param samples bytes */
export const kilobytes = (samples: readonly number[]): Figure =>
  withSpread(summarize(samples.map((bytes) => bytes / 1e3)), (value) => value.toFixed(0), "KB");

/** @param samples bytes per second */
export const megabytesPerSecond = (samples: readonly number[]): Figure =>
  withSpread(summarize(samples.map((bytes) => bytes / 1e6)), (value) => value.toFixed(0), "MB/s");

/** Counted round trips: their mean, because a budget of 1.1 is one of many commands, and the median of the time they took. */
export const roundTrips = (trips: readonly { count: number; elapsed: number }[]): Figure => {
  const { mean, min, max } = summarize(trips.map(({ count }) => count));
  const { median } = summarize(trips.map(({ elapsed }) => elapsed));
  return { value: mean, text: `${mean.toFixed(2)} (${min} to ${max}), ${digits(median)} ms` };
};

const withSpread = (summary: Summary, show: (value: number) => string, unit: string): Figure => {
  const { median, p95, min, max, count } = summary;
  const spread = count === 1 ? "" : ` (p95 ${show(p95)}, ${show(min)} to ${show(max)})`;
  return { value: median, text: `${show(median)} ${unit}${spread}` };
};

const digits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
