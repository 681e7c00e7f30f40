import { expect, test } from "bun:test";
import { fairShares } from "../../src/core/fair-share.ts";

test("who needs little takes that, and the others share the rest", () => {
  expect(fairShares([10, 1000, 1000], 100)).toEqual([10, 45, 45]);
  expect(fairShares([5, 5], 100)).toEqual([5, 5]);
  expect(fairShares([1000, 0, 20, 1000], 100)).toEqual([40, 0, 20, 40]);
  expect(fairShares([], 100)).toEqual([]);
  expect(fairShares([7, 7], 0)).toEqual([0, 0]);
});

test("never more than the budget, never more than is wanted, and nothing left while somebody wants it", () => {
  for (let seed = 1; seed < 300; seed++) {
    const wanted = Array.from({ length: (seed % 9) + 1 }, (_, index) => (seed * 7919 * (index + 1)) % 500);
    const budget = (seed * 31) % 1500;
    const shares = fairShares(wanted, budget);
    const total = shares.reduce((sum, share) => sum + share, 0);
    expect(total).toBeLessThanOrEqual(budget);
    expect(shares.every((share, index) => share >= 0 && share <= (wanted[index] ?? 0))).toBe(true);
    const want = wanted.reduce((sum, need) => sum + need, 0);
    expect(total).toBe(Math.min(want, budget));
  }
});
