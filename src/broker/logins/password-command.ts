/** `passwordCommand` of config.toml: a line that prints the password, run in the world of whoever calls. */

import { formatLimit } from "../../core/duration.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { shellWords } from "../../files/user-command.ts";
import type { DialScope } from "./dial.ts";
import { type CommandEnd, runLimited } from "./limited-command.ts";

/** Characters of its own error that are shown. */
const shownError = 300;

export interface PasswordScope extends Pick<DialScope, "caller" | "variables" | "signal"> {
  limitMs: number;
  /** Whether what the command says of its failure is left out: it is a person's, and may name what no agent is to know. */
  isBrief: boolean;
}

/**
 * @param host as typed, for messages
 * @returns the first line that it prints
 * @throws SshMcpError PRECONDITION_FAILED when that is no password, with what the command said of it; CANCELED
 */
export const passwordFrom = async (
  command: string,
  host: string,
  { caller: { cwd }, variables, signal, limitMs, isBrief }: PasswordScope,
): Promise<string> => {
  const environment = await variables("all");
  const words = shellWords(command, { environment, cwd }, { exec: false });
  const end = await runLimited({ words, environment, cwd, limitMs }, signal);
  if (end.how === "canceled") throw new SshMcpError("CANCELED", "connecting was canceled; no command was sent");
  const [line = ""] = end.stdout.split("\n", 1);
  const password = line.replace(/\r$/, "");
  const what = problem(end, password, limitMs);
  if (what === null) return password;
  const said = isBrief ? "" : saidIn(end.stderr, password);
  throw new SshMcpError("PRECONDITION_FAILED", `passwordCommand of ${escapeLine(host)} in config.toml ${what}${said}`, {
    hint: "ssh-mcp hosts show --help",
  });
};

const problem = ({ how, status }: CommandEnd, password: string, limitMs: number): string | null => {
  switch (how) {
    case "slow":
      return `took over ${formatLimit(limitMs)}, and was ended`;
    case "loud":
      return "printed over 1 MiB, and was ended";
    case "missing":
      return `could not be started (${status})`;
    default:
  }
  if (status !== 0) return `failed (${typeof status === "number" ? `exit status ${status}` : status})`;
  if (password === "") return "printed no password on its first line";
  return password.includes("\0") ? "printed a NUL byte" : null;
};

/** What a command says of its failure, without what it printed as the password. */
const saidIn = (stderr: string, password: string): string => {
  const text = (password === "" ? stderr : stderr.replaceAll(password, "***")).trim();
  return text === "" ? "" : `: ${escapeLine(text.slice(0, shownError))}`;
};
