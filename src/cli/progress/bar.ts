/** The line that shows how far a transfer is. Pure: what it says depends on nothing but what it is given. */
import { escapeLine } from "../../core/escape.ts";
import { formatAmount, formatClock, formatPart } from "../../core/files/amount.ts";
import type { TransferProgress } from "../../core/files/transfers.ts";

const gap = "  ";
/** Columns of the bar with its brackets; a narrower one shows nothing. */
const leastBar = 12;
const mostBar = 42;
/** Columns of the name: what is left of a wide line is the bar's. */
const leastName = 8;
const mostName = 40;
/** Code units of a name that are looked at: its end says which file it is. */
const longestName = 512;

/**
 * `photos/a.jpg  [=====>      ]  45%  12.3 of 100 MB  4.5 MB/s  0:19 left  3/10`, and as much of it as there is room for.
 * @param rate bytes a second; null when nothing can be said yet
 * @param columns of the terminal; the last one stays free, in which some terminals begin another line
 */
export const barLine = (now: TransferProgress, rate: number | null, columns: number): string => {
  const room = Math.max(0, columns - 1);
  const facts = fitting(factsOf(now, rate), room);
  let line = facts.join(gap);
  const share = shareOf(now);
  const left = (): number => room - width(line) - (line === "" ? 0 : gap.length);
  // The bar is what is looked for, and a cut name is better than none beside it.
  const forName = share === null ? left() : left() - leastBar - gap.length;
  const name = now.path === null ? "" : nameIn(now.path, Math.min(mostName, forName));
  const forBar = left() - (name === "" ? 0 : width(name) + gap.length);
  if (share !== null && forBar >= leastBar) line = `${barOf(share, Math.min(mostBar, forBar))}${gap}${line}`;
  return name === "" ? line : `${name}${gap}${line}`;
};

/** What it says beside name and bar, in its order. */
const factsOf = (now: TransferProgress, rate: number | null): readonly Fact[] => {
  const { bytes, totalBytes, files, totalFiles } = now;
  const share = shareOf(now);
  const isDone = totalBytes !== null && bytes >= totalBytes;
  const left = totalBytes === null || rate === null || rate <= 0 ? null : (totalBytes - bytes) / rate;
  return [
    { text: share === null ? null : `${String(Math.floor(share * 100)).padStart(3)}%`, worth: 5 },
    { text: totalBytes === null ? formatAmount(bytes) : formatPart(bytes, totalBytes), worth: 4 },
    { text: rate === null ? null : `${formatAmount(rate)}/s`, worth: 3 },
    { text: totalBytes === null || isDone ? null : `${formatClock(left)} left`, worth: 2 },
    { text: totalFiles === 1 ? null : `${files}${totalFiles === null ? " files" : `/${totalFiles}`}`, worth: 1 },
  ].flatMap(({ text, worth }) => (text === null ? [] : [{ text, worth }]));
};

interface Fact {
  text: string;
  /** What is worth least goes first where the line is too long. */
  worth: number;
}

const fitting = (facts: readonly Fact[], room: number): string[] => {
  const kept = [...facts];
  while (kept.length > 0 && width(kept.map(({ text }) => text).join(gap)) > room) {
    const least = Math.min(...kept.map(({ worth }) => worth));
    kept.splice(
      kept.findIndex(({ worth }) => worth === least),
      1,
    );
  }
  return kept.map(({ text }) => text);
};

/** From 0 to 1; null when nobody knows the whole. A file may have grown. */
const shareOf = ({ bytes, totalBytes, files, totalFiles }: TransferProgress): number | null => {
  const [done, whole] = totalBytes === 0 ? [files, totalFiles] : [bytes, totalBytes];
  return whole === null ? null : whole === 0 ? 1 : Math.min(1, Math.max(0, done / whole));
};

const barOf = (share: number, columns: number): string => {
  const inner = columns - 2;
  const full = Math.floor(share * inner);
  const head = full < inner && full > 0 ? ">" : "";
  return `[${"=".repeat(full - head.length)}${head}${" ".repeat(inner - full)}]`;
};

/** The end of a path, which differs, with `…` for what does not fit; empty where there is too little room for any. */
const nameIn = (path: string, room: number): string => {
  if (room < leastName) return "";
  const name = escapeLine(path.length > longestName ? path.slice(-longestName).replace(/^[\udc00-\udfff]/, "") : path);
  if (width(name) <= room && path.length <= longestName) return name;
  const segments = [...new Intl.Segmenter().segment(name)].map(({ segment }) => segment);
  let kept = "";
  for (let at = segments.length - 1; at >= 0; at--) {
    if (width(`…${segments[at]}${kept}`) > room) break;
    kept = segments[at] + kept;
  }
  return `…${kept}`;
};

/** Wide characters take two columns. */
const width = (text: string): number => Bun.stringWidth(text);
