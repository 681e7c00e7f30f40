/** What `hosts add|set|rm|enable` do to the text of our own file. Everything is checked before the file is written. */
import { checkEntry, checkProposal, checkWhole } from "../../config/own-config/check-entry.ts";
import { changed, findEntry, findProposal, linesOfProposal, newEntry } from "../../config/own-config/entry-edit.ts";
import { checkName, checkPlain, type EntryLine, linesFor } from "../../config/own-config/entry-fields.ts";
import {
  bodyOf,
  entriesOf,
  type Lines,
  linesOf,
  type OwnEntry,
  proposed,
  proposer,
  shownText,
  textOf,
  withAppended,
  withoutEntry,
  withReplaced,
} from "../../config/own-config/own-file.ts";
import { describeOrigin, type Origin } from "../../config/ssh-config/origin.ts";
import type { HostEnvironment } from "../../config/ssh-config/resolve.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { HostFields } from "../../core/hosts.ts";
import { quoteWord } from "../../core/quote.ts";
import type { Alias } from "./host-list.ts";

/** Our own file as it is, and who else names hosts. */
export interface Standing {
  path: string;
  text: string;
  /** What the user's own files name. */
  aliases: readonly Alias[];
  environment: Omit<HostEnvironment, "variables">;
}

/** The text that the file gets, and the lines of the entry that it is about. */
export interface Change {
  text: string;
  entry: string;
}

/** Proposals that nobody has looked at, in all and of one agent: none can fill the file, nor take the others' room. */
const mostProposals = 32;
const mostOfOne = 8;

/** @param by the agent that proposes it; null for a person. @throws SshMcpError as `Hosts.add` */
export const added = (standing: Standing, name: string, fields: HostFields, by: string | null): Change => {
  const { path, text, environment } = standing;
  checkName(name);
  mustBeNew(standing, name);
  const lines = linesOf(text);
  const proposal = findProposal(lines, path, name);
  if (proposal !== null) throw proposedAlready(path, name, proposal);
  const there = findEntry(lines, path, name);
  if (there !== null && by === null) throw exists(path, name, there);
  if (by !== null) checkPlain(fields);
  const news = linesFor(name, fields);
  const body = newEntry(name, news);
  checkEntry(name, body, environment);
  const counting = there === null ? withAppended(lines, body) : withChange(standing, lines, there, news, []);
  checkWhole(path, textOf(counting), name, environment);
  if (by === null) return { text: textOf(counting), entry: textOf(body) };
  mustHaveRoom(lines, path, by);
  return { text: textOf(withAppended(lines, proposed(name, body, by))), entry: textOf(body) };
};

const mustHaveRoom = (lines: Lines, path: string, by: string): void => {
  const all = entriesOf(lines, path).filter(({ proposedBy }) => proposedBy !== null);
  const own = all.filter(({ proposedBy }) => proposedBy === proposer(by));
  if (all.length < mostProposals && own.length < mostOfOne) return;
  const whose =
    own.length < mostOfOne ? `${all.length} proposed hosts` : `${own.length} hosts that this agent proposed`;
  throw new SshMcpError("PRECONDITION_FAILED", `${whose} wait for a person already`, { hint: "ssh-mcp hosts ls" });
};

/** @throws SshMcpError as `Hosts.set` */
export const changedEntry = (
  standing: Standing,
  name: string,
  fields: HostFields,
  unset: readonly string[],
): Change => {
  const { path, text } = standing;
  const lines = linesOf(text);
  const entry = findEntry(lines, path, name);
  if (entry === null) throw notOurs(standing, lines, name);
  const news = linesFor(name, fields);
  checkEntry(name, newEntry(name, news), standing.environment);
  return counted(standing, name, withChange(standing, lines, entry, news, unset));
};

/** @param isProposal whether what is proposed is refused, or the entry that counts is taken out. @throws SshMcpError as `Hosts.remove` */
export const removed = (standing: Standing, name: string, isProposal: boolean): Change => {
  const { path, text } = standing;
  const lines = linesOf(text);
  const entry = isProposal ? findProposal(lines, path, name) : findEntry(lines, path, name);
  if (entry === null) throw notOurs(standing, lines, name);
  return { text: textOf(withoutEntry(lines, entry)), entry: shownText(bodyOf(lines, entry)) };
};

/** Of a host that is there, the lines that are proposed take the place of its own. @throws SshMcpError as `Hosts.enable` */
export const enabled = (standing: Standing, name: string): Change => {
  const { path, text } = standing;
  const lines = linesOf(text);
  const proposal = findProposal(lines, path, name);
  if (proposal === null) {
    const there = findEntry(lines, path, name);
    throw there === null ? notOurs(standing, lines, name) : exists(path, name, there);
  }
  mustBeNew(standing, name);
  checkName(name);
  const body = bodyOf(lines, proposal);
  checkProposal(name, body, path);
  if (findEntry(lines, path, name) === null) return counted(standing, name, withReplaced(lines, proposal, body));
  const without = withoutEntry(lines, proposal);
  const entry = findEntry(without, path, name);
  if (entry === null) throw notOurs(standing, without, name);
  return counted(standing, name, withChange(standing, without, entry, linesOfProposal(body), []));
};

const withChange = (
  { path }: Standing,
  lines: Lines,
  entry: OwnEntry,
  news: readonly EntryLine[],
  unset: readonly string[],
): string[] => withReplaced(lines, entry, changed(bodyOf(lines, entry), { path, start: entry.start }, news, unset));

/** @throws SshMcpError when the file would be none, or the host would not resolve */
const counted = ({ path, environment }: Standing, name: string, lines: Lines): Change => {
  const text = textOf(lines);
  checkWhole(path, text, name, environment);
  const entry = findEntry(lines, path, name);
  return { text, entry: entry === null ? "" : shownText(bodyOf(lines, entry)) };
};

/** What is proposed under a name, and by whom; null for nothing. @throws SshMcpError CONFIG_INVALID */
export const proposalOf = (path: string, text: string, name: string): { by: string; entry: string } | null => {
  const lines = linesOf(text);
  const entry = findProposal(lines, path, name);
  return entry === null ? null : { by: entry.proposedBy ?? "", entry: shownText(bodyOf(lines, entry)) };
};

/** Whether our own file has an entry that counts. @throws SshMcpError CONFIG_INVALID */
export const hasEntry = (path: string, text: string, name: string): boolean =>
  entriesOf(linesOf(text), path).some(({ names, proposedBy }) => proposedBy === null && names.includes(name));

/** Why there is no entry of ours to change. */
const notOurs = ({ path, aliases }: Standing, lines: Lines, name: string): SshMcpError => {
  const proposal = findProposal(lines, path, name);
  if (proposal !== null) {
    return new SshMcpError("PRECONDITION_FAILED", `${name} is proposed and not enabled: it is taken as it is, or not`, {
      hint: `ssh-mcp hosts show ${name}`,
    });
  }
  const alias = aliases.find((candidate) => candidate.name === name);
  if (alias === undefined) {
    return new SshMcpError("NOT_FOUND", `there is no host ${shown(name)} in ${path}`, { hint: "ssh-mcp hosts ls" });
  }
  return new SshMcpError("NOT_FOUND", `${name} is in ${describeOrigin(alias.origin)}, which is changed by hand alone`, {
    hint: editing(alias.origin),
  });
};

/** One of the user's own files comes first, and would always win. */
const mustBeNew = ({ path, aliases }: Standing, name: string): void => {
  const alias = aliases.find((candidate) => candidate.name === name && candidate.origin.file !== path);
  if (alias === undefined) return;
  const message = `${name} is in ${describeOrigin(alias.origin)}, which is read first and would win`;
  throw new SshMcpError("ALREADY_EXISTS", message, { hint: editing(alias.origin) });
};

const exists = (path: string, name: string, { start }: OwnEntry): SshMcpError =>
  new SshMcpError("ALREADY_EXISTS", `${name} is in ${path}:${start + 1}`, { hint: `ssh-mcp hosts show ${name}` });

const proposedAlready = (path: string, name: string, { start }: OwnEntry): SshMcpError => {
  const message = `${name} is proposed in ${path}:${start + 1}, and waits to be enabled or removed`;
  return new SshMcpError("ALREADY_EXISTS", message, { hint: `ssh-mcp hosts show ${name}` });
};

const editing = ({ file, line }: Origin): string =>
  file === null ? "ssh-mcp hosts ls" : `vi +${line} ${quoteWord(file)}`;
