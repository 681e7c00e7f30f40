/** Agent forwarding: the server opens a channel for whoever asks its copy of the agent's socket, and it ends at the agent here. */
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { onAgentChannel } from "../transport/ssh2.ts";

/**
 * The agents that a connection's commands may use. The server does not say which command a channel is for: the one that began last decides, and
 * when none is left every channel is refused, though the server's socket stays until the connection ends.
 */
export class AgentForwarding {
  readonly #client: Client;
  /** Sockets of the commands under way, in the order they began. */
  readonly #sockets: { path: string }[] = [];
  #isListening = false;

  constructor(client: Client) {
    this.#client = client;
  }

  /** @param path the agent's socket @returns what ends it for this command, however often it is called */
  begin(path: string): () => void {
    if (!this.#isListening) onAgentChannel(this.#client, () => this.#open());
    this.#isListening = true;
    const entry = { path };
    this.#sockets.push(entry);
    return () => {
      const at = this.#sockets.indexOf(entry);
      if (at !== -1) this.#sockets.splice(at, 1);
    };
  }

  #open(): Promise<Duplex> {
    const path = this.#sockets.at(-1)?.path;
    if (path === undefined) return Promise.reject(new Error("no command forwards an agent"));
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
    const socket = connect(path);
    socket.once("connect", () => resolve(new AgentStream(socket)));
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
