/** Next steps about sessions. Their names need no quotes, neither for a shell nor in JSON. */
import { SshMcpError } from "../../core/errors.ts";
import { hintFor } from "../../core/hint.ts";
import type { Caller } from "../../core/operation.ts";
import { quoteWord } from "../../core/quote.ts";
import { isOfProcess } from "../../files/process-path.ts";
import type { NotBegun } from "../../ssh/commands/bootstrap-prologue.ts";
import { connectCommandOf } from "../logins/connect-command.ts";
import { namesGivenFiles } from "../logins/given-files.ts";
import type { SessionFacts } from "./session-facts.ts";

export const closing = (name: string, caller: Caller): string =>
  hintFor(caller, { command: `ssh-mcp close ${name}`, tool: `ssh_disconnect {"targets":["${name}"]}` });

export const listing = (caller: Caller): string => hintFor(caller, { command: "ssh-mcp ls", tool: "ssh_sessions {}" });

export const lending = (name: string): string => `ssh-mcp lend ${name}`;

/** For whoever uses a session that leads elsewhere than before. */
export const nowElsewhere = ({ name, resolved }: SessionFacts, before: SessionFacts["resolved"]): string =>
  `${name} now leads to ${placeText(resolved)}; it was ${placeText(before)}`;

const placeText = ({ user, host, port }: SessionFacts["resolved"]): string => `${user}@${host} port ${port}`;

/** For a model that says something of a session that is not its own. */
export const keptAsItWas = ({ name, openedBy }: SessionFacts): string => {
  const whose = openedBy.face === "cli" ? "a person's" : "another agent's";
  return `${name} is ${whose} session: its title and idle time stay as they are`;
};

/** @param destination in canonical form */
export const naming = (destination: string, caller: Caller): string =>
  hintFor(caller, {
    command: `ssh-mcp connect --name NAME ${quoteWord(destination)}`,
    tool: `ssh_connect ${JSON.stringify({ destination, name: "NAME" })}`,
  });

/** For an agent whose session was taken back. */
export const notLent = (name: string, caller: Caller): SshMcpError =>
  new SshMcpError("SESSION_NOT_FOUND", `the session ${name} is not lent any more`, { hint: listing(caller) });

/** For a command that was not begun as it was asked to be. */
export const looking = ({ code, message, look }: NotBegun, name: string, caller: Caller): SshMcpError =>
  new SshMcpError(code, message, {
    hint: hintFor(caller, {
      command: `ssh-mcp exec ${name} -- ${look}`,
      tool: `ssh_exec ${JSON.stringify({ target: name, command: look })}`,
    }),
  });

/** For a call whose connection was lost, when the session would be another one after a new login. */
export const leadsElsewhere = (name: string, caller: Caller): SshMcpError =>
  new SshMcpError(
    "CONNECTION_LOST",
    `the connection of ${name} was lost, and it leads elsewhere by now; no command was sent`,
    {
      hint: hintFor(caller, {
        command: `ssh-mcp exec ${name} COMMAND`,
        tool: `ssh_exec ${JSON.stringify({ target: name, command: "COMMAND" })}`,
      }),
    },
  );

/**
 * For a session that only a person can open again: its configuration or key was read from a pipe, or it had values that no disk keeps.
 * @param prefix see `RegistryOptions`
 */
export const openedOnce = ({ name, request }: SessionFacts, prefix: string): SshMcpError => {
  const what = `the session ${name} cannot be opened again by itself`;
  const hint = `${prefix}${connectCommandOf(request, name)}`;
  if (!namesGivenFiles(request)) {
    const why = "the values of its SetEnv were given on the command line, and are kept on no disk";
    return new SshMcpError("AUTH_REQUIRED", `${what}: ${why}`, { hint });
  }
  const isConfig = request.configFile !== null && isOfProcess(request.configFile);
  const [code, file] = isConfig ? (["CONFIG_INVALID", "configuration"] as const) : (["KEY_INVALID", "key"] as const);
  return new SshMcpError(code, `${what}: its ${file} came from a pipe of the command that opened it`, { hint });
};
