import type { CallScope } from "../../core/call-scope.ts";
import type { CommandRequest, CommandResult } from "../../core/command.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { Caller } from "../../core/operation.ts";
import { isSessionName } from "../../core/target.ts";
import type { CommandSetup } from "../../ssh/commands/command-setup.ts";
import type { OnBusy } from "../../ssh/commands/exec.ts";
import type { LastingShell } from "../../ssh/commands/shell/lasting-shell.ts";
import type { Connection } from "../../ssh/connection.ts";
import { isSameCaller } from "./session-facts.ts";
import { badName, busy, ended, heldByOthers, tooMany, withShellHint } from "./shell-refusals.ts";

/** Of one caller on one session at once: each holds a channel, of which a connection has few. */
const shellLimit = 4;
/** A shell that nobody has used for so long ends, though its session is in use. */
const idleLimitMs = 3_600_000;
/** Names whose former shell is remembered, to say that the next one is another. */
const rememberedLimit = 64;

interface Entry {
  key: string;
  name: string;
  caller: Caller;
  connection: Connection;
  /** Null while it is being opened. */
  shell: LastingShell | null;
  /** The id of the call that it serves now, or is opened for. */
  call: string | null;
  usedAt: number;
  idle: ReturnType<typeof setTimeout> | undefined;
}

/** A shell that has ended. */
interface Former {
  why: string;
  /** Whether its caller heard of it. */
  isTold: boolean;
}

/** What a call brings along for its shell. */
export interface ShellCall {
  /** Its id, as `ls --running` shows it. */
  id: string;
  request: CommandRequest;
  scope: CallScope;
  setup: CommandSetup;
  /** Called when other commands keep it waiting for a channel. */
  onBusy: OnBusy;
}

/**
 * The lasting shells of one session, by who opened them and their name: what one caller has set, run and cannot see again is no other's. An
 * agent's shell is never a person's, or that of another MCP client; one client in two windows is one caller.
 */
export class SessionShells {
  readonly #entries = new Map<string, Entry>();
  readonly #former = new Map<string, Former>();
  /** Who waits for a channel, in order. */
  readonly #waiting = new Set<{ connection: Connection; caller: Caller }>();
  readonly #onChange: () => void;

  /** @param onChange told when a shell has ended, also while nobody used it */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /**
   * Runs a command in the caller's shell of that name, which is opened first when there is none. Where it has ended and the caller was not told,
   * this command is the one that is: it is not run in a fresh shell, where `cd` was never said.
   * @throws SshMcpError INVALID_INPUT, SHELL_BUSY, SHELL_EXITED, SESSION_LIMIT, and as `LastingShell.open` and `LastingShell.run`: nothing was
   *   run then
   */
  async exec(connection: Connection, name: string, call: ShellCall): Promise<CommandResult> {
    const { caller } = call.scope;
    if (!isSessionName(name)) throw badName(name);
    const key = keyOf(caller, name);
    const entry = this.#usable(key, name, connection, caller) ?? this.#added(key, name, connection, caller);
    entry.call = call.id;
    clearTimeout(entry.idle);
    let isTold = false;
    try {
      return await this.#run(entry, call);
    } catch (error) {
      isTold = error instanceof SshMcpError && error.code === "SHELL_EXITED";
      throw withShellHint(error, name, caller);
    } finally {
      entry.call = null;
      entry.usedAt = performance.now();
      if (entry.shell?.isOpen !== true) this.#forget(entry, endOf(entry), isTold);
      else this.#waitIdle(entry);
      this.#serveWaiting(connection);
    }
  }

  /** Whether any is open, or being opened. */
  get isAnyOpen(): boolean {
    return this.#entries.size > 0;
  }

  /** Waits for a channel on this connection, for which an idle shell gives way, now or as soon as there is one. */
  async givingWay<T>(connection: Connection, caller: Caller, wait: () => Promise<T>): Promise<T> {
    const waiter = { connection, caller };
    this.#waiting.add(waiter);
    try {
      if (connection.isFull) this.#giveWay(connection, caller);
      return await wait();
    } finally {
      this.#waiting.delete(waiter);
    }
  }

  /** Ends the shells of these callers, with what may still run in them. */
  end(isMeant: (caller: Caller) => boolean): void {
    for (const entry of this.#entries.values()) {
      if (isMeant(entry.caller)) this.#forget(entry, "the session was taken back from its owner");
    }
  }

  /** Ends one idle shell on this connection, for a command of this caller. False when there is none that may be ended for it. */
  #giveWay(connection: Connection, caller: Caller): boolean {
    const idle = this.#on(connection).filter((entry) => entry.call === null && mayEnd(caller, entry));
    const rank = (entry: Entry): number => (isSameCaller(entry.caller, caller) ? 0 : 1);
    const [first] = idle.sort((a, b) => rank(a) - rank(b) || a.usedAt - b.usedAt);
    if (first !== undefined) this.#forget(first, "the server has few channels, and another command needed its own");
    return first !== undefined;
  }

  /** One has become idle, or has ended. */
  #serveWaiting(connection: Connection): void {
    if (!connection.isWaitedFor) return;
    for (const waiter of this.#waiting) {
      if (waiter.connection === connection && this.#giveWay(connection, waiter.caller)) return;
    }
  }

  #on(connection: Connection): Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.connection === connection);
  }

  async #run(entry: Entry, call: ShellCall): Promise<CommandResult> {
    const { request, scope, setup } = call;
    const { name } = entry;
    const startedAt = performance.now();
    const shell = entry.shell ?? (await this.#opened(entry, call));
    const result = await shell.run(withTimeLeft(request, startedAt), setup.agentSocket, scope.signal);
    if (shell.isOpen) return result;
    this.#forget(entry, shell.isCut ? connectionEnded : reasons[result.outcome], true);
    const next = "the next command with that name begins in a fresh one";
    if (shell.isCut || (result.outcome !== "exited" && result.outcome !== "signaled")) {
      scope.notice(`the shell ${name} ended with the command; ${next}`);
      return result;
    }
    const more = result.reason === null ? "" : `; ${result.reason}`;
    const reason = `SHELL_EXITED: the command ended the shell ${name}; ${next}${more}`;
    if (scope.caller.face === "cli") scope.notice(reason);
    return { ...result, reason };
  }

  async #opened(entry: Entry, { request, scope, setup, onBusy }: ShellCall): Promise<LastingShell> {
    const { name, key, connection, caller } = entry;
    const open = (): Promise<LastingShell> => connection.openShell(setup, request.timeoutMs, scope.signal, onBusy);
    const shell = await this.givingWay(connection, caller, open);
    if (this.#entries.get(key) !== entry) {
      shell.end();
      throw new SshMcpError("SHELL_EXITED", `the shell ${name} was ended before the command was sent`);
    }
    entry.shell = shell;
    void shell.ended.then(() => entry.call === null && this.#forget(entry, endOf(entry)));
    const former = this.#former.get(key);
    this.#former.delete(key);
    const { path, isLogin } = shell.facts;
    if (former !== undefined)
      scope.notice(`the shell ${name} is a fresh one (${former.why}): what was set in it is gone`);
    else if (!isLogin) scope.notice(`the login shell is no POSIX shell: the shell ${name} is ${path}`);
    return shell;
  }

  /** Null when there is none of that name. @throws SshMcpError SHELL_BUSY; SHELL_EXITED, once, when there was one */
  #usable(key: string, name: string, connection: Connection, caller: Caller): Entry | null {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      if (known.call !== null) throw busy(name, known.call, caller);
      if (known.shell?.isOpen === true && known.connection === connection) return known;
      // Its session goes on over another connection, which the shell is not on.
      this.#forget(known, known.connection === connection ? endOf(known) : connectionEnded);
    }
    const former = this.#former.get(key);
    if (former === undefined || former.isTold) return null;
    former.isTold = true;
    throw ended(name, former.why, caller);
  }

  #added(key: string, name: string, connection: Connection, caller: Caller): Entry {
    const own = [...this.#entries.values()].filter((entry) => isSameCaller(entry.caller, caller));
    if (own.length >= shellLimit) {
      throw tooMany(
        own.map((entry) => entry.name),
        caller,
      );
    }
    const here = this.#on(connection);
    const isFullOfShells = connection.isFull && here.length > 0 && here.length >= connection.commands;
    if (isFullOfShells && !here.some((entry) => mayEnd(caller, entry))) throw heldByOthers(caller);
    const usedAt = performance.now();
    const entry: Entry = { key, name, caller, connection, shell: null, call: null, usedAt, idle: undefined };
    this.#entries.set(key, entry);
    return entry;
  }

  #waitIdle(entry: Entry): void {
    entry.idle = setTimeout(() => this.#forget(entry, "nobody had used it for an hour"), idleLimitMs);
    entry.idle.unref();
  }

  /** The first reason stays. */
  #forget(entry: Entry, why: string, isTold = false): void {
    const { key, shell } = entry;
    if (this.#entries.get(key) !== entry) return;
    this.#entries.delete(key);
    clearTimeout(entry.idle);
    if (shell !== null) {
      shell.end();
      this.#former.delete(key);
      this.#former.set(key, { why, isTold });
      const [oldest] = this.#former.keys();
      if (this.#former.size > rememberedLimit && oldest !== undefined) this.#former.delete(oldest);
    }
    this.#onChange();
  }
}

const connectionEnded = "its connection has ended";

/** A person's command goes before an agent's shell; no agent ends what another has set. */
const mayEnd = (caller: Caller, entry: Entry): boolean => caller.face === "cli" || isSameCaller(entry.caller, caller);

const keyOf = ({ face, client }: Caller, name: string): string => JSON.stringify([face, client, name]);

const endOf = ({ shell }: Entry): string => (shell?.isCut === true ? connectionEnded : "it ended by itself");

const reasons: Record<CommandResult["outcome"], string> = {
  exited: "a command ended it",
  signaled: "a command ended it",
  timedOut: "it ended with a command that ran out of time",
  canceled: "it ended with a command that was canceled",
  unknown: "nothing is known of its end",
};

/** Opening a shell takes from the time that its first command has: a caller waits for both. */
const withTimeLeft = (request: CommandRequest, startedAt: number): CommandRequest => {
  const { timeoutMs } = request;
  if (timeoutMs === null) return request;
  return { ...request, timeoutMs: Math.max(1, timeoutMs - (performance.now() - startedAt)) };
};
