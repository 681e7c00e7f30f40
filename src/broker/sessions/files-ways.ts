import type { CommandSettings } from "../../config/ssh-config/resolved-host.ts";
import type { CallScope } from "../../core/call-scope.ts";
import type { CommandRequest, CommandResult } from "../../core/command.ts";
import type { Become } from "../../core/command-form.ts";
import type { BecomePassword } from "../../ssh/commands/become-program.ts";
import type { Connection } from "../../ssh/connection.ts";
import { commandSetup } from "./command-setup.ts";
import type { FilesLink } from "./kept-files.ts";
import type { Attempt } from "./session-become.ts";
import type { SessionShells } from "./session-shells.ts";

/** How a call's files reach the server; all of it throws as `Session.exec` does. */
export interface FilesWays {
  /** Asks for SFTP on a channel of the connection. */
  openSftp(connection: Connection): Promise<FilesLink>;
  /** Runs a command on the connection, with the password that it is given. @param onChannel see `CommandSetup` */
  exec(
    connection: Connection,
    request: CommandRequest,
    signal: AbortSignal,
    password: BecomePassword | null,
    onChannel: () => void,
  ): Promise<CommandResult>;
  /** Finds the password with which the attempt succeeds. */
  become(connection: Connection, user: Become, attempt: Attempt): Promise<CommandResult>;
  /** Runs a command on the connection or, where that is full, beside it; as another user with whatever password that takes. */
  run(connection: Connection, request: CommandRequest, signal: AbortSignal): Promise<CommandResult>;
}

/** What they are made of. */
interface Parts extends Pick<FilesWays, "become" | "run"> {
  /** See `filesSettings`. */
  settings: CommandSettings;
  scope: CallScope;
  shells: SessionShells;
  /** Called when commands on the connection keep the call waiting. */
  busy(connection: Connection): void;
}

export const filesWays = ({ settings, scope, shells, busy, become, run }: Parts): FilesWays => ({
  openSftp: (connection) => {
    const open = () => connection.openSftp(null, scope.signal, () => busy(connection));
    return connection.isFull ? shells.givingWay(connection, scope.caller, open) : open();
  },
  exec: async (connection, request, signal, password, onChannel) => {
    const setup = { ...(await commandSetup(settings, scope)), password, onChannel };
    return await connection.exec(request, signal, () => busy(connection), setup);
  },
  become,
  run,
});
