import { commandSettingsOf } from "../../config/ssh-config/resolved-host.ts";
import type { CallScope } from "../../core/call-scope.ts";
import type { RunningCall, StoppedCall } from "../../core/command.ts";
import type { DialRequest } from "../../core/dial-request.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { Caller } from "../../core/operation.ts";
import type { OpenedSession, OpenRequest, Session, SessionInfo, Sessions } from "../../core/session.ts";
import type { SessionRecord } from "../../store/session-record.ts";
import { type Clock, systemClock } from "../logins/clock.ts";
import { Dialer } from "../logins/dial.ts";
import { type DialPlan, planDial } from "../logins/dial-plan.ts";
import { HostKeyTrust } from "../logins/trust-host.ts";
import { BrokerSession } from "./broker-session.ts";
import { brokerEnded } from "./cancel-reasons.ts";
import { type Resolves, systemResolves } from "./host-names.ts";
import { PendingLogins } from "./pending-logins.ts";
import { SecretPlaces } from "./secret-places.ts";
import { SessionEndings } from "./session-endings.ts";
import { factsOf, isFor, newFacts } from "./session-facts.ts";
import { listing } from "./session-hints.ts";
import type { SessionHost } from "./session-host.ts";
import { makeRoom } from "./session-limit.ts";
import { SessionMeanings } from "./session-meaning.ts";
import { SessionNames, type Wanted } from "./session-names.ts";
import { type RecordStore, SessionRecords } from "./session-records.ts";
import { describe, settleLending } from "./session-reuse.ts";
import { UsedSession } from "./used-session.ts";

/** Connections of sessions at once, unless the configuration says otherwise. */
const defaultLimit = 64;
/** How often sessions that nobody uses are looked for. */
const forgetIntervalMs = 3_600_000;

export interface RegistryOptions {
  /** Null writes nothing: sessions end with this process. */
  store: RecordStore | null;
  /** Sessions of an earlier broker; they are cached until somebody uses them. */
  restored: readonly SessionRecord[];
  /** Names that no session may take: files that are not ours have them. */
  reserved: readonly string[];
  /** Connections of sessions at once. */
  limit: number;
  /** What a command in a hint for a model begins with so that it reaches this broker: `SSH_MCP_DIR=… `, quoted, or empty. */
  hintPrefix: string;
  /** Takes one line about what nobody waits for, as a record that could not be written. */
  log: (line: string) => void;
  clock: Clock;
  /** Asked about names that a model chooses. */
  resolves: Resolves;
}

/** What a new session is to be, if there must be one. */
type Asked = Wanted & Pick<OpenRequest, "title" | "ttlMs" | "lent">;

/**
 * Every session of this broker, by name.
 *
 * For whoever decides how long the process lives: `onChange` is called whenever `liveConnections`, `busy`, `holdsPersonSession` or `holdsShell`
 * may have changed.
 */
export class SessionRegistry implements Sessions {
  /** Set once by whoever needs it; must not throw. */
  onChange: () => void = () => {};
  readonly #sessions: SessionNames;
  readonly #meanings = new SessionMeanings();
  readonly pending: PendingLogins;
  readonly secrets: SecretPlaces;
  readonly hostKeys: HostKeyTrust;
  readonly #records: SessionRecords;
  readonly #endings: SessionEndings;
  readonly #host: SessionHost;
  readonly #forgetting: ReturnType<typeof setInterval>;
  #isEnding = false;
  #calls = 0;

  constructor(options: Partial<RegistryOptions> = {}) {
    const { store = null, restored = [], reserved = [], limit = defaultLimit, clock = systemClock } = options;
    const { hintPrefix = "", log = () => {}, resolves = systemResolves } = options;
    this.#sessions = new SessionNames(reserved, resolves);
    this.pending = new PendingLogins(clock, this.#sessions);
    this.secrets = new SecretPlaces(this.#sessions, this.pending);
    this.#records = new SessionRecords(store, clock, log);
    this.#endings = new SessionEndings(this.#sessions, this.#records, log);
    this.#host = {
      clock,
      dialer: new Dialer(clock),
      hintPrefix,
      nextCallId: () => `c${++this.#calls}`,
      makeRoom: (caller) => {
        this.#mustGoOn();
        makeRoom(this.#sessions.all, limit, caller);
      },
      mayDialBeside: () => !this.#isEnding && this.#sum(({ claimed }) => claimed) <= limit,
      changed: () => this.onChange(),
      used: (session) => {
        this.#records.noteUse(session);
        this.onChange();
      },
      forget: (facts) => this.#sessions.forget(facts),
    };
    this.hostKeys = new HostKeyTrust(this.#host.dialer);
    for (const record of restored) {
      const session = new BrokerSession(factsOf(record), this.#host, new Date(record.lastUsedAt));
      this.#sessions.add(session);
      this.#records.loaded(session);
    }
    this.#forgetting = setInterval(() => this.#endings.noticeTime(), forgetIntervalMs);
    this.#forgetting.unref();
  }

  /** Sessions by name, live or not. */
  get size(): number {
    return this.#sessions.opened.length;
  }

  /** SSH connections that are open now, those beside a session's own among them. */
  get liveConnections(): number {
    return this.#sum(({ connections }) => connections);
  }

  /** Whether anything runs on a session, or is being dialled. */
  get busy(): boolean {
    return this.#sessions.all.some(({ link, calls }) => link.isDialing || calls.length > 0);
  }

  /** Whether a session is live that needs a person to come back. */
  get holdsPersonSession(): boolean {
    return this.#sessions.all.some(({ link, facts }) => link.state === "live" && facts.login?.needsPerson === true);
  }

  /** Whether a lasting shell is open, whose state would be lost. */
  get holdsShell(): boolean {
    return this.#sessions.all.some(({ holdsShell }) => holdsShell);
  }

  async open(request: OpenRequest, scope: CallScope): Promise<OpenedSession> {
    const { ttlMs, lent, fresh } = request;
    const plan = await planDial(request, scope);
    this.#endings.noticeTime();
    const isPrivate = !lent && scope.caller.face === "cli";
    const described = this.pending.described(request, plan.key, scope.caller);
    const asked = { ...described, ttlMs, lent, fresh, isPrivate };
    let found = await this.#foundOrAdded(plan, asked, scope);
    // Others had their turn since it was found, and may have ended it.
    while (found.session.link.isClosed) {
      this.#mustGoOn();
      found = await this.#foundOrAdded(plan, asked, scope);
    }
    const { session, isNew } = found;
    const reused = session.wasOpen;
    const { connection } = await this.pending.noting(session, plan, request, scope);
    if (!isNew) describe(session, request, scope);
    await this.#saved(session, settleLending(session, isPrivate, scope), scope);
    return { ...session.opened(connection.login), reused };
  }

  async use(request: DialRequest, scope: CallScope): Promise<Session> {
    const named = this.#sessions.named(request, scope.caller);
    if (named?.link.usable() && this.#meanings.known(named, request)) return this.#used(named, null);
    this.#endings.noticeTime();
    let target = await this.#target(request, scope, null);
    while (target.session.link.isClosed) {
      this.#mustGoOn();
      target = await this.#target(request, scope, target.plan);
    }
    const { session, plan } = target;
    if (plan === null && session.link.usable()) return this.#used(session, null);
    await this.pending.noting(session, plan, { ...request, name: null, title: null }, scope);
    // The record is no reason for the command to wait.
    this.#records.saveBeside(session, scope);
    return this.#used(session, plan);
  }

  #used(session: BrokerSession, plan: DialPlan | null): Session {
    const commands = plan === null ? this.#meanings.commands(session) : commandSettingsOf(plan.resolved);
    return new UsedSession(session, commands);
  }

  list(caller: Caller): SessionInfo[] {
    this.#endings.noticeTime();
    return this.#sessions.opened.filter(({ facts }) => isFor(facts, caller)).map(({ info }) => info);
  }

  calls(caller: Caller): RunningCall[] {
    return this.#endings.calls(caller);
  }

  kill(ids: readonly string[], caller: Caller): Promise<StoppedCall[]> {
    return this.#endings.kill(ids, caller);
  }

  async lend(name: string, lent: boolean, scope: CallScope): Promise<SessionInfo> {
    const { caller } = scope;
    const session = this.#sessions.get(name, caller);
    if (!session?.wasOpen) {
      throw new SshMcpError("SESSION_NOT_FOUND", `there is no session ${shown(name)}`, { hint: listing(caller) });
    }
    if (caller.face === "mcp") {
      throw new SshMcpError("POLICY_DENIED", "only a person lends a session to agents, or takes it back", {
        hint: `ssh-mcp ${lent ? "lend" : "unlend"} ${name}`,
      });
    }
    await this.#saved(session, session.lend(lent), scope);
    return session.info;
  }

  close(names: readonly string[] | "all", caller: Caller): Promise<string[]> {
    return this.#endings.close(names, caller);
  }

  /** Ends every call and connection; sessions and their records stay. For the end of the process: nothing is opened afterwards. */
  async closeAll(): Promise<void> {
    this.#isEnding = true;
    clearInterval(this.#forgetting);
    const flushed = this.#records.flush();
    await Promise.all(this.#sessions.all.map((session) => session.close(brokerEnded())));
    await flushed;
  }

  /** From now on no record is written or removed: they are another broker's. Resolves when what is under way has ended. */
  stopRecording(): Promise<void> {
    return this.#records.stop();
  }

  /** The session a target names and means, or the one its destination is opened as, with the plan to open it by. */
  async #target(
    request: DialRequest,
    scope: CallScope,
    planned: DialPlan | null,
  ): Promise<{ session: BrokerSession; plan: DialPlan | null }> {
    const named = this.#sessions.named(request, scope.caller);
    if (named !== null && (await this.#meanings.find(named, request, scope))) return { session: named, plan: null };
    const plan = planned ?? (await planDial(request, scope));
    const asked = { name: null, title: null, ttlMs: null, lent: scope.caller.face === "mcp" };
    const { session } = await this.#foundOrAdded(plan, { ...asked, fresh: false, isPrivate: false }, scope);
    return { session, plan };
  }

  /** @throws SshMcpError ALREADY_EXISTS, see `SessionNames` */
  #foundOrAdded(
    plan: DialPlan,
    asked: Asked,
    { caller }: CallScope,
  ): Promise<{ session: BrokerSession; isNew: boolean }> {
    return this.#sessions.findOrAdd(plan, asked, caller, (name) => {
      const createdAt = new Date(this.#host.clock.wall());
      const isFoundUnnamed = asked.name === null && !asked.fresh;
      return new BrokerSession(newFacts(plan, { ...asked, name, isFoundUnnamed, createdAt }, caller), this.#host, null);
    });
  }

  /** @throws SshMcpError CANCELED when sessions are only closed any more */
  #mustGoOn(): void {
    if (this.#isEnding) throw brokerEnded();
  }

  /** Saves it while what agents ran on it ends: a broker that is killed meanwhile must not give it back. @throws as `saveFor` */
  async #saved(session: BrokerSession, ended: Promise<void>, scope: CallScope): Promise<void> {
    try {
      await this.#records.saveFor(session, scope);
    } finally {
      await ended;
    }
  }

  #sum(count: (session: BrokerSession) => number): number {
    return this.#sessions.all.reduce((sum, session) => sum + count(session), 0);
  }
}
