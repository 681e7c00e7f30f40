/** The command by which a person opens a connection at a terminal: the same one, or as near to it as a command can be. */
import { lexLine } from "../../config/ssh-config/lexer.ts";
import { jumpOf } from "../../core/jump.ts";
import { quoteWords } from "../../core/quote.ts";
import type { DialRequest } from "../../core/session.ts";
import { isOfProcess } from "../../files/process-path.ts";

/**
 * Quoted for a shell. A file that came from a pipe has to be given again: the command has a word for it to be replaced.
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
    ...options.flatMap((option) => {
      const jump = jumpOf(option);
      return jump === null ? ["-o", option] : ["-J", jump];
    }),
    destination,
  ]);
};

/** The same with a person asked about a host key that is not known; what the request says of that itself is left out. */
export const askingCommandOf = (request: DialRequest): string => {
  const others = request.options.filter((option) => lexLine(option, { file: null, line: 1 })?.keyword !== strict);
  return connectCommandOf({ ...request, options: ["StrictHostKeyChecking=ask", ...others] }, null);
};

const strict = "stricthostkeychecking";
