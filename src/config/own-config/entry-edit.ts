/** One entry of our own file, changed line by line: what is not named stays as it is, comments and indents among it. */
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";
import { lexLine } from "../ssh-config/files/lexer.ts";
import { keywordNamed } from "../ssh-config/keywords.ts";
import { requestOrigin } from "../ssh-config/origin.ts";
import { type EntryLine, fieldKeywords } from "./entry-fields.ts";
import { commentOf, withComment } from "./line-comment.ts";
import { entriesOf, type Lines, type OwnEntry, originOf } from "./own-file.ts";

const usualIndent = "    ";

/** A new entry. */
export const newEntry = (name: string, lines: readonly EntryLine[]): string[] => [
  `Host ${name}`,
  ...lines.map(({ text }) => usualIndent + text),
];

/** What is proposed under this name; null for nothing. @throws SshMcpError CONFIG_INVALID */
export const findProposal = (lines: Lines, path: string, name: string): OwnEntry | null =>
  entriesOf(lines, path).find(({ names, proposedBy }) => proposedBy !== null && names.includes(name)) ?? null;

/** The lines of a proposal, as a change of the entry that there is. */
export const linesOfProposal = (body: Lines): EntryLine[] =>
  body.slice(1).flatMap((line): EntryLine[] => {
    const lexed = lexLine(line, requestOrigin);
    return lexed === null ? [] : [{ keyword: keywordNamed(lexed.keyword)?.name ?? lexed.keyword, text: line.trim() }];
  });

/** The entry that names this host and no other; null when there is none. @throws SshMcpError PRECONDITION_FAILED, CONFIG_INVALID */
export const findEntry = (lines: Lines, path: string, name: string): OwnEntry | null => {
  const found = entriesOf(lines, path).filter(({ names, proposedBy }) => proposedBy === null && names.includes(name));
  const alone = found.find(({ names }) => names.length === 1);
  const [shared] = found;
  if (alone !== undefined || shared === undefined) return alone ?? null;
  const place = `${path}:${shared.start + 1}`;
  throw new SshMcpError("PRECONDITION_FAILED", `${place} is about ${shared.names.length} names, ${name} among them`, {
    hint: `vi +${shared.start + 1} ${quoteWord(path)}`,
  });
};

/**
 * @param body the lines of the entry, its Host line first
 * @param from its place in the file, for errors
 * @param changes new lines: those of a keyword take the place of all that it had, one by one with the comments there
 * @param unset keywords, by their names or ours; each must be there
 * @throws SshMcpError NOT_FOUND for one that is not
 */
export const changed = (
  body: Lines,
  { path, start }: { path: string; start: number },
  changes: readonly EntryLine[],
  unset: readonly string[],
): string[] => {
  const keywordOf = (line: string, index: number): string | null => {
    const lexed = lexLine(line, originOf(path, start + index));
    return lexed === null || index === 0 ? null : (keywordNamed(lexed.keyword)?.name ?? lexed.keyword);
  };
  const keywords = body.map(keywordOf);
  const gone = new Set(unset.map((name) => present(name, keywords)));
  const indent = indentOf(body[keywords.findIndex((keyword) => keyword !== null)]);
  const written = new Set<string>();
  const comments = (keyword: string): string[] =>
    body.filter((_, index) => keywords[index] === keyword).map((line) => commentOf(line));
  const kept = body.flatMap((line, index): string[] => {
    const keyword = keywords[index] ?? null;
    if (keyword === null) return [line];
    if (gone.has(keyword)) return [];
    const news = changes.filter((change) => change.keyword === keyword);
    if (news.length === 0) return [line];
    if (written.has(keyword)) return [];
    written.add(keyword);
    const said = comments(keyword);
    return news.map(({ text }, nth) => indentOf(line) + withComment(text, said[nth] ?? "") + endOf(line));
  });
  const added = changes.filter(({ keyword }) => !written.has(keyword));
  return [...kept, ...added.map(({ text }) => indent + text + endOf(body[0] ?? ""))];
};

const present = (name: string, keywords: readonly (string | null)[]): string => {
  const typed = name.toLowerCase();
  const keyword = fieldKeywords[typed] ?? keywordNamed(typed)?.name ?? typed;
  if (keywords.includes(keyword)) return keyword;
  throw new SshMcpError("NOT_FOUND", `the entry has no ${shown(name)}`, { hint: "ssh-mcp hosts show NAME" });
};

const indentOf = (line: string | undefined): string => /^[ \t]*/.exec(line ?? usualIndent)?.[0] ?? usualIndent;

/** A file of Windows has a carriage return there. */
const endOf = (line: string): string => (line.endsWith("\r") ? "\r" : "");
