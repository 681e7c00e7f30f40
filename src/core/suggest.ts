/**
 * The candidate a mistyped word most likely meant, for "did you mean". The only candidate, or the shortest, that the
 * word (of two characters or more) begins wins; else the nearest one within a third of the longer length, the first of
 * equals. Case and leading dashes do not count, so that `-json` finds `--json`.
 * @returns null when nothing is near: no suggestion is better than a silly one
 */
export const suggest = (word: string, candidates: readonly string[]): string | null => {
  const typed = plain(word);
  if (typed === "") return null;
  return beginningWith(typed, candidates) ?? nearest(typed, candidates);
};

const plain = (word: string): string => word.replace(/^-+/, "").toLowerCase();

const beginningWith = (typed: string, candidates: readonly string[]): string | null => {
  if (typed.length < 2) return null;
  let best: string | null = null;
  for (const candidate of candidates) {
    if (plain(candidate).startsWith(typed) && (best === null || candidate.length < best.length)) best = candidate;
  }
  return best;
};

const nearest = (typed: string, candidates: readonly string[]): string | null => {
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const name = plain(candidate);
    const longer = Math.max(typed.length, name.length);
    // A third, as cargo does, and at least one slip; a word of which nothing is left is another word.
    const bound = Math.min(Math.max(1, Math.floor(longer / 3)), longer - 1);
    if (Math.abs(typed.length - name.length) > bound) continue;
    const distance = editDistance(typed, name);
    if (distance <= bound && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
};

/**
 * Damerau-Levenshtein distance in its restricted form (optimal string alignment): insertions, deletions, substitutions
 * and swaps of neighbours count 1, and no part is edited twice.
 */
export const editDistance = (a: string, b: string): number => {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(at(previous, j) + 1, at(row, j - 1) + 1, at(previous, j - 1) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, at(beforePrevious, j - 2) + 1);
      }
      row.push(least);
    }
    beforePrevious = previous;
    previous = row;
  }
  return at(previous, b.length);
};

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY;
