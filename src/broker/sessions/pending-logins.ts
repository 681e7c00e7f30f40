/** Logins that nobody was there to answer: kept for a while, so that a person sees what is wanted of them, and a call can wait for it. */
import { statSync } from "node:fs";
import type { CallScope } from "../../core/call-scope.ts";
import type { DialRequest } from "../../core/dial-request.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { Caller } from "../../core/operation.ts";
import type { PendingLogins as Listed, LoginWait, PendingLogin } from "../../core/pending-login.ts";
import type { OpenRequest } from "../../core/session.ts";
import type { Clock } from "../logins/clock.ts";
import type { DialPlan } from "../logins/dial-plan.ts";
import type { BrokerSession } from "./broker-session.ts";
import type { LiveConnection } from "./live-connection.ts";
import { isSameCaller } from "./session-facts.ts";
import type { SessionNames } from "./session-names.ts";
import { connected } from "./session-reuse.ts";

/** How long a login is kept. */
const keptMs = 10 * 60_000;
/** The most that are kept of one caller, and of all. */
const ownLimit = 16;
const limit = 64;
/** How often a waiting call looks; it looks at nothing but our own lists and the state of a file. */
const lookEveryMs = 250;
/** Others record host keys too: a new attempt is not made more often for that. */
const fileEveryMs = 2000;
/** A login is not tried again earlier than this when nothing is known to have changed, however short the time is that calls wait. */
const tryEveryMs = 5000;

/** What a call asks for. */
type Wanted = DialRequest & { name: string | null };
type Titled = Wanted & { title: string | null };

interface Pending {
  /** Equal for identical calls. */
  id: string;
  wanted: Titled;
  /** The session's name and identity. */
  name: string;
  key: string;
  caller: Caller;
  error: SshMcpError;
  /** By the clock that counts the machine's sleep. */
  at: number;
  askedAt: Date;
  /** Connections that were there, and are not what is wanted. */
  seen: ReadonlySet<LiveConnection>;
  /** Where a host key may be recorded meanwhile, and how that was; none when it is not the key that is missing. */
  files: readonly string[];
  state: string;
}

export class PendingLogins implements Listed {
  readonly #clock: Clock;
  readonly #sessions: SessionNames;
  /** The oldest first. */
  readonly #pending = new Map<string, Pending>();
  /** Calls that wait for each of them: it keeps its place. */
  readonly #waiting = new Map<string, number>();
  /** Counts what may make any of them succeed. */
  #news = 0;

  /** @param sessions all there are */
  constructor(clock: Clock, sessions: SessionNames) {
    this.#clock = clock;
    this.#sessions = sessions;
  }

  /**
   * Connects a session, or keeps what it waits for: a login that failed because nobody could be asked.
   * @throws SshMcpError as `connected`
   */
  async noting(
    session: BrokerSession,
    plan: DialPlan | null,
    wanted: Titled,
    scope: CallScope,
  ): Promise<LiveConnection> {
    try {
      const live = await connected(session, plan, wanted.timeoutMs, scope);
      this.#pending.delete(idOf(wanted, scope.caller));
      return live;
    } catch (error) {
      if (!scope.asks && isForPerson(error)) this.#note(error, session, wanted, scope.caller);
      // It waits for no person any more: the reason of before would be told instead of this one.
      else if (!isCanceled(error)) this.#pending.delete(idOf(wanted, scope.caller));
      throw error;
    }
  }

  /** Has those that wait try once more: a secret was kept. */
  nudge(): void {
    this.#news += 1;
  }

  list(caller: Caller): PendingLogin[] {
    return this.#current()
      .filter((pending) => caller.face === "cli" || isSameCaller(pending.caller, caller))
      .map(({ name, wanted: { destination, title }, error, askedAt, at, caller: { face, client } }) => ({
        ...{ name, destination, title, askedAt },
        ...{ code: error.code, command: error.hint ?? "" },
        expiresInMs: Math.max(0, Math.round(keptMs - (this.#clock.boot() - at))),
        by: { face, client },
      }));
  }

  /**
   * What a person's session is called: as an agent called it that waits for just this one, when the person says nothing of it. Nothing of it
   * goes to a session that is there.
   */
  described(
    { name, title, lent, fresh }: Pick<OpenRequest, "name" | "title" | "lent" | "fresh">,
    key: string,
    { face }: Caller,
  ): { name: string | null; title: string | null } {
    const isMeant = (pending: Pending): boolean =>
      pending.key === key && pending.caller.face === "mcp" && (name === null || name === pending.name);
    const pending = face === "cli" && lent && !fresh ? this.#current().findLast(isMeant) : undefined;
    if (pending === undefined) return { name, title };
    if (this.#sessions.all.some(({ facts }) => facts.name === pending.name || facts.key === key))
      return { name, title };
    return { name: pending.name, title: title ?? pending.wanted.title };
  }

  /**
   * As the interface says. What is known to change is a session that the caller may use with the same name or to the same server, a known_hosts file
   * when the host key is what is missing, and a secret that a person puts into the keychain.
   */
  async answered(wanted: Wanted, waitMs: number, { caller, signal }: CallScope): Promise<LoginWait> {
    const id = idOf(wanted, caller);
    if (!this.#pending.has(id)) return { how: "absent" };
    this.#waiting.set(id, (this.#waiting.get(id) ?? 0) + 1);
    try {
      return await this.#answered(id, waitMs, signal);
    } finally {
      const others = (this.#waiting.get(id) ?? 1) - 1;
      if (others > 0) this.#waiting.set(id, others);
      else this.#waiting.delete(id);
    }
  }

  async #answered(id: string, waitMs: number, signal: AbortSignal): Promise<LoginWait> {
    const news = this.#news;
    const startedAt = performance.now();
    let filesAt = startedAt;
    for (;;) {
      if (signal.aborted) throw canceled(signal.reason);
      const pending = this.#pending.get(id);
      if (pending === undefined || this.#news !== news || this.#isOpen(pending)) return { how: "changed" };
      const now = performance.now();
      if (pending.files.length > 0 && now - filesAt >= fileEveryMs) {
        filesAt = now;
        if (stateOf(pending.files) !== pending.state) return { how: "changed" };
      }
      const leftMs = waitMs - (now - startedAt);
      if (leftMs <= 0) {
        return { how: "late", error: pending.error, mayTry: this.#clock.boot() - pending.at >= tryEveryMs };
      }
      await pause(Math.min(lookEveryMs, leftMs), signal);
    }
  }

  #current(): Pending[] {
    const since = this.#clock.boot() - keptMs;
    for (const [id, pending] of this.#pending) {
      if (pending.at <= since || this.#isOpen(pending)) this.#pending.delete(id);
    }
    return [...this.#pending.values()];
  }

  /** Whether what it wants is there by now. */
  #isOpen(pending: Pending): boolean {
    return this.#sessions.usable(pending, pending.caller).some((live) => !pending.seen.has(live));
  }

  /** Without room for it there is none: those that are waited for stay. */
  #note(error: SshMcpError, { facts: { name, key }, link }: BrokerSession, wanted: Titled, caller: Caller): void {
    const id = idOf(wanted, caller);
    this.#pending.delete(id);
    if (!this.#hasRoom(caller)) return;
    const files = error.code === "HOST_KEY_UNKNOWN" ? link.knownHostsFiles : [];
    this.#pending.set(id, {
      ...{ id, wanted, name, key, caller, error, files },
      at: this.#clock.boot(),
      askedAt: new Date(this.#clock.wall()),
      seen: new Set(this.#sessions.usable({ name, key }, caller)),
      state: stateOf(files),
    });
  }

  /** Makes it, where that takes nothing from a call that waits. */
  #hasRoom(caller: Caller): boolean {
    const all = this.#current();
    const own = all.filter((pending) => isSameCaller(pending.caller, caller));
    const full = own.length >= ownLimit ? own : all.length >= limit ? all : null;
    if (full === null) return true;
    const oldest = full.find(({ id }) => !this.#waiting.has(id));
    return oldest !== undefined && this.#pending.delete(oldest.id);
  }
}

/** Whether a person can do something about it. */
const isForPerson = (error: unknown): error is SshMcpError =>
  error instanceof SshMcpError && (error.code === "AUTH_REQUIRED" || error.code === "HOST_KEY_UNKNOWN");

const isCanceled = (error: unknown): boolean => error instanceof SshMcpError && error.code === "CANCELED";

const idOf = (wanted: Wanted, { face, client, cwd }: Caller): string => {
  const { name, destination, user, port, identityFiles, configFile, options } = wanted;
  return JSON.stringify([face, client, cwd, name, destination, user, port, identityFiles, configFile, options]);
};

/** Changes whenever one of the files does. At once: what changes a moment after it was asked for must not count as how it was. */
const stateOf = (files: readonly string[]): string => files.map(stateOfFile).join(",");

const stateOfFile = (file: string): string => {
  try {
    const { ino, size, mtimeMs } = statSync(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    // Not there, or not to be looked at: as long as that lasts nothing is recorded in it.
    return "";
  }
};

const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  const leave = (): void => over.resolve();
  signal.addEventListener("abort", leave, { once: true });
  await over.promise;
  signal.removeEventListener("abort", leave);
  clearTimeout(timer);
};

const canceled = (reason: unknown): SshMcpError =>
  new SshMcpError("CANCELED", reason instanceof SshMcpError ? reason.message : "waiting for a person was canceled");
