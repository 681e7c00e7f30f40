/** How a session's commands and files reach the server: on its own connection, on one beside it, in a lasting shell, or on one that is dialled again. */
import type { CommandSettings } from "../../config/ssh-config/resolved-host.ts";
import type { CallScope } from "../../core/call-scope.ts";
import type { CommandRequest, CommandResult } from "../../core/command.ts";
import { type Become, plainForm } from "../../core/command-form.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { RemoteMachine } from "../../core/files/remote-files.ts";
import type { Caller } from "../../core/operation.ts";
import { NotBegun } from "../../ssh/commands/bootstrap-prologue.ts";
import { plainSetup } from "../../ssh/commands/command-setup.ts";
import type { Elsewhere } from "../../ssh/commands/first-channel.ts";
import type { Connection } from "../../ssh/connection.ts";
import { fingerprint } from "../../ssh/public-key.ts";
import { planAgain } from "../logins/dial-plan.ts";
import { isMadeOnce } from "../logins/session-identity.ts";
import { type BecomeParts, placeOf, relocked } from "./become-passwords.ts";
import { BesideConnections } from "./beside-connections.ts";
import { tellBusy } from "./busy-notice.ts";
import { commandSetup } from "./command-setup.ts";
import { dialBeside } from "./dial-beside.ts";
import { type SessionFilesCall, workOnFiles } from "./files-work.ts";
import type { LiveConnection } from "./live-connection.ts";
import { NamedTurns } from "./named-turns.ts";
import { type Attempt, type Becoming, nothingAs } from "./session-become.ts";
import type { SessionFacts } from "./session-facts.ts";
import { SessionFiles } from "./session-files.ts";
import { leadsElsewhere, looking } from "./session-hints.ts";
import type { SessionHost } from "./session-host.ts";
import type { SessionLink } from "./session-link.ts";
import { SessionShells } from "./session-shells.ts";
import { SharedInput } from "./shared-input.ts";

/** A command with what is to be known of it beside its request. */
export interface SessionCommand {
  /** Of its call, as `ls --running` says it. */
  id: string;
  request: CommandRequest;
  scope: CallScope;
  /** What ssh_config says of commands; null for what it said when the connection was made. */
  commands: CommandSettings | null;
  become: Becoming;
}

export class SessionCommands {
  readonly #facts: SessionFacts;
  readonly #link: SessionLink;
  readonly #host: SessionHost;
  readonly #beside = new BesideConnections();
  readonly #shells: SessionShells;
  readonly #files: SessionFiles;
  readonly #turns = new NamedTurns();

  constructor(facts: SessionFacts, link: SessionLink, host: SessionHost) {
    this.#facts = facts;
    this.#link = link;
    this.#host = host;
    this.#shells = new SessionShells(() => host.changed());
    this.#files = new SessionFiles(facts.name, () => host.clock.boot());
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#link.connections + this.#beside.size;
  }

  /** Connections that are open or being dialled. */
  get claimed(): number {
    return this.#link.connections + (this.#link.isDialing ? 1 : 0) + this.#beside.claimed;
  }

  /** Whether somebody's lasting shell is open. */
  get holdsShell(): boolean {
    return this.#shells.isAnyOpen;
  }

  /** Ends the lasting shells of these callers, and what they opened as other users. */
  endShells(whose: (caller: Caller) => boolean): void {
    this.#shells.end(whose);
    this.#files.retire(({ become, caller }) => become !== null && whose(caller));
  }

  /** Forgets the passwords by which commands became this user. @returns whether there was one */
  relock(user: Become): boolean {
    const { key, login } = this.#facts;
    this.#files.retire(({ become }) => become?.by === user.by && become.user === user.user);
    return login !== null && relocked(user, this.#becomeParts(placeOf(key, login.hostKey)));
  }

  /** Ends the connections beside the session's own. */
  async close(): Promise<void> {
    await this.#beside.close();
  }

  /**
   * Runs it; a connection that died before anything was handed over is dialled again, once.
   * @throws SshMcpError as `Session.exec`
   */
  async run(command: SessionCommand): Promise<CommandResult> {
    const stdin = new SharedInput(command.request.stdin);
    try {
      return await this.#run({ ...command, request: { ...command.request, stdin } });
    } finally {
      stdin.end();
    }
  }

  /** Has work done on the server's files. @throws SshMcpError as `Session.files` */
  async files<T>(call: SessionFilesCall, use: (machine: RemoteMachine) => Promise<T>): Promise<T> {
    return await workOnFiles(
      {
        ...{ name: this.#facts.name, files: this.#files, shells: this.#shells, beside: this.#beside },
        dialBeside: (scope) => dialBeside(this.#facts, this.#host, scope),
        dialled: (scope, work, hasBegun) => this.#dialled(scope, work, hasBegun),
        becomeParts: (connection) => this.#becomeParts(placeOf(this.#facts.key, fingerprint(connection.login.hostKey))),
        runIn: (live, command) => this.#runIn(live, command),
        runOn: (connection, command) => this.#runOn(connection, command, null, this.#facts.key),
      },
      call,
      use,
    );
  }

  async #run(command: SessionCommand): Promise<CommandResult> {
    // What is thrown was not handed over.
    return await this.#dialled(
      command.scope,
      (live) => this.#runIn(live, command),
      () => false,
    );
  }

  async #runIn(live: LiveConnection, command: SessionCommand): Promise<CommandResult> {
    const { request, scope } = command;
    const { key } = this.#facts;
    const exec = (connection: Connection, elsewhere: Elsewhere<Connection> | null = null): Promise<CommandResult> =>
      this.#runOn(connection, command, elsewhere, key);
    if (!live.connection.isFull || (request.shell ?? null) !== null) return await live.use(exec);
    const result = await this.#beside.run(live, () => dialBeside(this.#facts, this.#host, scope), exec, scope.signal);
    if (result !== null) return result;
    return await this.#beside.waiting((free) => live.use((connection) => exec(connection, free)));
  }

  /**
   * Works on the session's connection, and once on one that is dialled again when it was lost.
   * @param hasBegun whether something was handed over, which is done once
   */
  async #dialled<T>(scope: CallScope, work: (live: LiveConnection) => Promise<T>, hasBegun: () => boolean): Promise<T> {
    const { key } = this.#facts;
    const live = this.#link.usable() ?? (await this.#dialAgain(key, scope));
    try {
      return await work(live);
    } catch (error) {
      const isLost = error instanceof SshMcpError && error.code === "CONNECTION_LOST";
      // What the work itself says is not about the session.
      if (hasBegun() && !isLost) throw error;
      if (!isLost || scope.signal.aborted || hasBegun()) throw this.#explained(error, scope.caller);
    }
    const again = await this.#dialAgain(key, scope);
    try {
      return await work(again);
    } catch (error) {
      throw hasBegun() ? error : this.#explained(error, scope.caller);
    }
  }

  #explained(error: unknown, caller: Caller): unknown {
    return this.#link.explained(error instanceof NotBegun ? looking(error, this.#facts.name, caller) : error, caller);
  }

  async #runOn(
    connection: Connection,
    { id, request, scope, commands, become }: SessionCommand,
    elsewhere: Elsewhere<Connection> | null,
    key: string,
  ): Promise<CommandResult> {
    const { shell = null, form = plainForm } = request;
    const onBusy = (): void => tellBusy(this.#facts.name, connection.commands + this.#beside.size, scope);
    const settings = commands ?? connection.login.commands;
    // A lasting shell has no terminal, whatever ssh_config asks for: nothing would restore the caller's between two commands.
    const asked = shell === null ? settings : { ...settings, requestTty: "auto" as const };
    // Once the terminal is the command's, nobody can be asked.
    const place = form.become === null ? "" : placeOf(key, fingerprint(connection.login.hostKey));
    if (form.become !== null && form.pty && scope.asks) {
      await this.#askAhead(form.become, connection, scope, become, place);
    }
    const setup = commandSetup(asked, scope, form.pty);
    const ready = setup instanceof Promise ? await setup : setup;
    if (shell !== null) return await this.#shells.exec(connection, shell, { id, request, scope, setup: ready, onBusy });
    const other = connection.isFull ? this.#orFromShells(connection, scope.caller, elsewhere) : elsewhere;
    if (form.become === null) return await connection.exec(request, scope.signal, onBusy, ready, other);
    const attempt: Attempt = (password) =>
      connection.exec(request, scope.signal, onBusy, { ...ready, password }, other);
    return await become(form.become, this.#becomeParts(place), scope, attempt);
  }

  /** While it waits, idle lasting shells give way. */
  #orFromShells(
    connection: Connection,
    caller: Caller,
    elsewhere: Elsewhere<Connection> | null,
  ): Elsewhere<Connection> {
    return (signal) => this.#shells.givingWay(connection, caller, () => elsewhere?.(signal) ?? nowhere(signal));
  }

  async #askAhead(
    user: Become,
    connection: Connection,
    scope: CallScope,
    become: Becoming,
    place: string,
  ): Promise<void> {
    const attempt: Attempt = (password) =>
      connection.exec(nothingAs(user), scope.signal, undefined, { ...plainSetup, password });
    await become(user, this.#becomeParts(place), scope, attempt).catch((error: unknown) => {
      // Sudo may want the very terminal that this goes without.
      if (!(error instanceof SshMcpError) || error.code !== "UNSUPPORTED") throw error;
    });
  }

  #becomeParts(place: string): BecomeParts {
    const facts = this.#facts;
    const typedHost = this.#link.typedHost ?? facts.request.destination;
    const { secrets } = this.#link;
    return { facts, secrets, place, typedHost, turns: this.#turns, hintPrefix: this.#host.hintPrefix };
  }

  /**
   * For a call that found the session connected: what its name stands for was looked at then, and nobody would hear that it leads elsewhere.
   * @param key where to
   * @throws SshMcpError CONNECTION_LOST when ssh_config leads elsewhere by now; as `SessionLink.connect`
   */
  async #dialAgain(key: string, scope: CallScope): Promise<LiveConnection> {
    const facts = this.#facts;
    const link = this.#link;
    const planned = isMadeOnce(facts.request) ? Promise.resolve(null) : planAgain(facts, scope);
    const plan = await planned.catch((error: unknown) => {
      throw link.explained(error, scope.caller);
    });
    if (plan !== null && plan.key !== key) throw leadsElsewhere(facts.name, scope.caller);
    const live = await link.connect(scope, plan, null);
    // It may have joined the login of another call.
    if (facts.key === key) return live;
    throw leadsElsewhere(facts.name, scope.caller);
  }
}

/** Rejects when the signal aborts, and no sooner. */
const nowhere = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
  });
