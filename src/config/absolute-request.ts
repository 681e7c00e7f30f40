/** A request that means the same files from whatever folder it is made again. */
import { lowerCase } from "./match-pattern.ts";
import type { Origin } from "./origin.ts";
import type { HostEnvironment, HostRequest, ResolvedHost } from "./ssh-config.ts";
import { absolute } from "./ssh-config-expand.ts";
import { lexLine } from "./ssh-config-lexer.ts";

/** Options whose arguments are paths: whether tokens, `~` and `${NAME}` stand for something in them. */
const pathOptions: ReadonlyMap<string, { expands: boolean }> = new Map([
  ["identityfile", { expands: true }],
  ["userknownhostsfile", { expands: true }],
  ["globalknownhostsfile", { expands: false }],
]);

/**
 * The same request with absolute paths in place of those that were meant from the caller's folder. Key files are written as they were
 * resolved; in options, `~`, `${NAME}` and tokens stay, for they mean the same everywhere or are asked for again.
 * @param resolved what the request resolved to in this environment
 */
export const absoluteRequest = <R extends Pick<HostRequest, "identityFiles" | "configFile" | "options">>(
  request: R,
  resolved: ResolvedHost,
  { cwd }: Pick<HostEnvironment, "cwd">,
): R => {
  const { identityFiles, configFile, options } = request;
  const isNone = (text: string): boolean => lowerCase(text) === "none";
  return {
    ...request,
    identityFiles: resolved.identityFiles.slice(0, resolved.identityFilesRequested).map(literal),
    configFile: configFile === null ? null : isNone(configFile) ? "none" : absolute(configFile, cwd),
    options: [
      // `-i none` is no path, and still keeps the default files out.
      ...(identityFiles.some(isNone) ? ["IdentityFile=none"] : []),
      ...options.map((option, index) => absoluteOption(option, { file: null, line: index + 1 }, cwd)),
    ],
  };
};

const absoluteOption = (option: string, origin: Origin, cwd: string): string => {
  const line = lexLine(option, origin);
  const kind = line === null ? undefined : pathOptions.get(line.keyword);
  if (line === null || kind === undefined) return option;
  const folder = kind.expands ? literal(cwd) : cwd;
  const isRelative = (path: string): boolean =>
    lowerCase(path) !== "none" && !(kind.expands ? /^(\/|~|%d|\$\{)/ : /^\//).test(path);
  if (!line.args.some(isRelative)) return option;
  const paths = line.args.map((path) => (isRelative(path) ? absolute(path, folder) : path));
  return `${line.keyword}=${paths.map(quoted).join(" ")}`;
};

/** A path in which no character is a token. */
const literal = (path: string): string => path.replaceAll("%", "%%");

/** As the lexer reads it back. */
const quoted = (word: string): string => `"${word.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
