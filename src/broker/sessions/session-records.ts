import type { CallScope } from "../../core/call-scope.ts";
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import type { SessionRecord } from "../../store/session-record.ts";
import type { SessionStore } from "../../store/session-store.ts";
import type { Clock } from "../logins/clock.ts";

/** What keeps records: it does what it is asked for one name in the order in which it is asked. */
export type RecordStore = Pick<SessionStore, "write" | "remove">;

/** A session, as far as its record goes. */
export interface Recorded {
  readonly facts: { readonly name: string };
  /** As it is now; null when it is to have none. */
  readonly record: SessionRecord | null;
}

/** `last used` is written this often at most. */
const useIntervalMs = 60_000;
/** The reply to the call that was the use goes first. */
const useDelayMs = 1000;

/** When records are written: at once for what somebody waits for, later for the time of the last use. */
export class SessionRecords {
  readonly #store: RecordStore | null;
  readonly #clock: Pick<Clock, "boot">;
  readonly #log: (line: string) => void;
  /** What was written last of each session, and when. */
  readonly #written = new WeakMap<Recorded, { text: string; at: number }>();
  readonly #writing = new Map<Recorded, Promise<void>>();
  readonly #removing = new Set<Promise<void>>();
  /** Those whose record on disk keeps them from agents, as they are themselves. */
  readonly #keptFromAgents = new WeakSet<Recorded>();
  readonly #due = new Map<Recorded, ReturnType<typeof setTimeout>>();
  #isStopped = false;

  /** @param store null writes nothing; @param log takes one line about what nobody waits for */
  constructor(store: RecordStore | null, clock: Pick<Clock, "boot">, log: (line: string) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** Takes a session that came from its record. */
  loaded(session: Recorded): void {
    this.#written.set(session, { text: textOf(session.record), at: this.#clock.boot() });
    this.#noteOnDisk(session, session.record);
  }

  /**
   * Resolves when the record says what is known now, the time of the last use aside; when it cannot, the call is told beside its result. What
   * agents were given once, they do not get back with an old record: it is removed.
   * @throws SshMcpError when they would get it back: LOCAL_IO, for the old record cannot be removed either; BROKER_UNAVAILABLE, for the
   *   records are another broker's by now
   */
  async saveFor(session: Recorded, { notice }: Pick<CallScope, "notice">): Promise<void> {
    const isSaved = textOf(session.record) === this.#written.get(session)?.text;
    if (!isSaved && this.#hasLeft) return this.#tellHasLeft(session, notice);
    try {
      if (isSaved) await this.#writing.get(session);
      else await this.#write(session);
    } catch (error) {
      const reason = this.#logged(session, error);
      if (this.#hasLeft) return this.#tellHasLeft(session, notice);
      const isRemoved = await this.#takenFromAgents(session, reason);
      const what = `the session ${session.facts.name} works, but could not be saved: ${reason}`;
      notice(isRemoved ? `${what}; no record of it is left, and it will be forgotten with the broker` : what);
    }
  }

  /** As `saveFor`, for a call that does not wait: it is told of every failure beside its result, if that is not there yet. */
  saveBeside(session: Recorded, scope: Pick<CallScope, "notice">): void {
    // Who only ran a command did not ask for it to be kept.
    if (this.#hasLeft) return;
    this.saveFor(session, scope).catch((error: unknown) => scope.notice(toSshMcpError(error).message));
  }

  /** Whether the records are another broker's. */
  get #hasLeft(): boolean {
    return this.#store !== null && this.#isStopped;
  }

  /** @throws SshMcpError BROKER_UNAVAILABLE when the other broker gives agents what was taken back here */
  #tellHasLeft(session: Recorded, notice: CallScope["notice"]): void {
    const { record, facts } = session;
    const wasWritten = (this.#written.get(session)?.text ?? "") !== "";
    const isTakenBack = record !== null && !isForAgents(record) && !this.#keptFromAgents.has(session);
    const why = "this broker has left its place";
    if (wasWritten && isTakenBack) {
      throw new SshMcpError("BROKER_UNAVAILABLE", `${why}: agents get ${facts.name} from the one that took it`, {
        hint: `ssh-mcp unlend ${facts.name}`,
      });
    }
    notice(`${why}: ${facts.name} is not saved`);
  }

  /** Notes a use, to be written when nobody waits any more. */
  noteUse(session: Recorded): void {
    if (this.#store === null || this.#isStopped || this.#due.has(session)) return;
    const writtenAt = this.#written.get(session)?.at ?? Number.NEGATIVE_INFINITY;
    if (this.#clock.boot() - writtenAt < useIntervalMs) return;
    const timer = setTimeout(() => void this.#writeUse(session), useDelayMs);
    timer.unref();
    this.#due.set(session, timer);
  }

  /** Removes the record; what is still to be written of the session is not. @throws what the store throws */
  async remove(session: Recorded): Promise<void> {
    clearTimeout(this.#due.get(session));
    this.#due.delete(session);
    if (this.#store === null || this.#isStopped) return;
    await this.#remove(this.#store, session);
  }

  async #remove(store: RecordStore, { facts }: Recorded): Promise<void> {
    const removal = store.remove(facts.name);
    const settled = removal.catch(() => {});
    this.#removing.add(settled);
    void settled.then(() => this.#removing.delete(settled));
    await removal;
  }

  /** Writes now what waits to be written. */
  async flush(): Promise<void> {
    await Promise.all([...this.#due.keys()].map((session) => this.#writeUse(session)));
  }

  /** Writes what waits to be written, and nothing more from now on; resolves when what is under way has ended. */
  async stop(): Promise<void> {
    const flushed = this.flush();
    this.#isStopped = true;
    await flushed;
    await Promise.allSettled([...this.#writing.values(), ...this.#removing]);
  }

  async #writeUse(session: Recorded): Promise<void> {
    clearTimeout(this.#due.get(session));
    this.#due.delete(session);
    try {
      await this.#write(session);
    } catch (error) {
      this.#logged(session, error);
    }
  }

  /**
   * For a session that could not be saved and is kept from agents now.
   * @returns whether a record that may say otherwise was removed
   */
  async #takenFromAgents(session: Recorded, reason: string): Promise<boolean> {
    const { name } = session.facts;
    if (this.#store === null || this.#isStopped || this.#keptFromAgents.has(session)) return false;
    if (session.record === null || isForAgents(session.record)) return false;
    try {
      await this.#remove(this.#store, session);
      return true;
    } catch (error) {
      const both = `${reason}; ${this.#logged(session, error)}`;
      const { hint } = toSshMcpError(error);
      throw new SshMcpError(
        "LOCAL_IO",
        `agents get the session ${name} back when the broker restarts, for its old record can neither be changed nor removed: ${both}`,
        { ...(hint === null ? {} : { hint }), cause: error },
      );
    }
  }

  #noteOnDisk(session: Recorded, record: SessionRecord | null): void {
    if (record === null || isForAgents(record)) this.#keptFromAgents.delete(session);
    else this.#keptFromAgents.add(session);
  }

  /** @returns the reason */
  #logged({ facts }: Recorded, error: unknown): string {
    const { message } = toSshMcpError(error);
    this.#log(`the session ${facts.name} could not be saved: ${message}`);
    return message;
  }

  async #write(session: Recorded): Promise<void> {
    const { record } = session;
    if (this.#store === null || this.#isStopped || record === null) return;
    const written = { text: textOf(record), at: this.#clock.boot() };
    const before = this.#written.get(session);
    this.#written.set(session, written);
    const writing = this.#store.write(record);
    this.#writing.set(session, writing);
    try {
      await writing;
      this.#noteOnDisk(session, record);
    } catch (error) {
      // The same again is worth a try; the time of the last use alone only after its interval.
      if (this.#written.get(session) === written) {
        this.#written.set(session, { text: before?.text ?? "", at: written.at });
      }
      throw error;
    } finally {
      if (this.#writing.get(session) === writing) this.#writing.delete(session);
    }
  }
}

/** What makes a record another one; the time of the last use does not. */
const textOf = (record: SessionRecord | null): string => JSON.stringify({ ...record, lastUsedAt: null });

/** Whether agents have the session when a broker reads this: see `isFor`. */
const isForAgents = ({ lent, openedBy }: SessionRecord): boolean => lent || openedBy.face === "mcp";
