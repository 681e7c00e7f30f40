/** What changed between two texts, as diff -u says it (POSIX, "Diff Unified Output Format"). */

/** Lines taken between two steps. */
const batch = 8192;

/** The lines of a text, each with its newline; the last one may have none. */
function* linesOf(text: string): Generator<void, string[], void> {
  const lines: string[] = [];
  let from = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
    lines.push(text.slice(from, at + 1));
    from = at + 1;
    if (lines.length % batch === 0) yield;
  }
  if (from < text.length) lines.push(text.slice(from));
  return lines;
}

interface Change {
  /** Lines from the index on, before and after. */
  from: number;
  removed: number;
  to: number;
  added: number;
}

const contextLines = 3;
/** Differences up to which the shortest way is looked for: its trace takes their square. Beyond, one block stands for all. */
const mostSteps = 400;
const mostCompared = 1_000_000;

/**
 * In steps, between which others have their turn.
 * @param names what stands behind `---` and `+++`
 * @param most characters: what goes beyond is left out from a line on
 * @returns empty when the texts are equal
 */
export function* unifiedDiff(
  before: string,
  after: string,
  names: { before: string; after: string },
  most = Number.POSITIVE_INFINITY,
): Generator<void, { diff: string; cut: boolean }, void> {
  if (before === after) return { diff: "", cut: false };
  const same = samePrefix(before, after);
  const start = beginOfLines(before, same);
  // No line is of both: what is the same in front, and what is at the end.
  const end = sameSuffix(before, after, same);
  const line = yield* newlinesBefore(before, start);
  const a = yield* linesOf(before.slice(start, before.length - end));
  const b = yield* linesOf(after.slice(start, after.length - end));
  const changes = yield* changesBetween(a, b);
  const out = new Written(most);
  out.add(`--- ${names.before}\n+++ ${names.after}\n`);
  for (const hunk of grouped(changes)) if (!out.cut) yield* hunkText(a, b, line, hunk, out);
  return { diff: out.text(), cut: out.cut };
}

/** Lines, up to so many characters. */
class Written {
  readonly #lines: string[] = [];
  #left: number;
  cut = false;

  constructor(most: number) {
    this.#left = most;
  }

  add(line: string): void {
    this.cut ||= line.length > this.#left;
    if (this.cut) return;
    this.#left -= line.length;
    this.#lines.push(line);
  }

  text(): string {
    return this.#lines.join("");
  }
}

const blockLength = 4096;

const samePrefix = (a: string, b: string): number => {
  let at = 0;
  while (at < a.length && a.slice(at, at + blockLength) === b.slice(at, at + blockLength)) at += blockLength;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return Math.min(at, a.length, b.length);
};

/** Whole lines at the end of both, but for those that are context. @param prefix characters that both begin with, which are no part of it */
const sameSuffix = (a: string, b: string, prefix: number): number => {
  const most = Math.min(a.length, b.length) - prefix;
  let length = 0;
  const block = (text: string): string => text.slice(text.length - length - blockLength, text.length - length);
  while (length + blockLength <= most && block(a) === block(b)) length += blockLength;
  while (length < most && a[a.length - length - 1] === b[b.length - length - 1]) length++;
  let end = a.length - length;
  // The first whole line in there, and behind the context.
  for (let line = 0; line <= contextLines; line++) {
    const next = a.indexOf("\n", end);
    if (next < 0) return 0;
    end = next + 1;
  }
  return a.length - end;
};

/** Back to where the lines begin that are context. */
const beginOfLines = (text: string, at: number): number => {
  let begin = at;
  for (let line = 0; line <= contextLines && begin > 0; line++)
    begin = text.lastIndexOf("\n", begin - 1) + (line === contextLines ? 1 : 0);
  return Math.max(0, begin);
};

function* newlinesBefore(text: string, end: number): Generator<void, number, void> {
  let found = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < end; at = text.indexOf("\n", at + 1))
    if (++found % batch === 0) yield;
  return found;
}

/** Both begin, and end, with few lines that are the same: the others were left out before. */
function* changesBetween(a: readonly string[], b: readonly string[]): Generator<void, Change[], void> {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const [middleA, middleB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const whole = { from: 0, removed: middleA.length, to: 0, added: middleB.length };
  const found = (yield* shortest(middleA, middleB)) ?? [whole];
  return found.map((change) => ({ ...change, from: change.from + start, to: change.to + start }));
}

/** Myers, "An O(ND) Difference Algorithm and Its Variations" (1986); null when it takes too many steps. */
function* shortest(a: readonly string[], b: readonly string[]): Generator<void, Change[] | null, void> {
  const furthest = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  let compared = 0;
  for (let steps = 0; steps <= Math.min(a.length + b.length, mostSteps); steps++) {
    trace.push(new Map(furthest));
    yield;
    for (let k = -steps; k <= steps; k += 2) {
      let x = downwards(furthest, k, steps) ? at(furthest, k + 1) : at(furthest, k - 1) + 1;
      const from = x;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      compared += x - from + 1;
      if (compared > mostCompared) return null;
      furthest.set(k, x);
      if (x >= a.length && x - k >= b.length) return wayBack(trace, a.length, b.length);
    }
  }
  return null;
}

const at = (furthest: ReadonlyMap<number, number>, k: number): number => furthest.get(k) ?? -1;

const downwards = (furthest: ReadonlyMap<number, number>, k: number, steps: number): boolean =>
  k === -steps || (k !== steps && at(furthest, k - 1) < at(furthest, k + 1));

const wayBack = (trace: readonly Map<number, number>[], endX: number, endY: number): Change[] => {
  const changes: Change[] = [];
  let [x, y] = [endX, endY];
  for (let steps = trace.length - 1; steps > 0; steps--) {
    const furthest = trace[steps] ?? new Map<number, number>();
    const k = x - y;
    const down = downwards(furthest, k, steps);
    const fromX = at(furthest, down ? k + 1 : k - 1);
    const fromY = fromX - (down ? k + 1 : k - 1);
    const step = { from: fromX, removed: down ? 0 : 1, to: fromY, added: down ? 1 : 0 };
    const next = changes[0];
    // Neighbours are one change.
    if (next !== undefined && step.from + step.removed === next.from && step.to + step.added === next.to)
      changes[0] = { ...step, removed: step.removed + next.removed, added: step.added + next.added };
    else changes.unshift(step);
    [x, y] = [fromX, fromY];
  }
  return changes;
};

/** Changes whose context would touch are in one hunk. */
const grouped = (changes: readonly Change[]): Change[][] => {
  const groups: Change[][] = [];
  for (const change of changes) {
    const last = groups.at(-1)?.at(-1);
    if (last !== undefined && change.from - (last.from + last.removed) <= 2 * contextLines) groups.at(-1)?.push(change);
    else groups.push([change]);
  }
  return groups;
};

/** @param before lines that are left out before these */
function* hunkText(
  a: readonly string[],
  b: readonly string[],
  before: number,
  changes: readonly Change[],
  out: Written,
): Generator<void, void, void> {
  const [head, last] = [changes[0], changes.at(-1)];
  if (head === undefined || last === undefined) return;
  const start = Math.max(0, head.from - contextLines);
  const end = Math.min(a.length, last.from + last.removed + contextLines);
  const grown = changes.reduce((sum, { removed, added }) => sum + added - removed, 0);
  const first = before + start;
  const shift = head.to - head.from;
  out.add(`@@ -${range(first, end - start)} +${range(first + shift, end - start + grown)} @@\n`);
  let here = start;
  for (const { from, removed, to, added } of changes) {
    for (; here < from; here++) out.add(written(" ", a[here]));
    for (; here < from + removed && !out.cut; here++) {
      out.add(written("-", a[here]));
      if (here % batch === 0) yield;
    }
    for (let index = to; index < to + added && !out.cut; index++) {
      out.add(written("+", b[index]));
      if (index % batch === 0) yield;
    }
    if (out.cut) return;
  }
  for (; here < end; here++) out.add(written(" ", a[here]));
}

const written = (sign: string, line = ""): string =>
  line.endsWith("\n") ? `${sign}${line}` : `${sign}${line}\n\\ No newline at end of file\n`;

/** An empty range names the line before it. */
const range = (start: number, length: number): string => {
  const first = length === 0 ? start : start + 1;
  return length === 1 ? String(first) : `${first},${length}`;
};
