/** Agent forwarding: the server opens a channel for whoever asks its copy of the agent's socket, and it ends at the agent here. */
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { onAgentChannel } from "../transport/ssh2.ts";

/** A server that opens more channels at once than that wants something else than signatures. */
const channelLimit = 16;

/**
 * The agents that a connection's commands may use. OpenSSH keeps one socket for the whole connection and does not say which command a channel is
 * for: it is opened only while every command under way forwards the same agent, so that a model's command never reaches a person's keys through
 * a connection that both use.
 */
export class AgentForwarding {
  readonly #client: Client;
  /** Of each command under way, the agent's socket; null for one that has no agent. */
  readonly #commands = new Set<{ path: string | null }>();
  #isListening = false;
  #channels = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** @param path the agent's socket, or null @returns what ends it for this command, however often it is called */
  begin(path: string | null): () => void {
    if (path !== null && !this.#isListening) {
      onAgentChannel(this.#client, () => this.#open());
      this.#isListening = true;
    }
    const command = { path };
    this.#commands.add(command);
    return () => void this.#commands.delete(command);
  }

  #open(): Promise<Duplex> {
    const [path = null, ...others] = new Set([...this.#commands].map((command) => command.path));
    if (path === null || others.length > 0 || this.#channels >= channelLimit) {
      return Promise.reject(new Error("there is no agent that all commands under way forward"));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
    this.#channels += 1;
    const socket = connect(path);
    socket.once("connect", () => resolve(new AgentStream(socket)));
    socket.once("close", () => {
      this.#channels -= 1;
    });
    socket.on("error", reject);
    return promise;
  }
}

/** A socket that ends instead of failing: whoever pipes it has no ear for errors. */
class AgentStream extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk) => this.push(chunk) || socket.pause());
    socket.once("close", () => this.push(null));
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#socket.destroyed) done();
    else this.#socket.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(_error: Error | null, done: () => void): void {
    this.#socket.destroy();
    done();
  }
}
