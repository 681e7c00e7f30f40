/** What ssh_config says of commands (SetEnv, SendEnv, ForwardAgent, RequestTTY, RemoteCommand), for whoever runs one. */
import type { CommandSettings } from "../../config/ssh-config/resolved-host.ts";
import type { CallerTerminal, CallScope, TerminalSize } from "../../core/call-scope.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { matchGlob } from "../../core/glob.ts";
import { hintFor } from "../../core/hint.ts";
import type { Caller } from "../../core/operation.ts";
import { isLocale } from "../../core/place.ts";
import { type CommandSetup, plainSetup } from "../../ssh/commands/command-setup.ts";

/**
 * What a command gets on the server, from the environment, the agent and the terminal of the one who runs it: a connection may serve several.
 * @param needsTerminal whether the command is to have a terminal, though ssh_config does not ask for one
 * @returns at once where nobody has to be asked: this is on the way of every command, and most callers' SendEnv asks for the locale alone, which
 *   came with the call
 * @throws SshMcpError UNSUPPORTED where RemoteCommand takes the command's place, as ssh(1) refuses it
 */
export const commandSetup = (
  settings: CommandSettings,
  scope: CallScope,
  needsTerminal = false,
): CommandSetup | Promise<CommandSetup> => {
  const { setEnv, sendEnv, remoteCommand, requestTty } = settings;
  if (remoteCommand !== null) throw takesItsPlace(remoteCommand, scope.caller);
  if (settings.sessionType !== "default") throw runsNone(settings.sessionType);
  const agentSocket = agentFor(settings, scope);
  const others = sendEnv.filter((pattern) => !isLocale(pattern));
  const wantsTerminal = needsTerminal || requestTty === "force" || requestTty === "yes";
  const withValues = (values: Readonly<Record<string, string>>): CommandSetup => ({
    ...plainSetup,
    environment: [...sent(sendEnv, values), ...setEnv],
    agentSocket,
  });
  if (others.length === 0 && !wantsTerminal) return withValues(scope.caller.locale ?? {});
  return (async () => {
    const names = others.some((pattern) => /[*?]/.test(pattern)) ? "all" : others;
    const values = others.length === 0 ? {} : await scope.variables(names);
    const terminal = wantsTerminal ? await terminalOf(scope, needsTerminal || requestTty === "force") : null;
    return { ...withValues({ ...scope.caller.locale, ...values }), terminal };
  })();
};

/** What stands for the host's commands is not meant for its files, as sftp(1) has it: none of them reaches an agent, has a terminal, or is replaced. */
export const filesSettings = (settings: CommandSettings): CommandSettings => ({
  ...settings,
  ...{ forwardAgent: { kind: "no" }, remoteCommand: null, requestTty: "no", sessionType: "default" },
});

const runsNone = (sessionType: string): SshMcpError =>
  new SshMcpError("UNSUPPORTED", `SessionType ${sessionType} is set for this host: ssh runs no command there`, {
    hint: "ssh-mcp exec -o SessionType=default TARGET -- COMMAND",
  });

const sent = (patterns: readonly string[], values: Readonly<Record<string, string>>): CommandSetup["environment"] =>
  Object.entries(values)
    .filter(([name]) => patterns.some((pattern) => matchGlob(name, pattern)))
    .map(([name, value]) => ({ name, value }));

/** A model's command never reaches a person's keys. */
const agentFor = ({ forwardAgent }: CommandSettings, { caller }: CallScope): string | null => {
  if (caller.face !== "cli" || forwardAgent.kind === "no") return null;
  return forwardAgent.kind === "socket" ? forwardAgent.path : caller.agentSocket;
};

/** For a command that must have a terminal, from a caller that has none. */
const madeUp = async ({ caller, variables }: CallScope): Promise<CallerTerminal> => {
  const { TERM: type = "" } = caller.face === "cli" ? await variables(["TERM"]) : {};
  return { type: type || "dumb", columns: 80, rows: 24 };
};

const terminalOf = async (scope: CallScope, isForced: boolean): Promise<CommandSetup["terminal"]> => {
  let resized: (size: TerminalSize) => void = () => undefined;
  const own = await scope.terminal((size) => resized(size));
  if (own === null && !isForced) return null;
  return {
    ...(own ?? (await madeUp(scope))),
    isLive: own !== null,
    onResize: (listen) => {
      resized = listen;
    },
  };
};

/** A model has no options, and does not read what a person's hold. */
const takesItsPlace = (command: string, caller: Caller): SshMcpError => {
  const isModel = caller.face === "mcp";
  const what = `RemoteCommand is set for this host${isModel ? "" : ` (${shown(command)})`}`;
  const then = isModel ? "; a person can open a session without it (RemoteCommand=none)" : "";
  return new SshMcpError("UNSUPPORTED", `${what}: no other command runs there${then}`, {
    hint: hintFor(caller, { command: "ssh-mcp exec -o RemoteCommand=none TARGET -- COMMAND", tool: "ssh_hosts {}" }),
  });
};
