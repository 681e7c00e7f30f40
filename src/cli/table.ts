/** Tables for people. What a terminal has no room for is cut; a pipe gets all of it, in columns that awk(1) can tell apart. */

export interface Column {
  head: string;
  /** When its cells may be cut: before those of the others, after them, or not at all. */
  cut: "first" | "last" | "never";
}

const gap = "  ";
/** The narrowest a column is made; its head is never cut. */
const leastWidth = 6;

/**
 * @param rows a cell for each column, escaped
 * @param room columns of the terminal; null cuts nothing
 * @returns a line for the heads and one for each row
 */
export const table = (
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  room: number | null,
): string => {
  const all = [columns.map(({ head }) => head), ...rows];
  const wanted = columns.map((_, index) => Math.max(...all.map((row) => width(row[index] ?? ""))));
  const widths = room === null ? wanted : fitted(columns, wanted, room);
  const line = (row: readonly string[]): string =>
    row.map((cell, index) => padded(shortened(cell, widths[index] ?? 0), widths[index] ?? 0)).join(gap);
  return all.map((row) => `${line(row).trimEnd()}\n`).join("");
};

/** Takes from the widest column, a place at a time, until the line fits or nothing is left to take. */
const fitted = (columns: readonly Column[], wanted: readonly number[], room: number): number[] => {
  const widths = [...wanted];
  for (const turn of ["first", "last"] as const) {
    const mayShrink = (index: number): boolean => {
      const { cut, head } = columns[index] ?? { cut: "never", head: "" };
      return cut === turn && (widths[index] ?? 0) > Math.max(width(head), leastWidth);
    };
    while (widths.reduce((sum, one) => sum + one, gap.length * (widths.length - 1)) > room) {
      const candidates = widths.keys().filter(mayShrink).toArray();
      const [first] = candidates;
      if (first === undefined) break;
      const widest = candidates.reduce(
        (best, index) => ((widths[index] ?? 0) > (widths[best] ?? 0) ? index : best),
        first,
      );
      widths[widest] = (widths[widest] ?? 0) - 1;
    }
  }
  return widths;
};

/** By what a person sees as one character, so that none is cut in the middle; the mark takes a column itself. */
const shortened = (cell: string, to: number): string => {
  if (width(cell) <= to) return cell;
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(cell)) {
    if (width(kept + segment) > to - 1) break;
    kept += segment;
  }
  return `${kept}…`;
};

const padded = (cell: string, to: number): string => cell + " ".repeat(Math.max(0, to - width(cell)));

/** Wide characters take two columns. */
const width = (text: string): number => Bun.stringWidth(text);
