/** A request that means the same files from whatever folder it is made again. */

import { absolute } from "./expand.ts";
import { lexLine } from "./files/lexer.ts";
import { keywordNamed } from "./keywords.ts";
import { lowerCase } from "./match-pattern.ts";
import type { Origin } from "./origin.ts";
import type { HostEnvironment, HostRequest } from "./resolve.ts";

interface PathOption {
  /** Whether tokens and `${NAME}` stand for something in it; `~` does in all. */
  expands: boolean;
  /** Arguments that are no paths. */
  words: RegExp;
}

const none = /^none$/i;
const agentWords = /^(SSH_AUTH_SOCK$|\$|none$)/;

/** Options whose arguments are paths, by keyword. */
const pathOptions: ReadonlyMap<string, PathOption> = new Map([
  ["identityfile", { expands: true, words: none }],
  ["certificatefile", { expands: true, words: none }],
  ["userknownhostsfile", { expands: true, words: none }],
  ["globalknownhostsfile", { expands: false, words: none }],
  ["revokedhostkeys", { expands: true, words: none }],
  ["identityagent", { expands: true, words: agentWords }],
  ["forwardagent", { expands: true, words: /^(\$|(yes|no|true|false)$)/i }],
]);

/**
 * The same request with absolute paths in place of those that were meant from the caller's folder. `~`, `${NAME}` and tokens stay, for they
 * mean the same everywhere or are asked for again: no value of the environment gets into what is kept of a session.
 */
export const absoluteRequest = <R extends Pick<HostRequest, "identityFiles" | "configFile" | "options">>(
  request: R,
  { cwd }: Pick<HostEnvironment, "cwd">,
): R => {
  const { identityFiles, configFile, options } = request;
  const isNone = (text: string): boolean => lowerCase(text) === "none";
  return {
    ...request,
    identityFiles: [...new Set(identityFiles.filter((file) => !isNone(file)).map((file) => absoluteKey(file, cwd)))],
    configFile: configFile === null ? null : isNone(configFile) ? "none" : absolute(configFile, cwd),
    options: [
      // `-i none` is no path, and still keeps the default files out.
      ...(identityFiles.some(isNone) ? ["IdentityFile=none"] : []),
      ...options.map((option, index) => absoluteOption(option, { file: null, line: index + 1 }, cwd)),
    ],
  };
};

/** A key file as it is named from every folder. */
export const absoluteKey = (file: string, cwd: string): string =>
  isRelative(file, true) ? absolute(file, literal(cwd)) : file;

const absoluteOption = (option: string, origin: Origin, cwd: string): string => {
  const line = lexLine(option, origin);
  const kind = line === null ? undefined : pathOptions.get(keywordNamed(line.keyword)?.name ?? "");
  if (line === null || kind === undefined) return option;
  const folder = kind.expands ? literal(cwd) : cwd;
  const isMoved = (path: string): boolean => !kind.words.test(path) && isRelative(path, kind.expands);
  if (!line.args.some(isMoved)) return option;
  const paths = line.args.map((path) => (isMoved(path) ? absolute(path, folder) : path));
  return `${line.keyword}=${paths.map(quoted).join(" ")}`;
};

const isRelative = (path: string, expands: boolean): boolean => !(expands ? /^(\/|~|%d|\$\{)/ : /^(\/|~)/).test(path);

/** A path in which no character is a token. */
const literal = (path: string): string => path.replaceAll("%", "%%");

/** As the lexer reads it back. */
const quoted = (word: string): string => `"${word.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
