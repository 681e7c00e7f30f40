/** Why a command was not run as another user. Nothing of it was, whatever is said here. */
import type { Become } from "../../core/command-form.ts";
import { type ErrorCode, SshMcpError } from "../../core/errors.ts";
import { escapeLine, shortened } from "../../core/escape.ts";

/** A password is wanted, and there was none, or it was another user's. Caught where passwords come from. */
export class PasswordNeeded extends SshMcpError {
  /** Whose; null for the one that the command runs for, as far as sudo has said. */
  readonly of: string | null;

  constructor({ by }: Become, of: string | null) {
    super("AUTH_REQUIRED", `${by} wants a password, and nobody gave it; the command was not run`);
    this.of = of;
  }
}

/** The password was wrong. It was given once. */
export class PasswordRefused extends SshMcpError {
  constructor({ by }: Become) {
    super("AUTH_FAILED", `${by} did not take the password; the command was not run`, { retryable: false });
  }
}

/** It is not let in without a terminal. */
export class TerminalWanted extends SshMcpError {}

/**
 * Whether what was said at the end, once a password had been given, may be about the password. Of all else that is said a person with another
 * password is no cure. What is said in no language that is known here counts as if it were: a wrong one is not sent again.
 */
export const mayBeOfPassword = (said: string): boolean =>
  /sorry, try again|incorrect password|authentication (failure|failed)/i.test(said) ||
  !/not in the sudoers|not allowed|may not run|must have a tty|terminal|account|expired|not available|denied|suid/i.test(
    said,
  );

/** @param said what sudo or su said of it, untrusted */
export const notLetIn = ({ by, user }: Become, said: string): SshMcpError => {
  const isTerminal = /must have a tty|from a terminal|terminal is required/i.test(said);
  const [code, what] = isTerminal
    ? (["UNSUPPORTED", `${by} wants a terminal there (pty)`] as const)
    : reasonFor(by, escapeLine(user), said);
  const words = wordsOf(said);
  const told = words === "" || code === "NOT_FOUND" ? "" : `: ${words}`;
  return new (isTerminal ? TerminalWanted : SshMcpError)(code, `${what}${told}; the command was not run`);
};

export const missing = ({ by }: Become): SshMcpError => {
  const other = by === "sudo" ? "; a server may have su instead (become: su)" : "";
  return new SshMcpError("UNSUPPORTED", `the server has no ${by}${other}; the command was not run`);
};

export const asksOtherwise = ({ by }: Become, said: string): SshMcpError =>
  new SshMcpError(
    "UNSUPPORTED",
    `${by} asks for something else than a password: ${wordsOf(said) || "nobody knows what"}; the command was not run`,
  );

const reasonFor = (by: Become["by"], user: string, said: string): [ErrorCode, string] => {
  if (/unknown user|does not exist|no passwd entry/i.test(said)) return ["NOT_FOUND", `the server has no user ${user}`];
  return ["REMOTE_PERMISSION", `${by} does not let the login run a shell as ${user}`];
};

/** Its last words: a lecture may stand before them. */
const wordsOf = (said: string): string => {
  const lines = said.split("\n").map((line) => line.trim());
  const last = lines.filter((line) => line !== "").at(-1) ?? "";
  return shortened(escapeLine(last), 300);
};
