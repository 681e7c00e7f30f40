/** Samples and what is said of them. Times are milliseconds. */

export interface Summary {
  count: number;
  mean: number;
  median: number;
  p95: number;
  min: number;
  max: number;
}

/** @throws Error when there is no sample */
export const summarize = (samples: readonly number[]): Summary => {
  const sorted = [...samples].sort((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) throw new Error("nothing was measured");
  const sum = sorted.reduce((total, each) => total + each, 0);
  return { count: sorted.length, mean: sum / sorted.length, median: at(sorted, 0.5), p95: at(sorted, 0.95), min, max };
};

/** The smallest sample that at least this part of all samples does not exceed (nearest rank); of two middle ones, their mean. */
const at = (sorted: readonly number[], part: number): number => {
  const rank = sorted.length * part;
  const nearest = sorted[Math.ceil(rank) - 1] ?? Number.NaN;
  if (part !== 0.5 || !Number.isInteger(rank)) return nearest;
  return (nearest + (sorted[rank] ?? nearest)) / 2;
};

/** One of those that are compared: what it does, and what was measured of it. */
export interface Side<T> {
  /** Measures once. What is not to be measured, such as closing the session again, it does outside of what it returns. */
  measure(): Promise<T>;
  readonly samples: T[];
}

export const side = <T>(measure: () => Promise<T>): Side<T> => ({ measure, samples: [] });

/**
 * Measures the sides in turn, A B A B: whatever the machine does meanwhile, it does to all of them. The first rounds, which fill
 * caches, are run and not kept.
 */
export const inTurn = async <T>(rounds: number, sides: readonly Side<T>[], warmUps = 1): Promise<void> => {
  for (let round = -warmUps; round < rounds; round++) {
    for (const { measure, samples } of sides) {
      const sample = await measure();
      if (round >= 0) samples.push(sample);
    }
  }
};

/** How long the work took. */
export const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return performance.now() - began;
};
