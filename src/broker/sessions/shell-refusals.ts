/** Why a command is not sent to a lasting shell. Shells' names need no quotes, neither for a shell nor in JSON. */
import { type ErrorCode, SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { hintFor } from "../../core/hint.ts";
import type { Caller } from "../../core/operation.ts";

export const badName = (name: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", `${shown(name)} is no shell's name: a-z 0-9 . _ -, at most 64`);

/** @param call that runs in it */
export const busy = (name: string, call: string, caller: Caller): SshMcpError =>
  new SshMcpError("SHELL_BUSY", `the shell ${name} still runs a command (call ${call}); this one was not sent`, {
    hint: running(caller),
  });

/** What it was sent for may need what was set in the shell before: its directory above all. */
export const ended = (name: string, why: string, caller: Caller): SshMcpError =>
  new SshMcpError(
    "SHELL_EXITED",
    `the shell ${name} has ended (${why}): what was set in it is gone, its directory too; this command was not sent, the next one begins in a fresh shell`,
    { hint: inShell(name, "pwd", caller) },
  );

/** @param names of the shells that this caller has open */
export const tooMany = (names: readonly string[], caller: Caller): SshMcpError =>
  new SshMcpError("SESSION_LIMIT", `${names.length} shells are open on this session: ${names.join(", ")}`, {
    hint: inShell(names[0] ?? "", "exit", caller),
  });

/** For a model: what others have set in theirs is not its own to end. */
export const heldByOthers = (caller: Caller): SshMcpError =>
  new SshMcpError("SESSION_LIMIT", "lasting shells of others hold all channels that the server has", {
    hint: running(caller),
  });

/** With a next step in that shell, where it has none: to connect again is none. */
export const withShellHint = (error: unknown, name: string, caller: Caller): unknown => {
  if (!(error instanceof SshMcpError) || error.hint !== null || !hinted.has(error.code)) return error;
  const { code, message, retryable } = error;
  return new SshMcpError(code, message, { hint: inShell(name, "pwd", caller), retryable, cause: error });
};

const hinted: ReadonlySet<ErrorCode> = new Set(["SHELL_EXITED", "TIMEOUT"]);

const running = (caller: Caller): string =>
  hintFor(caller, { command: "ssh-mcp ls --running", tool: "ssh_sessions {}" });

const inShell = (shell: string, command: string, caller: Caller): string =>
  hintFor(caller, {
    command: `ssh-mcp exec --shell ${shell} TARGET -- ${command}`,
    tool: `ssh_exec ${JSON.stringify({ shell, command })}`,
  });
