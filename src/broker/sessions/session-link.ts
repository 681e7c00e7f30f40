import type { CallScope } from "../../core/call-scope.ts";
import { type ErrorCode, SshMcpError } from "../../core/errors.ts";
import type { Caller } from "../../core/operation.ts";
import type { SessionState } from "../../core/session.ts";
import type { Connection } from "../../ssh/connection.ts";
import { fingerprint } from "../../ssh/public-key.ts";
import type { DialScope } from "../logins/dial.ts";
import { type DialPlan, planAgain } from "../logins/dial-plan.ts";
import type { LoginSecrets } from "../logins/held-secrets.ts";
import { holdValues } from "../logins/option-secrets.ts";
import { isMadeOnce } from "../logins/session-identity.ts";
import { SharedDial } from "../logins/shared-dial.ts";
import { closedAlready } from "./cancel-reasons.ts";
import { holdTyped } from "./held-logins.ts";
import { LiveConnection } from "./live-connection.ts";
import { ExpiryTimer, millisecondsLeft } from "./session-expiry.ts";
import { isFor, type SessionFacts } from "./session-facts.ts";
import { notLent, openedOnce } from "./session-hints.ts";
import type { SessionHost } from "./session-host.ts";
import { SessionRoute } from "./session-route.ts";
import { SessionSecrets } from "./session-secrets.ts";

/** After these nothing is known to be wrong with the server: the next use may well succeed. */
const harmless: ReadonlySet<ErrorCode> = new Set(["CANCELED", "AUTH_REQUIRED", "HOST_KEY_UNKNOWN", "SESSION_LIMIT"]);

/** A session's way to its server: dialled when it is needed, shared by all who need it, ended by time. */
export class SessionLink {
  readonly #facts: SessionFacts;
  readonly #host: SessionHost;
  readonly #idleMs: () => number;
  readonly #expiry: ExpiryTimer;
  #live: LiveConnection | null = null;
  /** What people typed for it: ends with the session's time, not with a link that was lost. */
  readonly secrets: SessionSecrets;
  /** Those that serve no new call, until the calls on them have ended. */
  readonly #retired = new Set<LiveConnection>();
  /** Logins under way, by the agent socket they are made with: whose agent has the key is let in beside one that waits for a person. */
  readonly #dials = new Map<string | null, SharedDial<LiveConnection>>();
  readonly #route: SessionRoute;
  #isLost = false;
  /** By the clock that counts the machine's sleep. */
  #lostAt = 0;
  /** Why there is no connection any more. */
  #closed: SshMcpError | null = null;

  /** @param facts kept up to date with what is dialled, and what the login says; @param idleMs 0 while a call runs */
  constructor(facts: SessionFacts, host: SessionHost, idleMs: () => number) {
    this.#facts = facts;
    this.#host = host;
    this.#idleMs = idleMs;
    this.secrets = new SessionSecrets(() => host.clock.boot());
    this.#route = new SessionRoute(facts, host.hintPrefix);
    this.#expiry = new ExpiryTimer(
      () => Math.min(this.leftMs, this.#secretsLeftMs),
      () => void this.disconnect(),
    );
  }

  get state(): SessionState {
    if (this.#live !== null) return "live";
    return this.#isLost ? "lost" : "cached";
  }

  get isDialing(): boolean {
    return [...this.#dials.values()].some(({ isOver }) => !isOver);
  }

  /** Connections that are open. */
  get connections(): number {
    return (this.#live === null ? 0 : 1) + this.#retired.size;
  }

  /** Where the host keys that the last plan goes by may be recorded. */
  get knownHostsFiles(): readonly string[] {
    return this.#route.knownHostsFiles;
  }

  /** The host as it was typed; null before the first dial. */
  get typedHost(): string | null {
    return this.#route.typedHost;
  }

  get isClosed(): boolean {
    return this.#closed !== null;
  }

  /** Milliseconds until the connection's time is over; Infinity when it never is, or there is none. */
  get leftMs(): number {
    const { ttlMs, login } = this.#facts;
    if (this.#live === null) return Number.POSITIVE_INFINITY;
    const now = this.#host.clock.boot();
    const idleMs = Math.min(this.#idleMs(), now - this.#live.since);
    // A login that was made again from memory is as old as the person's own.
    const ageMs = now - (this.secrets.since ?? this.#live.since);
    return millisecondsLeft({ ttlMs, idleMs, ageMs, needsPerson: login?.needsPerson === true });
  }

  /** The same for what is held after the connection was lost. */
  get #secretsLeftMs(): number {
    const { since } = this.secrets;
    if (this.secrets.isEmpty || this.#live !== null) return Number.POSITIVE_INFINITY;
    const ageMs = this.#host.clock.boot() - (since ?? this.#lostAt);
    return millisecondsLeft({ ttlMs: this.#facts.ttlMs, idleMs: this.#idleMs(), ageMs, needsPerson: true });
  }

  /** Whether opening it again takes a person, as things are. */
  get needsPerson(): boolean {
    if (this.#facts.login?.needsPerson !== true) return false;
    // What is held is wiped when its time is over: only a link that was lost before that comes back by itself.
    return this.#live !== null || isMadeOnce(this.#facts.request) || !this.secrets.opensAgain(this.#facts.key);
  }

  /** The connection that a call may use now, if any. Time that ran out counts also when no timer saw it: the machine may have slept. */
  usable(): LiveConnection | null {
    const live = this.#live;
    if (live === null && this.#secretsLeftMs <= 0) this.secrets.wipe();
    if (live === null || !live.connection.isOpen) return null;
    if (this.leftMs > 0) return live;
    void this.disconnect();
    return null;
  }

  /** Counts the idle time from now, or by another limit. */
  restartClock(): void {
    if (this.#live !== null || !this.secrets.isEmpty) this.#expiry.start();
  }

  /**
   * The live connection, or a login that is shared by all who need it at the same time and have the same agent. Of several the first to go
   * through is everybody's.
   * @param plan what to dial; null plans again what the session was opened for: ssh_config may say otherwise by now
   * @param timeoutMs limit for the login, where there is no plan; null is the default
   * @throws SshMcpError SESSION_LIMIT, CANCELED, SESSION_NOT_FOUND when the caller may not use it by then, what `planAgain` throws, and for each
   *   way in which a login fails; CONFIG_INVALID, KEY_INVALID or AUTH_REQUIRED without a plan for a session that only a person can open again
   */
  async connect(scope: CallScope, plan: DialPlan | null, timeoutMs: number | null): Promise<LiveConnection> {
    const live = this.usable();
    if (live !== null) return live;
    if (plan === null && !this.isDialing && !this.isClosed && isMadeOnce(this.#facts.request)) {
      throw this.#route.told(openedOnce(this.#facts, this.#route.prefixFor(scope.caller)), scope.caller);
    }
    try {
      if (this.#closed !== null) throw this.#closed;
      const dial = this.#dialFor(scope.caller) ?? this.#startDial(scope, plan, timeoutMs);
      try {
        const connected = await dial.join(scope);
        // A person may have taken it back, or given it a secret, while an agent waited.
        if (isFor(this.#facts, scope.caller)) return connected;
        throw notLent(this.#facts.name, scope.caller);
      } finally {
        this.#endDials();
      }
    } catch (error) {
      throw this.explained(error, scope.caller);
    }
  }

  /** Ends the connection as soon as no call runs on it, and forgets what people typed for it; the next use dials again. */
  async disconnect(): Promise<void> {
    const live = this.#live;
    this.secrets.wipe();
    if (live === null) return;
    this.#live = null;
    this.#isLost = false;
    this.#expiry.stop();
    this.#retired.add(live);
    await live.retire();
  }

  /**
   * Ends the logins that are under way, and every connection when its calls have ended. There is no other afterwards.
   * @param reason what those are told who wait for it
   */
  async close(reason: SshMcpError): Promise<void> {
    this.#closed = reason;
    for (const dial of this.#dials.values()) dial.cancel(reason);
    void this.disconnect();
    await Promise.all([...this.#retired].map((live) => live.retire()));
  }

  /** An error with the command that opens this very session, for the one who gets it. */
  explained(error: unknown, caller: Caller): unknown {
    return this.#route.explained(error, caller);
  }

  /** The login under way that can be this caller's as well: one made with the same agent, or any for a caller without one. */
  #dialFor({ agentSocket }: Caller): SharedDial<LiveConnection> | null {
    const own = this.#dials.get(agentSocket);
    if (agentSocket !== null) return own?.isOver === false ? own : null;
    const open = [...this.#dials.values()].filter(({ isOver }) => !isOver);
    // One that takes no person, so far, may be through at once.
    return open.find(({ isAsking }) => !isAsking) ?? open[0] ?? null;
  }

  #startDial(scope: CallScope, plan: DialPlan | null, timeoutMs: number | null): SharedDial<LiveConnection> {
    try {
      // However many logins are tried, one connection comes of it.
      if (!this.isDialing) this.#host.makeRoom(scope.caller);
    } catch (error) {
      this.#forgetUnopened();
      throw error;
    }
    const dial = new SharedDial(scope, (shared) => this.#login(shared, plan, timeoutMs));
    this.#dials.set(scope.caller.agentSocket, dial);
    this.#host.changed();
    return dial;
  }

  #endDials(): void {
    for (const [agent, { isOver }] of this.#dials) if (isOver) this.#dials.delete(agent);
    // Others may still wait for theirs.
    if (this.#dials.size > 0) return;
    this.#forgetUnopened();
    this.#host.changed();
  }

  /** A session that never opened is none: its name must not stay behind. */
  #forgetUnopened(): void {
    if (this.#facts.login !== null || this.isClosed) return;
    this.#closed = closedAlready(this.#facts.name);
    this.#host.forget(this.#facts);
  }

  async #login(scope: DialScope, given: DialPlan | null, timeoutMs: number | null): Promise<LiveConnection> {
    try {
      const plan =
        given ?? (await planAgain({ ...this.#facts, request: { ...this.#facts.request, timeoutMs } }, scope));
      if (scope.signal.aborted) throw canceled(this.#facts);
      this.#route.take(plan);
      const { secrets } = this;
      // What answers nothing but another place, or a code, is no use; what was typed for another way may not go this one.
      const held = secrets.opensAgain(plan.key) ? secrets : null;
      const memory: LoginSecrets = { held, typed: new Map(), hasUnheld: false, wasRecalled: false };
      const connection = await this.#host.dialer.dial(plan, { ...scope, memory });
      if (!scope.signal.aborted) return this.#begin(connection, plan, memory);
      await connection.close();
      throw canceled(this.#facts);
    } catch (error) {
      // The server counts them: what may have been wrong is not sent again.
      if (error instanceof SshMcpError && error.code === "AUTH_FAILED") this.secrets.wipe();
      this.#isLost ||= !(error instanceof SshMcpError && harmless.has(error.code));
      throw error;
    }
  }

  #begin(connection: Connection, plan: DialPlan, memory: LoginSecrets): LiveConnection {
    const { request, environment } = plan;
    // Another login beside it may have been planned otherwise.
    this.#route.take(plan);
    const live = new LiveConnection(connection, this.#host.clock.boot());
    const { authMethod, hostKey, askedForSecret } = connection.login;
    // What came from a pipe has to be given again, as a secret has; so have, to the next broker, values that no disk keeps.
    const needsPerson = askedForSecret || environment.given.size > 0 || holdValues(request.options);
    // The way that brought it back is the one to take from now on.
    if (isMadeOnce(this.#facts.request)) this.#facts.request = { ...request, timeoutMs: null };
    this.#facts.login = { authMethod, hostKey: fingerprint(hostKey), needsPerson };
    // Whoever gave the secret has opened it: the agent that asked for it first gets it when it is lent.
    if (askedForSecret && this.#facts.openedBy.face === "mcp") {
      Object.assign(this.#facts, { openedBy: { face: "cli", client: "cli" }, lent: false });
    }
    holdTyped(this.secrets, memory, plan, fingerprint(hostKey));
    this.#live = live;
    this.#isLost = false;
    this.#expiry.start();
    // Its own has come to the same result.
    for (const dial of this.#dials.values()) dial.finish(live);
    this.#host.changed();
    void connection.ended.then(() => {
      this.#retired.delete(live);
      if (this.#live === live) {
        this.#live = null;
        this.#isLost = true;
        this.#lostAt = this.#host.clock.boot();
        this.#expiry.start();
      }
      this.#host.changed();
    });
    return live;
  }
}

const canceled = ({ name }: SessionFacts): SshMcpError =>
  new SshMcpError("CANCELED", `connecting to ${name} was canceled; no command was sent`);
