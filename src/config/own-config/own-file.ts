/**
 * The text of `~/.ssh-mcp/ssh_config`: which lines are whose entry, and how lines are put in and taken out. Everything that is not
 * changed stays byte for byte. An entry that an agent proposed is a comment to ssh(1) and to our own parser, and becomes an entry when
 * its lines lose the mark:
 *
 *     #ssh-mcp proposed db1 by editor 1.0
 *     #| Host db1
 *     #|     HostName 192.0.2.7
 */
import { posix } from "node:path";
import { shortened } from "../../core/escape.ts";
import { lexLine } from "../ssh-config/files/lexer.ts";
import type { Origin } from "../ssh-config/origin.ts";

/** Where it is. @param base the base directory */
export const ownConfigFile = (base: string): string => posix.join(base, "ssh_config");

export interface OwnEntry {
  /** The patterns of its Host line: one that is not a pattern is a name. */
  names: readonly string[];
  /** Index of its first line, and of the one after its last. */
  start: number;
  end: number;
  /** Who proposed it; null for one that counts. */
  proposedBy: string | null;
}

/** A file as lines without their ends; the last one is empty when the file ends with a newline. */
export type Lines = readonly string[];

export const linesOf = (text: string): Lines => text.split("\n");
export const textOf = (lines: Lines): string => lines.join("\n");

const proposal = /^#ssh-mcp proposed (\S+) by (.*?)\r?$/;
const mark = "#| ";

/**
 * Every Host entry and every proposal, in order.
 * @param path of the file, for errors
 * @throws SshMcpError CONFIG_INVALID for a line that ssh would not take
 */
export const entriesOf = (lines: Lines, path: string): OwnEntry[] => {
  const entries: OwnEntry[] = [];
  let open: OwnEntry | null = null;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const [, name, by] = proposal.exec(line) ?? [];
    if (name !== undefined && by !== undefined) {
      const end = marksFrom(lines, at + 1);
      entries.push({ names: [name], start: at, end, proposedBy: by });
      at = end - 1;
      continue;
    }
    const lexed = lexLine(line, originOf(path, at));
    if (lexed === null) continue;
    if (lexed.keyword === "host" || lexed.keyword === "match") {
      open = { names: lexed.keyword === "host" ? lexed.args : [], start: at, end: at + 1, proposedBy: null };
      if (lexed.keyword === "host") entries.push(open);
    } else if (open !== null) {
      // A comment below belongs to what comes after it.
      open.end = at + 1;
    }
  }
  return entries;
};

export const originOf = (path: string, index: number): Origin => ({ file: path, line: index + 1 });

const marksFrom = (lines: Lines, from: number): number => {
  let at = from;
  while (lines[at]?.startsWith(mark)) at++;
  return at;
};

/** An entry's lines as they are shown, whatever system's line ends the file has. */
export const shownText = (lines: Lines): string => lines.map((line) => line.replace(/\r$/, "")).join("\n");

/** The lines of an entry, those of a proposal without its mark. */
export const bodyOf = (lines: Lines, { start, end, proposedBy }: OwnEntry): string[] => {
  const body = lines.slice(start, end);
  return proposedBy === null ? body : body.slice(1).map((line) => line.slice(mark.length));
};

/** Who proposes, as the file has it. @param by untrusted */
export const proposer = (by: string): string => shortened(by, 100);

/** The lines as a proposal. @param by who proposes it: untrusted */
export const proposed = (name: string, body: Lines, by: string): string[] => [
  `#ssh-mcp proposed ${name} by ${proposer(by)}`,
  ...body.map((line) => mark + line),
];

/** The file with the lines at its end, apart from what is before. */
export const withAppended = (lines: Lines, body: Lines): string[] => {
  const kept = lines.at(-1) === "" ? lines.slice(0, -1) : [...lines];
  const last = kept.at(-1) ?? "";
  const gap = kept.length === 0 || isBlank(last) ? [] : [""];
  return [...kept, ...gap, ...body, ""];
};

/** The file with other lines in an entry's place. */
export const withReplaced = (lines: Lines, { start, end }: OwnEntry, body: Lines): string[] => [
  ...lines.slice(0, start),
  ...body,
  ...lines.slice(end),
];

/** The file without an entry, and without one of the blank lines that stood on both sides of it. */
export const withoutEntry = (lines: Lines, { start, end }: OwnEntry): string[] => {
  const isApart = start === 0 || isBlank(lines[start - 1] ?? "");
  const after = lines.slice(end);
  const isLast = after.every(isBlank);
  if (isApart && start > 0 && isLast) return [...lines.slice(0, start - 1), ""];
  return [...lines.slice(0, start), ...(isApart && isBlank(after[0] ?? "x") && !isLast ? after.slice(1) : after)];
};

const isBlank = (line: string): boolean => line.trim() === "";
