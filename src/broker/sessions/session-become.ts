/** Commands of a session as another user: tried without a password first, and one password once. */
import type { CallScope } from "../../core/call-scope.ts";
import type { CommandRequest, CommandResult } from "../../core/command.ts";
import { type Become, plainForm } from "../../core/command-form.ts";
import { SshMcpError } from "../../core/errors.ts";
import { hintFor } from "../../core/hint.ts";
import { PasswordNeeded, PasswordRefused, TerminalWanted } from "../../ssh/commands/become-errors.ts";
import type { BecomePassword } from "../../ssh/commands/become-program.ts";
import {
  allSources,
  askPerson,
  type BecomeParts,
  commandFor,
  type Found,
  heldFor,
  holdTyped,
  nameFor,
  noteOwner,
  ownerOf,
  type Source,
  shownOwner,
} from "./become-passwords.ts";

/** For a command that does nothing, in milliseconds. */
const nothingMs = 60_000;

export type Attempt = (password: BecomePassword | null) => Promise<CommandResult>;

/** How passwords are come by, see `becoming`. */
export type Becoming = (
  become: Become,
  parts: BecomeParts,
  scope: CallScope,
  attempt: Attempt,
) => Promise<CommandResult>;

/**
 * Runs a command as another user. The password, where one is wanted, comes from what is held with the session, the keychain, `passwordCommand`, or
 * the person who called; time that this takes is none of the command's. What was wrong, or may have been, is forgotten and not sent again; what is not
 * known to be right is tried by one call at a time.
 * @param attempt runs the command; fails with PasswordNeeded or PasswordRefused when nothing of it was run
 * @throws SshMcpError AUTH_REQUIRED when nobody has the password, AUTH_FAILED when it was wrong; what `attempt` throws
 */
export const becoming: Becoming = (become, parts, scope, attempt) =>
  tried({
    become,
    parts,
    scope,
    attempt,
    held: () => heldFor(become, parts, scope.caller),
    source: allSources,
    isUnlock: false,
  });

/** The same with a password that the person who called types now. @param onAsked told when one is wanted */
export const becomingAsked =
  (onAsked: () => void): Becoming =>
  (become, parts, scope, attempt) => {
    let typed: string | null = null;
    const source: Source = async (of, ...asked) => {
      onAsked();
      // Asked for another's, who has no second answer means the first: it may have come in a pipe.
      const found = await askPerson(of, ...asked, typed);
      typed = found.password;
      return found;
    };
    return tried({ become, parts, scope, attempt, held: () => null, source, isUnlock: true });
  };

/** A command that does nothing, as another user. */
export const nothingAs = (become: Become): CommandRequest => ({
  command: ":",
  form: { ...plainForm, become, interpreter: "sh" },
  stdin: (async function* () {})(),
  stdout: { write: async () => {} },
  stderr: { write: async () => {} },
  timeoutMs: nothingMs,
});

interface Work {
  become: Become;
  parts: BecomeParts;
  scope: CallScope;
  attempt: Attempt;
  held: () => Found | null;
  source: Source;
  /** Whether the password is all that it is about. */
  isUnlock: boolean;
}

const tried = async (work: Work): Promise<CommandResult> => {
  const { become, parts, scope, held, source } = work;
  let password = held();
  // Once for whoever's it was taken to be, once for whoever's sudo says it is, and once for what another call has found out.
  for (let rounds = 0; ; rounds++) {
    try {
      const result = await (password === null ? work.attempt(null) : attempted(password, work));
      if (result !== null) return result;
      password = held();
    } catch (error) {
      if (error instanceof PasswordRefused && password !== null) throw refused(password, work, error);
      if (!(error instanceof PasswordNeeded) || rounds >= 3) throw withHint(error, work);
      const of = error.of ?? ownerOf(become, parts);
      if (error.of !== null) noteOwner(become, of, parts);
      password = await source(of, become, parts, scope);
    }
  }
};

/** Null when it was refused while it waited for its turn. */
const attempted = async (found: Found, { parts, scope, attempt }: Work): Promise<CommandResult | null> => {
  const { secrets } = parts;
  const { of, password, isTyped } = found;
  const name = nameFor(of, parts);
  const isKnown = (): boolean => secrets.wasRight(name, password);
  const end = isKnown() ? () => undefined : await parts.turns.take(name, scope.signal);
  if (isKnown()) end();
  // What a person types is sent, whatever was.
  if (!isTyped && secrets.wasRefused(name, password)) {
    end();
    return null;
  }
  const wasKnown = isKnown();
  let isGiven = false;
  let isBegun = false;
  const told = (event: "given" | "begun"): void => {
    if (event === "given") {
      isGiven = true;
      return;
    }
    isBegun = true;
    if (isGiven) secrets.accept(name, password);
    if (isGiven && isTyped) holdTyped(found, parts);
    end();
  };
  let isOther = false;
  let isRefused = false;
  try {
    return await attempt({ of, password, told });
  } catch (error) {
    isRefused = error instanceof PasswordRefused;
    isOther = error instanceof SshMcpError && ["REMOTE_PERMISSION", "NOT_FOUND"].includes(error.code);
    throw error;
  } finally {
    // Nobody knows whether it was wrong, as when its time ran out first. What was right before has one more try.
    if (isGiven && !isBegun && !isOther) {
      if (wasKnown && !isRefused) secrets.doubt(name, password);
      else secrets.refuse(name, password);
    }
    end();
  }
};

/** What there is to look at when it is not the password. */
const withHint = (error: unknown, { parts, scope }: Work): unknown => {
  const { name } = parts.facts;
  if (!(error instanceof SshMcpError) || error.hint !== null) return error;
  const { code, message, retryable } = error;
  if (code === "NOT_FOUND") {
    const lookup = { target: name, command: "getent passwd" };
    const hint = hintFor(scope.caller, {
      command: `ssh-mcp exec ${name} -- getent passwd`,
      tool: `ssh_exec ${JSON.stringify(lookup)}`,
    });
    return new SshMcpError(code, message, { hint, retryable, cause: error });
  }
  if (code !== "REMOTE_PERMISSION" && code !== "UNSUPPORTED") return error;
  const isTerminal = error instanceof TerminalWanted;
  const command = isTerminal ? `ssh-mcp exec --pty --sudo ${name} -- COMMAND` : `ssh-mcp exec ${name} -- sudo -n -l`;
  const input = isTerminal
    ? { target: name, command: "COMMAND", sudo: true, pty: true }
    : { target: name, command: "sudo -n -l" };
  const hint = hintFor(scope.caller, { command, tool: `ssh_exec ${JSON.stringify(input)}` });
  return new SshMcpError(code, message, { hint, retryable, cause: error });
};

const refused = (
  { of, source, isTyped }: Found,
  { become, parts, scope, isUnlock }: Work,
  cause: PasswordRefused,
): SshMcpError => {
  const from = isTyped ? "" : ` from ${source}`;
  const message = `${become.by} on ${parts.facts.name} did not take the password of ${shownOwner(of)}${from}${isUnlock ? "" : "; the command was not run"}`;
  return new SshMcpError("AUTH_FAILED", message, { hint: commandFor(become, parts, scope.caller), cause });
};
