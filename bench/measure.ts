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

export interface Pairs<T> {
  ours: T[];
  other: T[];
}

/**
 * Measures the two in turn, A B A B: whatever the machine does meanwhile, it does to both. The first rounds, which fill caches, are
 * run and not kept.
 */
export const interleave = async <T>(
  rounds: number,
  ours: () => Promise<T>,
  other: () => Promise<T>,
  warmUps = 1,
): Promise<Pairs<T>> => {
  const pairs: Pairs<T> = { ours: [], other: [] };
  for (let round = -warmUps; round < rounds; round++) {
    const a = await ours();
    const b = await other();
    if (round < 0) continue;
    pairs.ours.push(a);
    pairs.other.push(b);
  }
  return pairs;
};

/** How long the work took. */
export const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return performance.now() - began;
};
