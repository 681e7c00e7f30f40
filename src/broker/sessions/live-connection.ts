import type { Connection } from "../../ssh/connection.ts";

/** A session's connection, with the calls on it. */
export class LiveConnection {
  readonly connection: Connection;
  /** When the login went through, by the clock that counts the machine's sleep. */
  readonly since: number;
  #calls = 0;
  #isRetired = false;

  constructor(connection: Connection, since: number) {
    this.connection = connection;
    this.since = since;
  }

  /** Runs a call on it; it is not closed under the call, unless by its peer. */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    this.#calls += 1;
    try {
      return await work(this.connection);
    } finally {
      this.#calls -= 1;
      this.#closeIfDone();
    }
  }

  /** Closes it as soon as no call is left; resolves when it has ended. The session gives it no further call. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    this.#closeIfDone();
    await this.connection.ended;
  }

  #closeIfDone(): void {
    if (this.#isRetired && this.#calls === 0) void this.connection.close();
  }
}
