import type { CommandSettings } from "../../config/ssh-config/resolved-host.ts";
import type { CallScope } from "../../core/call-scope.ts";
import type { CommandRequest, CommandResult } from "../../core/command.ts";
import type { Become } from "../../core/command-form.ts";
import type { RemoteMachine } from "../../core/files/remote-files.ts";
import type { FilesRequest, Session, SessionInfo } from "../../core/session.ts";
import type { BrokerSession } from "./broker-session.ts";

/**
 * A session as one call uses it. Several names of ssh_config may lead to the same place: they share the connection, and what is said of commands
 * is said of the name that the call gave, by the files as they are now.
 */
export class UsedSession implements Session {
  readonly #session: BrokerSession;
  readonly #commands: CommandSettings | null;

  /** @param commands null for what was read when it was connected */
  constructor(session: BrokerSession, commands: CommandSettings | null) {
    this.#session = session;
    this.#commands = commands;
  }

  get info(): SessionInfo {
    return this.#session.info;
  }

  exec(request: CommandRequest, scope: CallScope): Promise<CommandResult> {
    return this.#session.exec(request, scope, this.#commands);
  }

  unlock(become: Become, scope: CallScope): Promise<boolean> {
    return this.#session.unlock(become, scope, this.#commands);
  }

  files<T>(request: FilesRequest, scope: CallScope, use: (machine: RemoteMachine) => Promise<T>): Promise<T> {
    return this.#session.files(request, scope, use, this.#commands);
  }

  relock(become: Become): boolean {
    return this.#session.relock(become);
  }
}
