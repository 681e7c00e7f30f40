import { type ErrorCode, SshMcpError } from "../../core/errors.ts";
import type { Connection } from "../../ssh/connection.ts";

/** Of one session at once; whoever comes after waits in line. */
const besideLimit = 8;

/** A login that ended so would do so again, and servers lock out whoever tries too often. */
const final: ReadonlySet<ErrorCode> = new Set(["AUTH_FAILED", "AUTH_REQUIRED", "HOST_KEY_UNKNOWN", "HOST_KEY_CHANGED"]);

/** Connections beside a session's own, each for one command at a time that finds that one full. */
export class BesideConnections {
  readonly #open = new Set<Connection>();
  /** Those who wait for one that comes free, in order. */
  readonly #line: ((connection: Connection) => void)[] = [];
  #dialing = 0;
  /** The session's own connection when the server last took no other. */
  #refusedBeside: object | null = null;

  /** Those that are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Those that are open or being dialled. */
  get claimed(): number {
    return this.#open.size + this.#dialing;
  }

  /**
   * Runs one command on a further connection. Null when there are enough, and when the server takes no further login: then the command waits
   * in line.
   * @param own the session's own connection: once a login beside it was refused, none is tried until the session itself has logged in again
   * @throws what `dial` throws when `signal` has aborted, and what `work` throws
   */
  async run<T>(
    own: object,
    dial: () => Promise<Connection | null>,
    work: (connection: Connection) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | null> {
    const connection = await this.#dial(own, dial, signal);
    if (connection === null) return null;
    try {
      return await work(connection);
    } finally {
      this.#release(connection);
    }
  }

  /**
   * Runs one command that waits in line for the session's own connection: the next one here that comes free may take it first.
   * @param work is given what resolves with that one, and with the same when it asks again; it gives it back when the signal aborts, or when it has
   * ended
   */
  async waiting<T>(work: (free: (signal: AbortSignal) => Promise<Connection>) => Promise<T>): Promise<T> {
    let given: Connection | null = null;
    const giveBack = (): void => {
      if (given !== null) this.#release(given);
      given = null;
    };
    const free = (signal: AbortSignal): Promise<Connection> =>
      new Promise((resolve, reject) => {
        const take = (connection: Connection): void => {
          given = connection;
          resolve(connection);
        };
        const leave = (): void => {
          const at = this.#line.indexOf(take);
          if (at !== -1) this.#line.splice(at, 1);
          giveBack();
          reject(signal.reason);
        };
        if (given !== null && !given.isOpen) giveBack();
        signal.addEventListener("abort", leave, { once: true });
        if (signal.aborted) leave();
        else if (given !== null) resolve(given);
        else this.#line.push(take);
      });
    try {
      return await work(free);
    } finally {
      giveBack();
    }
  }

  /** Ends them all. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((connection) => this.#close(connection)));
  }

  async #dial(own: object, dial: () => Promise<Connection | null>, signal: AbortSignal): Promise<Connection | null> {
    if (this.#refusedBeside === own || this.claimed >= besideLimit) return null;
    this.#dialing += 1;
    try {
      const connection = await dial();
      if (connection !== null) this.#open.add(connection);
      return connection;
    } catch (error) {
      if (signal.aborted) throw error;
      if (error instanceof SshMcpError && final.has(error.code)) this.#refusedBeside = own;
      return null;
    } finally {
      this.#dialing -= 1;
    }
  }

  /** To whoever waits; else it ends, for an open connection that nobody uses is a login that somebody wonders about. */
  #release(connection: Connection): void {
    const next = connection.isOpen ? this.#line.shift() : undefined;
    if (next === undefined) void this.#close(connection);
    else next(connection);
  }

  async #close(connection: Connection): Promise<void> {
    await connection.close();
    this.#open.delete(connection);
  }
}
