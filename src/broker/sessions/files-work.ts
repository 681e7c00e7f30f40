import type { CallScope } from "../../core/call-scope.ts";
import type { CommandResult, StopResult } from "../../core/command.ts";
import type { RemoteMachine } from "../../core/files/remote-files.ts";
import type { FilesRequest } from "../../core/session.ts";
import type { Connection } from "../../ssh/connection.ts";
import type { BecomeParts } from "./become-passwords.ts";
import type { BesideConnections } from "./beside-connections.ts";
import { tellBusy } from "./busy-notice.ts";
import { CallEnd } from "./call-end.ts";
import { filesSettings } from "./command-setup.ts";
import { type FilesWays, filesWays } from "./files-ways.ts";
import type { LiveConnection } from "./live-connection.ts";
import type { SessionCommand } from "./session-commands.ts";
import type { SessionFiles } from "./session-files.ts";
import type { SessionShells } from "./session-shells.ts";

/** Work on files, as a command of the session. */
export interface SessionFilesCall extends Omit<SessionCommand, "request"> {
  request: FilesRequest;
  /** Told, once the work has begun, how far its stop would get; again with what a program says that was stopped. */
  onStoppable: (stopped: StopResult) => void;
}

/** What it needs of its session. */
export interface FilesHost {
  /** The session's, for messages. */
  name: string;
  files: SessionFiles;
  shells: SessionShells;
  beside: BesideConnections;
  dialBeside(scope: CallScope): Promise<Connection | null>;
  /** Works on the session's connection, and once on one that is dialled again when it was lost before anything had begun. */
  dialled<T>(scope: CallScope, work: (live: LiveConnection) => Promise<T>, hasBegun: () => boolean): Promise<T>;
  becomeParts(connection: Connection): BecomeParts;
  /** Runs a command on the connection, or beside it where that is full. */
  runIn(live: LiveConnection, command: SessionCommand): Promise<CommandResult>;
  runOn(connection: Connection, command: SessionCommand): Promise<CommandResult>;
}

/**
 * Has work done on the server's files; a connection that died before the work began is dialled again, once.
 * @throws SshMcpError as `Session.files`
 */
export const workOnFiles = async <T>(
  host: FilesHost,
  call: SessionFilesCall,
  use: (machine: RemoteMachine) => Promise<T>,
): Promise<T> => {
  const { request, scope } = call;
  const end = new CallEnd(host.name, scope.signal, request.timeoutMs);
  let hasBegun = false;
  const begin = (machine: RemoteMachine): Promise<T> => {
    hasBegun = true;
    // Nothing of SFTP goes on when nobody asks for more.
    call.onStoppable("confirmed");
    return use(machine);
  };
  const inTime = { ...call, scope: { ...scope, signal: end.signal } };
  const work = async (live: LiveConnection): Promise<T> => {
    const filesCall = { request, caller: scope.caller, end, ways: waysOf(host, live, inTime) };
    // Left at its end, and so is the connection that it holds.
    const on = (connection: Connection): Promise<T> => end.waitForAll(host.files.use(connection, filesCall, begin));
    if (live.connection.isFull && !host.files.has(live.connection, filesCall)) {
      const beside = async (connection: Connection): Promise<[T]> => [await on(connection)];
      const done = await host.beside.run(live, () => host.dialBeside(inTime.scope), beside, end.signal);
      if (done !== null) return done[0];
    }
    return await live.use(on);
  };
  try {
    return await host.dialled(inTime.scope, work, () => hasBegun);
  } finally {
    end.close();
  }
};

const waysOf = (host: FilesHost, live: LiveConnection, call: SessionFilesCall): FilesWays => {
  const { id, scope, commands, become, onStoppable } = call;
  const settings = filesSettings(commands ?? live.connection.login.commands);
  return filesWays({
    ...{ settings, scope, shells: host.shells },
    busy: (connection) => tellBusy(host.name, connection.commands + host.beside.size, scope),
    become: (connection, user, attempt) => become(user, host.becomeParts(connection), scope, attempt),
    run: async (connection, request, signal) => {
      const command = { id, request, scope: { ...scope, signal }, commands: settings, become };
      const result = await (connection === live.connection
        ? host.runIn(live, command)
        : host.runOn(connection, command));
      if (result.stopped !== null || result.outcome === "unknown") onStoppable(result.stopped ?? "unconfirmed");
      return result;
    },
  });
};
