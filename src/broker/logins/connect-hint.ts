/** Errors of sessions, with the next command to type. */
import { type ErrorCode, SshMcpError } from "../../core/errors.ts";
import { quoteWords } from "../../core/quote.ts";
import { HopError } from "./hop-error.ts";

export interface HintFacts {
  resolved: { host: string; port: number; user: string; way: string };
  /** See `DialPlan`. */
  connectCommand: string;
  /** The name the session has or would get; null when the command leads to it without. */
  name: string | null;
  /** What the command begins with, see `RegistryOptions`. */
  prefix: string;
}

/** Where trying again would only fail again, and OpenSSH's own account of it helps. */
const diagnosed: ReadonlySet<ErrorCode> = new Set(["NO_COMMON_ALGORITHM", "PROTOCOL_ERROR", "CHANNEL_REFUSED"]);

const connect = "ssh-mcp connect ";

/**
 * A failure that names no next step of its own is met by trying the login at a terminal. A command for that opens the session under its
 * name, so that the same call finds it afterwards.
 */
export const withConnectHint = (error: unknown, facts: HintFacts): unknown => {
  if (!(error instanceof SshMcpError) || error.code === "CANCELED") return error;
  const { code, message, retryable } = error;
  const hint = error.hint ?? usualHint(code, facts);
  // A jump host is no name's session.
  const isOfHop = error instanceof HopError;
  if (!hint.startsWith(connect)) return new SshMcpError(code, message, { hint, retryable, cause: error });
  const naming = facts.name === null || isOfHop ? "" : `--name ${facts.name} `;
  return new SshMcpError(code, message, {
    hint: `${facts.prefix}${connect}${naming}${hint.slice(connect.length)}`,
    ...{ retryable, cause: error },
  });
};

const usualHint = (code: ErrorCode, { resolved, connectCommand }: HintFacts): string => {
  // By its name alone another server may answer.
  if (diagnosed.has(code) && resolved.way === "") {
    return quoteWords(["ssh", "-v", "-l", resolved.user, "-p", String(resolved.port), resolved.host, "exit"]);
  }
  return code === "CONNECT_TIMEOUT" ? `${connectCommand} --timeout 60s` : connectCommand;
};
