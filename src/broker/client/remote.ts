/** The broker as a process of its own, as faces use it: connected to when it is needed, started when it is not there, found again when it went. */
import { type BrokerPlace, brokerPlace } from "../../files/broker-place.ts";
import { machinePlace } from "../../files/machine.ts";
import type { Environment } from "../../files/paths.ts";
import type { BrokerStatus, Transport } from "../wire/protocol.ts";
import { NotAccepted } from "./call-errors.ts";
import type { CallOptions } from "./call-options.ts";
import { BrokerClient } from "./client.ts";
import { connectToBroker } from "./connect.ts";
import { explained, isStopped } from "./silence.ts";
import { connectOrSpawn } from "./spawn.ts";
import { stopBroker } from "./stop-broker.ts";

/** How often a request is sent when each time the connection ends before it was accepted, as while brokers replace each other. */
const attempts = 4;

export interface RemoteBrokerOptions {
  /** Says which place is meant, and is what a new broker's own environment is made of. */
  environment: Environment;
  /** Milliseconds that the broker may take to accept a request. */
  patienceMs?: number;
}

export class RemoteBroker {
  readonly #place: BrokerPlace;
  readonly #environment: Environment;
  readonly #options: { patienceMs?: number };
  /** Those on which something may still run; further requests take the last one. */
  #clients: BrokerClient[] = [];
  #connecting: Promise<BrokerClient> | null = null;
  #closed = false;

  /** @throws SshMcpError INVALID_INPUT for an SSH_MCP_DIR that is no absolute path */
  constructor({ environment, ...options }: RemoteBrokerOptions) {
    this.#place = brokerPlace(environment);
    this.#environment = environment;
    this.#options = options;
  }

  /** Where the broker listens, or would. */
  get socket(): string {
    return this.#place.socket;
  }

  /**
   * Connects, or does nothing when there is a connection.
   * @throws SshMcpError as `connectOrSpawn`
   */
  async connect(): Promise<void> {
    try {
      await this.#client();
    } catch (thrown) {
      throw explained(this.#place, thrown);
    }
  }

  /**
   * Runs one operation, see `BrokerClient.call`, in the broker that is there or in one that is started for it.
   * @throws SshMcpError also as `connectOrSpawn`
   */
  async call(options: CallOptions): Promise<unknown> {
    return await this.#over((client) => client.call(options));
  }

  /**
   * Asks the broker about itself; starts none.
   * @returns null when none is running
   * @throws SshMcpError BROKER_UNAVAILABLE when one is running and does not answer
   */
  async status(): Promise<BrokerStatus | null> {
    let client: BrokerClient | null = null;
    try {
      const transport = await connectToBroker(this.#place);
      if (transport === null) return null;
      client = this.#greet(transport);
      return await client.status();
    } catch (thrown) {
      // It ended just then.
      if (thrown instanceof NotAccepted) return null;
      throw explained(this.#place, thrown);
    } finally {
      client?.close();
    }
  }

  /**
   * Starts a broker, unless one is there.
   * @throws SshMcpError as `call`
   */
  async start(): Promise<BrokerStatus> {
    return await this.#over((client) => client.status());
  }

  /**
   * Asks the broker to end, of whatever version it is, and waits for its end. What it runs is canceled.
   * @returns false when none was running
   * @throws SshMcpError BROKER_UNAVAILABLE when it does not end
   */
  async stop(): Promise<boolean> {
    return await stopBroker(this.#place);
  }

  /** Ends the connections, which cancels what runs over them. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#connecting?.catch(() => undefined);
    for (const client of this.#clients) client.close();
  }

  async #over<T>(ask: (client: BrokerClient) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask(await this.#client());
      } catch (thrown) {
        const again = thrown instanceof NotAccepted && attempt < attempts && !this.#closed;
        if (!again) throw explained(this.#place, thrown);
      }
    }
  }

  async #client(): Promise<BrokerClient> {
    const last = this.#clients.at(-1);
    if (last?.usable === true) return last;
    // Those that wait for the same connection share it.
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return await this.#connecting;
  }

  #greet(transport: Transport): BrokerClient {
    const stopped = async (): Promise<boolean> => isStopped(this.#place);
    return new BrokerClient(transport, { ...this.#options, isStopped: stopped, place: machinePlace() });
  }

  async #connect(): Promise<BrokerClient> {
    const transport = await connectOrSpawn(this.#place, this.#environment);
    const client = this.#greet(transport);
    // A broker that leaves its place still ends what runs in it.
    this.#clients = [...this.#clients.filter(({ running }) => running > 0), client];
    if (this.#closed) client.close();
    return client;
  }
}
