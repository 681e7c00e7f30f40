import { type ErrorCode, SshMcpError } from "../../core/errors.ts";
import type { Connection } from "../../ssh/connection.ts";

/** Of one session at once; whoever comes after waits in line. */
const besideLimit = 8;

/** A login that ended so would do so again, and servers lock out whoever tries too often. */
const final: ReadonlySet<ErrorCode> = new Set(["AUTH_FAILED", "AUTH_REQUIRED", "HOST_KEY_UNKNOWN", "HOST_KEY_CHANGED"]);

/** Connections beside a session's own, each for one command that finds that one full. */
export class BesideConnections {
  readonly #open = new Set<Connection>();
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
   * Runs one command on a connection of its own. Null when there are enough, and when the server takes no further login: then the command waits
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
      void this.#close(connection);
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

  async #close(connection: Connection): Promise<void> {
    await connection.close();
    this.#open.delete(connection);
  }
}
