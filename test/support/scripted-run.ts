import type { Connection, ServerChannel } from "ssh2";
import { message, peerChannel, sendMessage, socketOf } from "./ssh-packet.ts";

/** One exec request at the scripted server, and the ways to answer it. */
export class Run {
  #channel: ServerChannel | null = null;
  readonly #stdin: Buffer[] = [];
  readonly #ended = Promise.withResolvers<void>();

  constructor(
    readonly command: string,
    /** The env requests that came before. */
    readonly environment: ReadonlyMap<string, string>,
    readonly pty: boolean,
    /** Names of the signal requests so far, without SIG. */
    readonly signals: readonly string[],
    readonly connection: Connection,
    readonly acceptRequest: () => ServerChannel,
    readonly rejectRequest: () => void,
  ) {}

  /** CHANNEL_SUCCESS. Calling it again returns the same channel. */
  accept(): ServerChannel {
    if (this.#channel !== null) return this.#channel;
    const channel = this.acceptRequest();
    this.#channel = channel;
    channel.on("data", (chunk: Buffer) => this.#stdin.push(chunk));
    channel.on("end", () => this.#ended.resolve());
    channel.on("close", () => this.#ended.resolve());
    // A client that goes away is no error of the server.
    channel.on("error", () => this.#ended.resolve());
    return channel;
  }

  /** CHANNEL_FAILURE. */
  refuse(): void {
    this.rejectRequest();
  }

  /** Writes, reports the status (any 32-bit number, or a signal's name without SIG), and closes. */
  finish(status: number | string, stdout: string | Uint8Array = "", stderr: string | Uint8Array = ""): void {
    const channel = this.accept();
    if (stdout.length > 0) channel.write(stdout);
    if (stderr.length > 0) channel.stderr.write(stderr);
    if (typeof status === "number") channel.exit(status);
    else channel.exit(status);
    channel.end();
  }

  /** Everything the client sent, once it ended its input or went away. */
  async stdin(): Promise<Buffer> {
    this.accept();
    await this.#ended.promise;
    return Buffer.concat(this.#stdin);
  }

  /** Sends data whatever the window says (RFC 4254, section 5.2). @returns false when the socket queues */
  force(data: Uint8Array): boolean {
    return sendMessage(this.connection, message.data, peerChannel(this.accept()), data);
  }

  /** Resets the TCP connection, as a server that crashed. */
  die(): void {
    socketOf(this.connection).resetAndDestroy();
  }
}
