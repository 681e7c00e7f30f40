import type { CommandRequest, CommandResult } from "../../core/command.ts";
import { type Become, plainForm } from "../../core/command-form.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { RemoteMachine, RemoteProgram } from "../../core/files/remote-files.ts";
import { hintFor } from "../../core/hint.ts";
import type { Caller } from "../../core/operation.ts";
import type { FilesRequest } from "../../core/session.ts";
import type { Connection } from "../../ssh/connection.ts";
import { ShFiles } from "../../ssh/sh-files/sh-files.ts";
import type { CallEnd } from "./call-end.ts";
import { CallFiles, type FilesWay } from "./call-files.ts";
import type { FilesWays } from "./files-ways.ts";
import type { FilesOwner, KeptFiles } from "./kept-files.ts";
import { NamedTurns } from "./named-turns.ts";
import { type NoSftp, openSftp, openSftpAs } from "./open-files.ts";
import { isSameCaller } from "./session-facts.ts";

/** A call that works on files. */
export interface FilesCall {
  request: FilesRequest;
  caller: Caller;
  end: CallEnd;
  ways: FilesWays;
}

/** What was found out about a connection, for one user of it; null for what nobody knows yet. */
interface Known {
  hasSftp: boolean | null;
  hasSh: boolean | null;
  /** How often it was not started, and never was. */
  failures: number;
}

/** An SFTP server that never started so often is none. */
const mostFailures = 3;

/** One that is being opened. */
interface Pending {
  owner: FilesOwner;
  isRetired: boolean;
}

/**
 * The files of one session's server: SFTP that is opened when a call needs it and kept for the next one, else POSIX sh. The login user's is shared by
 * all who may use the session; another user's is its caller's alone, and a person's opens nothing for an agent.
 */
export class SessionFiles {
  readonly #name: string;
  readonly #now: () => number;
  readonly #kept = new Set<KeptFiles>();
  readonly #pending = new Set<Pending>();
  readonly #turns = new WeakMap<Connection, NamedTurns>();
  readonly #known = new WeakMap<Connection, Map<string, Known>>();

  /** @param name the session's; @param now see `KeptFilesOptions` */
  constructor(name: string, now: () => number) {
    this.#name = name;
    this.#now = now;
  }

  /**
   * Has work done on the files, over this connection.
   * @throws SshMcpError UNSUPPORTED where the server has neither SFTP nor sh, AUTH_REQUIRED and AUTH_FAILED as `becoming`, CONNECTION_LOST,
   *   CHANNEL_REFUSED, CANCELED, TIMEOUT, and what the work throws
   */
  async use<T>(connection: Connection, call: FilesCall, work: (machine: RemoteMachine) => Promise<T>): Promise<T> {
    const way = await this.#way(connection, call);
    const files = new CallFiles(way, { name: this.#name, ...call }, () => this.#way(connection, call));
    return await work({ name: this.#name, files, run: (program) => this.#run(connection, call, program, false) });
  }

  /** Whether a call finds on this connection what it needs. */
  has(connection: Connection, call: FilesCall): boolean {
    return this.#find(connection, call) !== null;
  }

  /** Lets no later call use what is kept for whom this is said of; it ends when nothing is under way. */
  retire(isMeant: (owner: FilesOwner) => boolean): void {
    for (const kept of [...this.#kept]) if (isMeant(kept.owner)) kept.retire();
    for (const pending of this.#pending) pending.isRetired ||= isMeant(pending.owner);
  }

  async #way(connection: Connection, call: FilesCall): Promise<FilesWay> {
    const found = await this.#awake(connection, call);
    if (found !== null) return found;
    const turns = this.#turns.get(connection) ?? new NamedTurns();
    this.#turns.set(connection, turns);
    const endTurn = await turns.take(keyOf(call), call.end.signal);
    try {
      call.end.check();
      return (await this.#awake(connection, call)) ?? (await this.#opened(connection, call));
    } finally {
      endTurn();
    }
  }

  async #awake(connection: Connection, call: FilesCall): Promise<KeptFiles | null> {
    if (this.#find(connection, call) === null) return null;
    // Others may have ended it while the peer was asked.
    await connection.awake();
    return this.#find(connection, call);
  }

  #find(connection: Connection, { request, caller }: FilesCall): KeptFiles | null {
    const isMeant = (kept: KeptFiles): boolean =>
      kept.connection === connection && kept.isForNew && serves(kept.owner, request.become, caller);
    return [...this.#kept].find(isMeant) ?? null;
  }

  async #opened(connection: Connection, call: FilesCall): Promise<FilesWay> {
    const known = this.#knownOf(connection, call.request.become);
    if (known.hasSftp !== false) {
      const kept = await this.#sftp(connection, call);
      if (typeof kept !== "string") {
        known.hasSftp = true;
        return kept;
      }
      // What was there is there: a server that once spoke it has another reason.
      if (known.hasSftp === true) throw new SshMcpError("REMOTE_IO", `${this.#name} does not start SFTP any more`);
      known.failures += 1;
      if (kept === "none" || known.failures >= mostFailures) known.hasSftp = false;
    }
    await this.#mustHaveSh(connection, call, known, true);
    return new ShFiles({ run: (program) => this.#run(connection, call, program, true), where: this.#name });
  }

  async #sftp(connection: Connection, { request, caller, end, ways }: FilesCall): Promise<KeptFiles | NoSftp> {
    const { become } = request;
    const pending: Pending = { owner: { become, caller }, isRetired: false };
    const onEnd = (kept: KeptFiles): void => void this.#kept.delete(kept);
    const opening = { connection, owner: pending.owner, name: this.#name, end, now: this.#now, onEnd };
    this.#pending.add(pending);
    try {
      const kept = await (become === null
        ? openSftp(opening, () => ways.openSftp(connection))
        : openSftpAs(
            become,
            opening,
            (password, command, signal, onChannel) => ways.exec(connection, command, signal, password, onChannel),
            (attempt) => ways.become(connection, become, attempt),
          ));
      if (typeof kept === "string") return kept;
      if (kept.isOpen) this.#kept.add(kept);
      if (pending.isRetired) kept.retire();
      return kept;
    } finally {
      this.#pending.delete(pending);
    }
  }

  /** @param isTidying whether it may be done for a call that is to end as well */
  async #run(
    connection: Connection,
    call: FilesCall,
    program: RemoteProgram,
    isTidying: boolean,
  ): Promise<CommandResult> {
    const { end, ways, request } = call;
    if (!isTidying || end.over.aborted) end.check();
    const known = this.#knownOf(connection, request.become);
    if (known.hasSh === false) throw this.#noSh(call.caller);
    const signal = end.error === null ? end.signal : end.over;
    const result = await ways.run(connection, commandOf(program, call), signal);
    // Its status came from sh itself: see BootstrapPrologue.
    if (result.outcome === "exited") known.hasSh = true;
    const isOpen = connection.isOpen && !signal.aborted;
    if (result.outcome === "unknown" && known.hasSh === null && isOpen) await this.#mustHaveSh(connection, call, known);
    return result;
  }

  /**
   * @param isAll whether there was no SFTP just now
   * @throws SshMcpError UNSUPPORTED when nothing there reads a program for sh: whatever was to be run was not
   */
  async #mustHaveSh(connection: Connection, call: FilesCall, known: Known, isAll = false): Promise<void> {
    // What the key allows alone would be run in its place.
    const isForced = known.hasSh === null && connection.login.runsForcedCommand;
    if (isForced) known.hasSh = false;
    if (known.hasSh === null) {
      const { signal } = call.end;
      const tried = commandOf({ script: ":", timeoutMs: tryLimitMs }, call);
      const { outcome } = await call.ways.run(connection, tried, signal);
      call.end.check();
      if (!connection.isOpen) throw new SshMcpError("CONNECTION_LOST", `the connection to ${this.#name} was lost`);
      known.hasSh = outcome === "exited";
    }
    if (!known.hasSh) throw this.#noSh(call.caller, isAll || known.hasSftp === false);
  }

  #noSh(caller: Caller, isAll = false): SshMcpError {
    const name = this.#name;
    const message = isAll
      ? `${name} has neither SFTP nor a POSIX shell: its files cannot be reached`
      : `${name} has no POSIX shell that runs a program for us`;
    const tool = `ssh_exec ${JSON.stringify({ target: name, command: "COMMAND", interpreter: "none" })}`;
    return new SshMcpError("UNSUPPORTED", message, {
      hint: hintFor(caller, { command: `ssh-mcp exec --interpreter none ${name} -- COMMAND`, tool }),
    });
  }

  #knownOf(connection: Connection, become: Become | null): Known {
    const users = this.#known.get(connection) ?? new Map<string, Known>();
    this.#known.set(connection, users);
    const user = userOf(become);
    const known = users.get(user) ?? { hasSftp: null, hasSh: null, failures: 0 };
    users.set(user, known);
    return known;
  }
}

/** For a program that does nothing. */
const tryLimitMs = 30_000;

const userOf = (become: Become | null): string => (become === null ? "" : JSON.stringify([become.by, become.user]));

const keyOf = ({ request: { become }, caller: { face, client } }: FilesCall): string =>
  become === null ? "" : JSON.stringify([userOf(become), face, client]);

const serves = (owner: FilesOwner, become: Become | null, caller: Caller): boolean =>
  userOf(owner.become) === userOf(become) && (become === null || isSameCaller(owner.caller, caller));

async function* nothing(): AsyncGenerator<Uint8Array> {}

const dropped = { write: async () => {} };

const commandOf = (program: RemoteProgram, { request }: FilesCall): CommandRequest => ({
  command: program.script,
  label: request.label,
  form: { ...plainForm, interpreter: "sh", become: request.become },
  stdin: program.stdin ?? nothing(),
  stdout: program.stdout ?? dropped,
  stderr: program.stderr ?? dropped,
  timeoutMs: program.timeoutMs,
});
