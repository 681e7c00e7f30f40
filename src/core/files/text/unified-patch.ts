/** Applying a unified diff as patch(1) does, without fuzz: what it removes and keeps must be there exactly, though perhaps some lines away. */
import { SshMcpError } from "../../errors.ts";
import { shown } from "../../escape.ts";

interface PatchLine {
  sign: " " | "-" | "+";
  /** Without its newline. */
  text: string;
  /** Whether `\ No newline at end of file` follows it. */
  unended: boolean;
}

interface Hunk {
  /** The first line it is about, from 0. */
  start: number;
  lines: readonly PatchLine[];
}

export interface Patched {
  text: string;
  /** Hunks that were applied. */
  hunks: number;
  /** Of each hunk, how many lines away from where it says it was found. */
  offsets: readonly number[];
}

/** Lines that a hunk may be away from where it says. */
const furthestOffset = 1000;

/** Lines, or places, looked at between two steps. */
const batch = 4096;

/**
 * In steps, between which others have their turn.
 * @param diff of one file; of its names only `/dev/null` is looked at, which makes a file
 * @throws SshMcpError INVALID_INPUT for what is no such diff, and for one that does not fit; nothing is applied then
 */
export function* applyDiff(text: string, diff: string): Generator<void, Patched, void> {
  const { hunks, makesFile } = parseDiff(diff);
  if (makesFile && text !== "")
    throw wrong(
      "the diff makes a new file, and there is one that is not empty; nothing was changed",
      "read the file: a diff of it must have its lines",
    );
  yield;
  const lines = yield* linesIn(text);
  const out: string[] = [];
  const offsets: number[] = [];
  let taken = 0;
  let drift = 0;
  for (const [index, hunk] of hunks.entries()) {
    const expected = hunk.start + drift;
    const found = yield* placeOf(hunk, lines, expected, taken);
    if (found === null) throw unfit(hunk, lines, expected, `hunk ${index + 1} of ${hunks.length}`);
    if (taken < found) out.push(lines.between(taken, found));
    taken = applyHunk(hunk, lines, found, out);
    drift = found - hunk.start;
    offsets.push(drift);
  }
  if (taken < lines.length) out.push(lines.between(taken, lines.length));
  return { text: out.join(""), hunks: hunks.length, offsets };
}

/** Lines of a text, which are cut out of it when they are looked at. */
class Lines {
  readonly #text: string;
  readonly #starts: readonly number[];

  /** @param starts where each begins */
  constructor(text: string, starts: readonly number[]) {
    this.#text = text;
    this.#starts = starts;
  }

  get length(): number {
    return this.#starts.length;
  }

  /** With its newline; undefined where there is none. */
  line(index: number): string | undefined {
    return index < 0 || index >= this.length ? undefined : this.between(index, index + 1);
  }

  between(from: number, to: number): string {
    return this.#text.slice(this.#starts[from] ?? this.#text.length, this.#starts[to] ?? this.#text.length);
  }
}

function* linesIn(text: string): Generator<void, Lines, void> {
  const starts: number[] = [];
  for (let at = 0; at < text.length; ) {
    starts.push(at);
    const next = text.indexOf("\n", at);
    at = next < 0 ? text.length : next + 1;
    if (starts.length % batch === 0) yield;
  }
  return new Lines(text, starts);
}

const header = /^@@ -(\d{1,15})(?:,(\d{1,15}))? \+(\d{1,15})(?:,(\d{1,15}))? @@/;

const parseDiff = (diff: string): { hunks: Hunk[]; makesFile: boolean } => {
  const lines = diff.replaceAll("\r\n", "\n").split("\n");
  if (lines.at(-1) === "") lines.pop();
  const hunks: Hunk[] = [];
  let files = 0;
  let makesFile = false;
  let at = 0;
  while (at < lines.length) {
    const [, from, count = "1", , added = "1"] = header.exec(lines[at] ?? "") ?? [];
    if (from === undefined) {
      const isFile = lines[at]?.startsWith("--- ") === true && lines[at + 1]?.startsWith("+++ ") === true;
      if (isFile) {
        files++;
        makesFile = /^--- \/dev\/null[\t ]*(?:\t.*)?$/.test(lines[at] ?? "");
      }
      if (!isFile && hunks.length > 0 && /^[-+ @](?!- ?$)/.test(lines[at] ?? "")) throw miscounted(at, lines[at] ?? "");
      at += isFile ? 2 : 1;
      if (files > 1) throw wrong("the diff is about more than one file");
      continue;
    }
    const body = bodyOf(lines, at + 1, Number(count), Number(added));
    // An empty range names the line before it.
    hunks.push({ start: Number(count) === 0 ? Number(from) : Math.max(0, Number(from) - 1), lines: body.lines });
    at = body.end;
  }
  if (hunks.length === 0) throw wrong('the diff has no hunk: a unified one has lines such as "@@ -1,2 +1,2 @@"');
  return { hunks, makesFile };
};

const bodyOf = (lines: readonly string[], from: number, removed: number, added: number) => {
  const body: PatchLine[] = [];
  let at = from;
  let [old, young] = [removed, added];
  while (old > 0 || young > 0) {
    const line = lines[at];
    // Some programs cut the blank of an empty line.
    const sign = line === "" ? " " : line?.[0];
    if (line === undefined || (sign !== " " && sign !== "-" && sign !== "+")) throw miscounted(at, line ?? "");
    if (sign !== "+") old--;
    if (sign !== "-") young--;
    if (old < 0 || young < 0) throw miscounted(at, line);
    const unended = lines[at + 1]?.startsWith("\\") === true;
    body.push({ sign, text: line.slice(1), unended });
    at += unended ? 2 : 1;
  }
  return { lines: body, end: at };
};

/** The nearest place where it fits, from `least` on; null when there is none. */
function* placeOf(hunk: Hunk, lines: Lines, expected: number, least: number): Generator<void, number | null, void> {
  const old = hunk.lines.filter(({ sign }) => sign !== "+");
  if (old.length === 0) return expected >= least && expected <= lines.length ? expected : null;
  let compared = 0;
  for (let away = 0; away <= furthestOffset; away++) {
    for (const place of away === 0 ? [expected] : [expected - away, expected + away]) {
      if (place < least || place + old.length > lines.length) continue;
      const fitting = linesFitting(old, lines, place);
      if (fitting === old.length) return place;
      compared += fitting + 1;
      if (compared < batch) continue;
      compared = 0;
      yield;
    }
  }
  return null;
}

/** How many of the first lines are there. */
const linesFitting = (old: readonly PatchLine[], lines: Lines, place: number): number => {
  const index = old.findIndex(({ text, unended }, at) => {
    const line = lines.line(place + at) ?? "";
    // A file's missing newline may go unsaid; one that is there may not be denied.
    return bare(line) !== text || (unended && line.endsWith("\n"));
  });
  return index < 0 ? old.length : index;
};

const bare = (line: string): string => line.replace(/\r?\n$/, "");

/** @returns the first line behind it */
const applyHunk = ({ lines: hunk }: Hunk, lines: Lines, place: number, out: string[]): number => {
  const isUnended = lines.line(lines.length - 1)?.endsWith("\n") === false;
  const saysUnended = hunk.some(({ sign, unended }) => sign !== "+" && unended);
  const usual = endingNear(lines, place);
  const removed: string[] = [];
  let at = place;
  for (const { sign, text, unended } of hunk) {
    const line = lines.line(at) ?? "";
    if (sign === "+") {
      const ending = removed.shift() ?? usual;
      out.push(`${text}${unended ? "" : ending === "" ? usual : ending}`);
      continue;
    }
    at++;
    if (sign === "-") removed.push(line.slice(bare(line).length));
    else {
      removed.length = 0;
      out.push(line);
    }
  }
  if (at === lines.length) settleEnd(out, usual, isUnended && !saysUnended, hunk);
  else settleMiddle(out, usual);
  return at;
};

/** Only the last line may be without a newline; one that the file lacked, and the diff did not speak of, is not added. */
const settleEnd = (out: string[], usual: string, stays: boolean, hunk: readonly PatchLine[]): void => {
  const last = out.pop();
  settleMiddle(out, usual);
  if (last === undefined) return;
  const says = hunk.findLast(({ sign }) => sign !== "-")?.unended === true;
  const wants = !stays && !says;
  out.push(wants ? (last.endsWith("\n") ? last : `${last}${usual}`) : stays || says ? bare(last) : last);
};

const settleMiddle = (out: string[], usual: string): void => {
  for (let at = out.length - 1; at >= 0 && out[at]?.endsWith("\n") === false; at--) out[at] = `${out[at]}${usual}`;
};

const endingNear = (lines: Lines, place: number): string => {
  const line = [lines.line(place), lines.line(place - 1), lines.line(0)].find((each) => each?.endsWith("\n"));
  return line?.endsWith("\r\n") === true ? "\r\n" : "\n";
};

const unfit = ({ lines: hunk, start }: Hunk, lines: Lines, expected: number, name: string): SshMcpError => {
  const old = hunk.filter(({ sign }) => sign !== "+");
  const index = old.findIndex(({ text }, at) => bare(lines.line(expected + at) ?? "") !== text);
  const wanted = old[Math.max(index, 0)]?.text ?? "";
  const there = lines.line(expected + Math.max(index, 0));
  const has = there === undefined ? "the file ends before it" : `it has ${shown(bare(there))}`;
  return wrong(
    `${name} (line ${start + 1}) does not fit: line ${expected + Math.max(index, 0) + 1} should be ${shown(wanted)}, and ${has}; nothing was changed`,
    "read the file again: a diff must have its lines exactly",
  );
};

const miscounted = (at: number, line: string): SshMcpError =>
  wrong(`line ${at + 1} of the diff, ${shown(line)}, does not go with the counts of its hunk`);

const wrong = (message: string, hint?: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", message, hint === undefined ? {} : { hint });
