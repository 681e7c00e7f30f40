/** One budget for many: who needs little takes what it needs, and the others share the rest evenly. */

/**
 * @param wanted what each would take
 * @returns what each gets: never more than it wants, and in all at most the budget; whole numbers
 */
export const fairShares = (wanted: readonly number[], budget: number): number[] => {
  const shares = wanted.map(() => 0);
  const byNeed = wanted.map((need, index) => ({ need, index })).sort((a, b) => a.need - b.need);
  let left = Math.max(0, Math.floor(budget));
  for (const [at, { need, index }] of byNeed.entries()) {
    const share = Math.min(need, Math.floor(left / (byNeed.length - at)));
    shares[index] = share;
    left -= share;
  }
  return shares;
};
