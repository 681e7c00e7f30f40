/** The values of the keywords that are acted on, and the form of the arguments of all. */
import { shown } from "../../core/escape.ts";
import type { Keyword } from "./keywords.ts";
import { lowerCase } from "./match-pattern.ts";
import { invalidAt, type Origin } from "./origin.ts";
import type { Directive } from "./parser.ts";

export type StrictHostKeyChecking = "yes" | "ask" | "accept-new" | "no";

/** OpenSSH's SSH_MAX_HOSTS_FILES. */
const mostKnownHostsFiles = 32;

/**
 * Checks what ssh checks of every line, whether its block applies or not.
 * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT
 */
export const checkArguments = (directive: Directive, keyword: Keyword): void => {
  const { args, origin } = directive;
  switch (keyword.shape) {
    case "any":
    case "line":
      return;
    case "words":
      if (args.includes("")) throw invalidAt(origin, `${keyword.title} has an empty argument`);
      break;
    case "flag":
      oneWord(directive, keyword.title);
      parseFlag(directive);
      break;
    case "integer":
      parseInteger(oneWord(directive, keyword.title), keyword.title, origin);
      break;
    case "word":
      oneWord(directive, keyword.title);
      break;
  }
  if (keyword.name === "port") parsePort(directive);
  if (keyword.name === "stricthostkeychecking") parseStrict(directive);
  if (keyword.name === "userknownhostsfile" || keyword.name === "globalknownhostsfile") parseFiles(directive);
};

const oneWord = (directive: Directive, title: string): string => {
  const [word, extra] = directive.args;
  if (word === undefined || word === "") throw invalidAt(directive.origin, `${title} has no argument`);
  if (extra !== undefined)
    throw invalidAt(directive.origin, `${title} takes one argument, and ${shown(extra)} is another`);
  return word;
};

const parseInteger = (text: string, title: string, origin: Origin): void => {
  if (/^\s*\+?\d+$/.test(text) && Number(text) <= 0x7fffffff) return;
  throw invalidAt(origin, `${title} takes a whole number, not ${shown(text)}`);
};

/** @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for anything but yes, no, true and false, in either case */
export const parseFlag = (directive: Directive): boolean => {
  const text = directive.args[0] ?? "";
  const value = lowerCase(text);
  if (value === "yes" || value === "true") return true;
  if (value === "no" || value === "false") return false;
  throw invalidAt(directive.origin, `${directive.keyword} takes yes or no, not ${shown(text)}`);
};

/** From 1 to 65535. @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for anything else */
export const parsePort = (directive: Directive): number => {
  const text = directive.args[0] ?? "";
  const port = /^\s*\+?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 1 && port <= 65535) return port;
  throw invalidAt(directive.origin, `Port takes a number from 1 to 65535, not ${shown(text)}`);
};

const strictValues: ReadonlyMap<string, StrictHostKeyChecking> = new Map([
  ["yes", "yes"],
  ["true", "yes"],
  ["ask", "ask"],
  ["accept-new", "accept-new"],
  ["no", "no"],
  ["false", "no"],
  ["off", "no"],
]);

/** `true` is `yes`, `false` and `off` are `no`. @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for another word */
export const parseStrict = (directive: Directive): StrictHostKeyChecking => {
  const text = directive.args[0] ?? "";
  const value = strictValues.get(lowerCase(text));
  if (value !== undefined) return value;
  throw invalidAt(directive.origin, `StrictHostKeyChecking takes yes, ask, accept-new or no, not ${shown(text)}`);
};

/**
 * The files of UserKnownHostsFile or GlobalKnownHostsFile, not expanded; none of them for `none`.
 * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for `none` beside others, and for too many
 */
export const parseFiles = (directive: Directive): readonly string[] => {
  const { args, keyword, origin } = directive;
  const named = args.some((file) => lowerCase(file) === "none");
  if (named && args.length > 1) throw invalidAt(origin, `${keyword}: none must stand alone`);
  if (args.length > mostKnownHostsFiles)
    throw invalidAt(origin, `${keyword} names more than ${mostKnownHostsFiles} files`);
  return named ? [] : args;
};
