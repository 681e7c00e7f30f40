/** The command by which a person opens a connection at a terminal: the same one, or as near to it as a command can be. */
import { lexLine } from "../../config/ssh-config/files/lexer.ts";
import type { ResolvedHost } from "../../config/ssh-config/resolved-host.ts";
import type { DialRequest } from "../../core/dial-request.ts";
import { jumpOf } from "../../core/jump.ts";
import { isNarrowing } from "../../core/login-choice.ts";
import { quoteWords } from "../../core/quote.ts";
import { isOfProcess } from "../../files/process-path.ts";
import { toType } from "./option-secrets.ts";

/**
 * Quoted for a shell. A file that came from a pipe has to be given again, as a value that was not kept: the command has a word for it to be replaced.
 * It holds what the options do: see `hiddenFromAgents`.
 * @param request with absolute paths
 * @param name for `--name`; null leaves it out
 */
export const connectCommandOf = (request: DialRequest, name: string | null): string => {
  const { destination, user, port, identityFiles, configFile, options } = request;
  return quoteWords([
    ...["ssh-mcp", "connect"],
    ...(name === null ? [] : ["--name", name]),
    ...(user === null ? [] : ["-l", user]),
    ...(port === null ? [] : ["-p", String(port)]),
    ...identityFiles.flatMap((file) => ["-i", isOfProcess(file) ? "KEY" : file]),
    ...(configFile === null ? [] : ["-F", isOfProcess(configFile) ? "CONFIG" : configFile]),
    ...options.flatMap((option, at) => {
      // -J is taken before any other word on the way alone.
      const jump = options.slice(0, at).some(saysWay) ? null : jumpOf(option);
      return jump === null ? ["-o", toType(option)] : ["-J", jump];
    }),
    destination,
  ]);
};

const saysWay = (option: string): boolean => /^proxy(jump|command)$/.test(keywordOf(option));

/** The same with a person asked about a host key that is not known; what the request says of that itself is left out. */
export const askingCommandOf = (request: DialRequest): string => {
  const others = request.options.filter((option) => keywordOf(option) !== "stricthostkeychecking");
  return connectCommandOf({ ...request, options: ["StrictHostKeyChecking=ask", ...others] }, null);
};

/** The same with a person asked for what is missing, and every kind of login tried: as it was, it has just failed. */
export const widerCommandOf = (request: DialRequest, { batchMode }: Pick<ResolvedHost, "batchMode">): string => {
  const others = request.options.filter((option) => !isNarrowing(option) && keywordOf(option) !== "batchmode");
  return connectCommandOf({ ...request, options: [...(batchMode ? ["BatchMode=no"] : []), ...others] }, null);
};

const keywordOf = (option: string): string => lexLine(option, { file: null, line: 1 })?.keyword ?? "";
