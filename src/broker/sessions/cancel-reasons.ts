/** Why a call ends that its own caller did not cancel: nobody is to look for it in their own Ctrl-C. */
import { SshMcpError } from "../../core/errors.ts";
import type { Caller } from "../../core/operation.ts";

export const closedBy = (session: string, { face, client }: Caller): SshMcpError =>
  canceled(`the session ${session} was closed ${face === "mcp" ? `by an agent (${client})` : "from another terminal"}`);

/** For a call that somebody ended by its id. */
export const killed = (call: string, { face, client }: Caller): SshMcpError =>
  canceled(`the call ${call} was stopped by ${face === "mcp" ? `an agent (${client})` : "ssh-mcp kill"}`);

/** For a session that was not used for so long that it was forgotten, or never opened. */
export const closedAlready = (session: string): SshMcpError => canceled(`the session ${session} was closed`);

/** For an agent whose person took the session back. */
export const takenBack = (session: string): SshMcpError => canceled(`the session ${session} is not lent any more`);

export const brokerEnded = (): SshMcpError => canceled("the broker was stopped");

const canceled = (message: string): SshMcpError => new SshMcpError("CANCELED", message);
