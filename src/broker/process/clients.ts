/** The clients of a broker: who is connected, and how many at most. */
import { SshMcpError } from "../../core/errors.ts";
import type { Transport } from "../wire/protocol.ts";
import { type ServedConnection, type ServerOptions, serveConnection } from "./server.ts";

/** Connections at once: one for each process that uses the broker. */
export const clientLimit = 256;
/** Connections beyond, so that a person can still look at a broker that is full, and stop it: they are served nothing else, and soon closed. */
export const reserve = 64;
const reserveLimitMs = 1000;
/** From the connection to the last byte of the hello. */
const helloLimitMs = 10_000;

export class Clients {
  readonly #options: ServerOptions;
  readonly #helloLimitMs: number;
  readonly #connections = new Set<ServedConnection>();

  constructor(options: ServerOptions, limitMs = helloLimitMs) {
    this.#options = options;
    this.#helloLimitMs = limitMs;
  }

  /** Those that have not gone, or whose calls still run. */
  get size(): number {
    return this.#connections.size;
  }

  [Symbol.iterator](): IterableIterator<ServedConnection> {
    return this.#connections.values();
  }

  accept(transport: Transport): void {
    const connection = serveConnection(transport, this.#options);
    const isBeyond = this.#connections.size >= clientLimit;
    if (this.#connections.size >= clientLimit + reserve) {
      connection.refuse(tooManyClients());
      return;
    }
    this.#connections.add(connection);
    if (isBeyond) connection.refuseRequests(tooManyClients());
    const overdue = (): void => {
      if (isBeyond) connection.refuse(tooManyClients());
      else if (!connection.greeted) connection.refuse(noHello());
    };
    const timer = setTimeout(overdue, isBeyond ? reserveLimitMs : this.#helloLimitMs);
    void connection.ended.then(() => {
      clearTimeout(timer);
      this.#connections.delete(connection);
    });
  }
}

const tooManyClients = (): SshMcpError =>
  new SshMcpError("BROKER_UNAVAILABLE", `${clientLimit} processes are connected to the broker already`, {
    hint: "ssh-mcp --no-broker …",
  });

const noHello = (): SshMcpError =>
  new SshMcpError("PROTOCOL_ERROR", "the other side did not say hello in time", { hint: "ssh-mcp broker status" });
