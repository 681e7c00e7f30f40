import type { CommandSettings } from "../../config/ssh-config/resolved-host.ts";
import type { CallScope } from "../../core/call-scope.ts";
import type { CommandRequest, CommandResult, RunningCall, StopResult } from "../../core/command.ts";
import type { Become } from "../../core/command-form.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { RemoteMachine } from "../../core/files/remote-files.ts";
import type { FilesRequest, OpenedSession, Session, SessionInfo } from "../../core/session.ts";
import type { Login } from "../../ssh/connection.ts";
import { fingerprint } from "../../ssh/public-key.ts";
import type { SessionRecord } from "../../store/session-record.ts";
import { takenBack } from "./cancel-reasons.ts";
import { type CallWork, RunningCalls } from "./running-calls.ts";
import { type Becoming, becoming, becomingAsked, nothingAs } from "./session-become.ts";
import { SessionCommands } from "./session-commands.ts";
import { isFor, recordOf, type SessionFacts } from "./session-facts.ts";
import { notLent } from "./session-hints.ts";
import type { SessionHost } from "./session-host.ts";
import { SessionLink } from "./session-link.ts";

/** The named handle: what is known of it, what runs on it, and its way to the server. */
export class BrokerSession implements Session {
  readonly facts: SessionFacts;
  readonly link: SessionLink;
  readonly #host: SessionHost;
  readonly #calls: RunningCalls;
  readonly #commands: SessionCommands;
  readonly #openedAt: number;
  #usedAt: number;

  /** @param lastUsedAt of a session that an earlier broker had; null for a new one */
  constructor(facts: SessionFacts, host: SessionHost, lastUsedAt: Date | null) {
    this.facts = facts;
    this.link = new SessionLink(facts, host, () => this.idleMs);
    this.#commands = new SessionCommands(facts, this.link, host);
    this.#host = host;
    this.#calls = new RunningCalls(() => host.nextCallId());
    const { clock } = host;
    // Of the time before this process only the wall clock knows, which may have been set back since.
    const momentOf = (at: Date): number => clock.boot() - Math.max(0, clock.wall() - at.getTime());
    this.#openedAt = momentOf(facts.createdAt);
    this.#usedAt = momentOf(lastUsedAt ?? facts.createdAt);
  }

  get info(): SessionInfo {
    const { name, openedBy, lent, title, request, resolved } = this.facts;
    const { state, leftMs } = this.link;
    return {
      name,
      destination: request.destination,
      ...{ host: resolved.host, port: resolved.port, user: resolved.user },
      state,
      running: this.#calls.size,
      ageMs: Math.round(this.#host.clock.boot() - this.#openedAt),
      idleMs: this.idleMs,
      expiresInMs: Number.isFinite(leftMs) ? Math.max(0, Math.round(leftMs)) : null,
      openedBy,
      lent,
      title,
      needsPerson: this.link.needsPerson,
    };
  }

  /** Milliseconds since the last call ended; 0 while one runs. */
  get idleMs(): number {
    return this.#calls.size > 0 ? 0 : Math.round(this.#host.clock.boot() - this.#usedAt);
  }

  /** Whether a login ever went through, in this broker or an earlier one. */
  get wasOpen(): boolean {
    return this.facts.login !== null;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#commands.connections;
  }

  /** Whether somebody's lasting shell is open on it. */
  get holdsShell(): boolean {
    return this.#commands.holdsShell;
  }

  /** Connections that are open or being dialled. */
  get claimed(): number {
    return this.#commands.claimed;
  }

  get calls(): RunningCall[] {
    return this.#calls.list(this.facts.name);
  }

  /** What belongs into its file; null when it has none. */
  get record(): SessionRecord | null {
    return this.link.isClosed ? null : recordOf(this.facts, new Date(this.#host.clock.wall() - this.idleMs));
  }

  /** Takes over what a later `connect` says about it; null leaves it as it is. */
  describe(title: string | null, ttlMs: number | null): void {
    const { facts } = this;
    Object.assign(facts, { title: title ?? facts.title, ttlMs: ttlMs ?? facts.ttlMs });
    this.link.restartClock();
  }

  /** Lends it to agents, or takes it back from all of them, whoever opened it: then what they run is stopped. Known at once; resolves when that has ended. */
  async lend(lent: boolean): Promise<void> {
    const { facts } = this;
    if (!lent && facts.openedBy.face === "mcp") facts.openedBy = { face: "cli", client: "cli" };
    Object.assign(facts, { lent, keptPrivate: !lent });
    await this.#calls.cancel(takenBack(this.facts.name), ({ caller }) => !isFor(this.facts, caller));
    this.#commands.endShells((caller) => !isFor(facts, caller));
  }

  /** What there is to say of it after a login; it was of use just now. */
  opened({ authMethod, hostKey, banner }: Login): Omit<OpenedSession, "reused"> {
    this.#touch();
    const { leftMs } = this.link;
    return {
      info: this.info,
      ...{ authMethod, hostKey: fingerprint(hostKey), banner },
      createdAt: this.facts.createdAt,
      expiresAt: Number.isFinite(leftMs) ? new Date(this.#host.clock.wall() + leftMs) : null,
    };
  }

  /** @param commands what ssh_config says of commands; null for what it said when the connection was made */
  async exec(
    request: CommandRequest,
    scope: CallScope,
    commands: CommandSettings | null = null,
    become: Becoming = becoming,
  ): Promise<CommandResult> {
    return await this.#call(scope, request.label ?? request.command, (signal, id) =>
      this.#commands.run({ id, request, scope: { ...scope, signal }, commands, become }),
    );
  }

  async unlock(user: Become, scope: CallScope, commands: CommandSettings | null = null): Promise<boolean> {
    let wasAsked = false;
    const asking = becomingAsked(() => {
      wasAsked = true;
    });
    const { outcome, reason } = await this.exec(nothingAs(user), scope, commands, asking);
    if (outcome === "exited") return wasAsked;
    throw new SshMcpError(
      "OUTCOME_UNKNOWN",
      `${user.by} on ${this.facts.name} did not end${reason === null ? "" : `: ${reason}`}`,
    );
  }

  /** @param commands as `exec` */
  async files<T>(
    request: FilesRequest,
    scope: CallScope,
    use: (machine: RemoteMachine) => Promise<T>,
    commands: CommandSettings | null = null,
  ): Promise<T> {
    return await this.#call(scope, request.label, (signal, id, onStoppable) =>
      this.#commands.files({ id, request, scope: { ...scope, signal }, commands, become: becoming, onStoppable }, use),
    );
  }

  relock(user: Become): boolean {
    return this.#commands.relock(user);
  }

  /** Stops the call with this id. @returns how far that got; null when there was nothing to stop any more, or not yet */
  kill(id: string, reason: SshMcpError): Promise<StopResult | null> {
    return this.#calls.kill(id, reason);
  }

  /**
   * Stops what runs and ends the connections, with whatever secrets they were opened with.
   * @param reason what those are told whose call it ends
   */
  async close(reason: SshMcpError): Promise<void> {
    const linkEnded = this.link.close(reason);
    await this.#calls.cancel(reason);
    // What a call learned to be right while it ended is held by nobody.
    this.link.secrets.wipe();
    await Promise.all([linkEnded, this.#commands.close()]);
  }

  /** One call of the session, for as long as it takes. @throws SshMcpError SESSION_NOT_FOUND, and what the work throws */
  async #call<T>(scope: CallScope, label: string, work: CallWork<T>): Promise<T> {
    if (!isFor(this.facts, scope.caller)) throw notLent(this.facts.name, scope.caller);
    // Before this call counts as use: the time may have run out while the machine slept.
    this.link.usable();
    const running = this.#calls.run(scope, label, work);
    this.#host.changed();
    try {
      return await running;
    } finally {
      this.#touch();
      this.#host.used(this);
    }
  }

  #touch(): void {
    this.#usedAt = this.#host.clock.boot();
    this.link.restartClock();
  }
}
