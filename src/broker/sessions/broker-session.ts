import type { CommandSettings } from "../../config/ssh-config/resolved-host.ts";
import type { CallScope } from "../../core/call-scope.ts";
import type { CommandRequest, CommandResult, RunningCall } from "../../core/command.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { OpenedSession, Session, SessionInfo } from "../../core/session.ts";
import type { Connection, Login } from "../../ssh/connection.ts";
import { fingerprint } from "../../ssh/public-key.ts";
import type { SessionRecord } from "../../store/session-record.ts";
import { scopeOf } from "../logins/dial.ts";
import { planAgain } from "../logins/dial-plan.ts";
import { isMadeOnce } from "../logins/session-identity.ts";
import { BesideConnections } from "./beside-connections.ts";
import { tellBusy } from "./busy-notice.ts";
import { takenBack } from "./cancel-reasons.ts";
import { commandSetup } from "./command-setup.ts";
import type { LiveConnection } from "./live-connection.ts";
import { RunningCalls } from "./running-calls.ts";
import { isFor, recordOf, type SessionFacts } from "./session-facts.ts";
import { leadsElsewhere, notLent } from "./session-hints.ts";
import type { SessionHost } from "./session-host.ts";
import { SessionLink } from "./session-link.ts";

/** The named handle: what is known of it, what runs on it, and its way to the server. */
export class BrokerSession implements Session {
  readonly facts: SessionFacts;
  readonly link: SessionLink;
  readonly #host: SessionHost;
  readonly #calls: RunningCalls;
  readonly #beside = new BesideConnections();
  readonly #openedAt: number;
  #usedAt: number;

  /** @param lastUsedAt of a session that an earlier broker had; null for a new one */
  constructor(facts: SessionFacts, host: SessionHost, lastUsedAt: Date | null) {
    this.facts = facts;
    this.link = new SessionLink(facts, host, () => this.idleMs);
    this.#host = host;
    this.#calls = new RunningCalls(() => host.nextCallId());
    const { clock } = host;
    // Of the time before this process only the wall clock knows, which may have been set back since.
    const momentOf = (at: Date): number => clock.boot() - Math.max(0, clock.wall() - at.getTime());
    this.#openedAt = momentOf(facts.createdAt);
    this.#usedAt = momentOf(lastUsedAt ?? facts.createdAt);
  }

  get info(): SessionInfo {
    const { name, openedBy, lent, title, request, resolved, login } = this.facts;
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
      needsPerson: login?.needsPerson ?? false,
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
    return this.link.connections + this.#beside.size;
  }

  /** Connections that are open or being dialled. */
  get claimed(): number {
    return this.link.connections + (this.link.isDialing ? 1 : 0) + this.#beside.claimed;
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
    await this.#calls.cancel(takenBack(this.facts.name), (caller) => !isFor(this.facts, caller));
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
  ): Promise<CommandResult> {
    if (!isFor(this.facts, scope.caller)) throw notLent(this.facts.name, scope.caller);
    // Before this call counts as use: the time may have run out while the machine slept.
    this.link.usable();
    const running = this.#calls.run(scope, request.command, (signal) =>
      this.#run(request, { ...scope, signal }, commands),
    );
    this.#host.changed();
    try {
      return await running;
    } finally {
      this.#touch();
      this.#host.used(this);
    }
  }

  /**
   * Stops what runs and ends the connections, with whatever secrets they were opened with.
   * @param reason what those are told whose call it ends
   */
  async close(reason: SshMcpError): Promise<void> {
    const linkEnded = this.link.close(reason);
    await this.#calls.cancel(reason);
    await Promise.all([linkEnded, this.#beside.close()]);
  }

  #touch(): void {
    this.#usedAt = this.#host.clock.boot();
    this.link.restartClock();
  }

  async #run(request: CommandRequest, scope: CallScope, commands: CommandSettings | null): Promise<CommandResult> {
    const exec = async (connection: Connection): Promise<CommandResult> => {
      const onBusy = (): void => tellBusy(this.facts.name, connection.commands + this.#beside.size, scope);
      const setup = commandSetup(commands ?? connection.login.commands, scope);
      return await connection.exec(request, scope.signal, onBusy, setup instanceof Promise ? await setup : setup);
    };
    const { key } = this.facts;
    const live = this.link.usable() ?? (await this.#dialAgain(key, scope));
    try {
      if (live.connection.isFull) {
        const result = await this.#beside.run(live, () => this.#dialBeside(scope), exec, scope.signal);
        if (result !== null) return result;
      }
      return await live.use(exec);
    } catch (error) {
      // What is thrown was not handed over: a connection that died while it was idle is dialled again, once.
      const lost = error instanceof SshMcpError && error.code === "CONNECTION_LOST";
      if (!lost || scope.signal.aborted) throw this.link.explained(error, scope.caller);
    }
    const again = await this.#dialAgain(key, scope);
    try {
      return await again.use(exec);
    } catch (error) {
      throw this.link.explained(error, scope.caller);
    }
  }

  /**
   * For a call that found the session connected: what its name stands for was looked at then, and nobody would hear that it leads elsewhere.
   * @param key where to
   * @throws SshMcpError CONNECTION_LOST when ssh_config leads elsewhere by now; as `SessionLink.connect`
   */
  async #dialAgain(key: string, scope: CallScope): Promise<LiveConnection> {
    const { facts, link } = this;
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

  /** Another connection to the same server; null when that would take a person, or ssh_config leads elsewhere by now. */
  async #dialBeside(scope: CallScope): Promise<Connection | null> {
    const { login, key } = this.facts;
    if (login?.needsPerson !== false || !this.#host.mayDialBeside()) return null;
    const plan = await planAgain(this.facts, scope);
    if (plan.key !== key) return null;
    const ask = (): never => {
      throw new SshMcpError("AUTH_REQUIRED", "a second connection would take a person");
    };
    return await this.#host.dialer.dialBeside(plan, { ...scopeOf(scope), ask: async () => ask() });
  }
}
