import { SshMcpError } from "../core/errors.ts";
import type { Caller } from "../core/operation.ts";
import type {
  CallScope,
  CommandRequest,
  CommandResult,
  OpenedSession,
  Session,
  SessionInfo,
  SessionState,
} from "../core/session.ts";
import type { Connection } from "../ssh/connection.ts";
import { fingerprint } from "../ssh/known-hosts-key.ts";
import { type DialPlan, dial, withHint } from "./dial.ts";
import { SharedWork } from "./shared-work.ts";

/** Timers hold no more; a longer idle time is waited for in pieces. */
const longestTimerMs = 2 ** 31 - 1;

/** Connections beside the session's own, for commands that find it full; whoever comes after waits in line. */
const overflowLimit = 8;

export interface SessionFacts {
  name: string;
  title: string | null;
  /** Idle time until the connection is closed; 0 is never. */
  ttlMs: number;
  openedBy: SessionInfo["openedBy"];
  lent: boolean;
}

/** The named handle: keeps what it takes to connect, and the connection while there is one. */
export class BrokerSession implements Session {
  readonly plan: DialPlan;
  readonly #facts: SessionFacts;
  readonly #createdAt = Date.now();
  readonly #openedAt = performance.now();
  /** What runs, and how to cancel it. */
  readonly #calls = new Map<Promise<unknown>, () => void>();
  #closed = false;
  #connection: Connection | null = null;
  #dialing: SharedWork<Connection> | null = null;
  #state: SessionState = "cached";
  #usedAt = performance.now();
  #usedAtWall = Date.now();
  #needsPerson = false;
  #overflow = 0;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(plan: DialPlan, facts: SessionFacts) {
    this.plan = plan;
    this.#facts = facts;
  }

  get info(): SessionInfo {
    const { resolved, request } = this.plan;
    const { name, openedBy, lent, title, ttlMs } = this.#facts;
    const idleMs = this.#calls.size > 0 ? 0 : Math.round(performance.now() - this.#usedAt);
    return {
      name,
      destination: request.destination,
      host: resolved.hostname,
      port: resolved.port,
      user: resolved.user,
      state: this.#state,
      running: this.#calls.size,
      ageMs: Math.round(performance.now() - this.#openedAt),
      idleMs,
      expiresInMs: ttlMs === 0 || this.#state !== "live" ? null : Math.max(0, ttlMs - idleMs),
      openedBy,
      lent,
      title,
      needsPerson: this.#needsPerson,
    };
  }

  /** Whether it has a connection, or is about to. */
  get isOpen(): boolean {
    return this.#state === "live" || this.#dialing?.isOver === false;
  }

  /** Takes over what a later `connect` says about it; null leaves it as it is. */
  describe(title: string | null, ttlMs: number | null): void {
    if (title !== null) this.#facts.title = title;
    if (ttlMs !== null) this.#facts.ttlMs = ttlMs;
  }

  /** Whether a caller may see, use and close it: a model only what was lent to it or what it opened itself. */
  isFor(caller: Caller): boolean {
    const { lent, openedBy } = this.#facts;
    return caller.face === "cli" || lent || (openedBy.face === "mcp" && openedBy.client === caller.client);
  }

  /** Connects when there is no live connection, and says what the login was. */
  async open(scope: CallScope): Promise<Omit<OpenedSession, "reused">> {
    const { login } = await this.#connected(scope);
    this.#touch();
    const { ttlMs } = this.#facts;
    return {
      info: this.info,
      authMethod: login.authMethod,
      hostKey: fingerprint(login.hostKey),
      banner: login.banner,
      createdAt: new Date(this.#createdAt),
      expiresAt: ttlMs === 0 ? null : new Date(this.#usedAtWall + ttlMs),
    };
  }

  async exec(request: CommandRequest, scope: CallScope): Promise<CommandResult> {
    // Not AbortSignal.any: what it makes of a signal as old as the session stays in memory after the call (Bun 1.4.5).
    const abort = new AbortController();
    const cancel = (): void => abort.abort();
    scope.signal.addEventListener("abort", cancel, { once: true });
    if (scope.signal.aborted || this.#closed) cancel();
    const call = this.#run(request, { ...scope, signal: abort.signal });
    this.#calls.set(call, cancel);
    clearTimeout(this.#idleTimer);
    try {
      return await call;
    } finally {
      scope.signal.removeEventListener("abort", cancel);
      this.#calls.delete(call);
      this.#touch();
    }
  }

  /** Stops what runs and ends the connection; the secrets it was opened with go with it. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idleTimer);
    for (const cancel of this.#calls.values()) cancel();
    this.#dialing?.cancel();
    await Promise.allSettled(this.#calls.keys());
    await this.disconnect();
  }

  /** Ends the connection and keeps the session: the next use dials again. */
  async disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    this.#state = "cached";
    await connection?.close();
  }

  async #run(request: CommandRequest, scope: CallScope): Promise<CommandResult> {
    const connection = await this.#connected(scope);
    const beside = connection.isFull ? await this.#dialBeside(scope) : null;
    if (beside !== null) {
      try {
        return await beside.exec(request, scope.signal);
      } finally {
        this.#overflow -= 1;
        await beside.close();
      }
    }
    try {
      return await connection.exec(request, scope.signal);
    } catch (error) {
      // What is thrown was not handed over: a connection that died while it was idle is dialled again, once.
      const lost = error instanceof SshMcpError && error.code === "CONNECTION_LOST";
      if (!lost || scope.signal.aborted) throw withHint(error, this.plan);
      return await (await this.#connected(scope)).exec(request, scope.signal);
    }
  }

  /**
   * A connection for one command that finds the session's own full. Null when a person would be needed, when there are enough, and when the
   * server takes no further login: then the command waits in line.
   */
  async #dialBeside(scope: CallScope): Promise<Connection | null> {
    if (this.#needsPerson || this.#overflow >= overflowLimit) return null;
    this.#overflow += 1;
    try {
      return await dial(this.plan, scope);
    } catch (error) {
      this.#overflow -= 1;
      if (scope.signal.aborted) throw error;
      return null;
    }
  }

  /** The live connection, or one dial that all who need it at the same time share. */
  #connected(scope: CallScope): Promise<Connection> {
    if (this.#connection?.isOpen) return Promise.resolve(this.#connection);
    if (this.#dialing === null || this.#dialing.isOver) {
      const dialing = new SharedWork((signal) => this.#dial({ ...scope, signal }));
      this.#dialing = dialing;
      void dialing.settled.then(() => {
        if (this.#dialing === dialing) this.#dialing = null;
      });
    }
    return this.#dialing.join(scope.signal);
  }

  async #dial(scope: CallScope): Promise<Connection> {
    try {
      const connection = await dial(this.plan, scope);
      if (this.#closed) {
        await connection.close();
        throw new SshMcpError("CANCELED", "the session was closed while it was being opened");
      }
      this.#connection = connection;
      this.#state = "live";
      this.#needsPerson = connection.login.askedForSecret;
      void connection.ended.then(() => {
        if (this.#connection !== connection) return;
        this.#connection = null;
        this.#state = "lost";
      });
      return connection;
    } catch (error) {
      if (this.#state !== "cached") this.#state = "lost";
      throw error;
    }
  }

  #touch(): void {
    this.#usedAt = performance.now();
    this.#usedAtWall = Date.now();
    this.#awaitIdle();
  }

  #awaitIdle(): void {
    clearTimeout(this.#idleTimer);
    const { ttlMs } = this.#facts;
    if (ttlMs === 0 || this.#calls.size > 0 || this.#connection === null) return;
    const left = ttlMs - (performance.now() - this.#usedAt);
    if (left <= 0) {
      void this.disconnect();
      return;
    }
    this.#idleTimer = setTimeout(() => this.#awaitIdle(), Math.min(left, longestTimerMs));
    // An idle session is no reason for the process to stay.
    this.#idleTimer.unref();
  }
}
