import { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { ChannelOpenFailure, openTcpChannel, protocolOf, type Ssh2Channel, type Ssh2Protocol } from "./ssh2.ts";

/**
 * Bytes that may come ahead of being read. What is carried is read at once, so that this costs no memory here, and several channels within are
 * not held up by the one that they share.
 */
const tunnelWindow = 8 * 1024 * 1024;
const adjustThreshold = tunnelWindow / 4;

/** Below this a peer could make us send in crumbs. */
const smallestPacket = 512;

export interface TunnelEnd {
  host: string;
  port: number;
}

/** The connection that a tunnel goes through. */
export interface TunnelHost {
  client: Client;
  /** What it is called in messages. */
  name: string;
  isOpen(): boolean;
  /** Resolves with the reason when it has ended. */
  ended: Promise<Error>;
}

/**
 * Has a server connect to a host and port, as `ssh -W` does (RFC 4254, section 7.2), and carries bytes there and back. The stream fails with
 * CONNECTION_LOST, naming the server, when its connection ends.
 * @throws SshMcpError CHANNEL_REFUSED when the server does not forward; CONNECT_REFUSED, CONNECT_TIMEOUT, DNS_FAILED or UNREACHABLE when it
 *   cannot connect; CONNECTION_LOST
 */
export const openTunnel = async (through: TunnelHost, to: TunnelEnd): Promise<Duplex> => {
  if (!through.isOpen()) throw lost(through.name, await through.ended);
  try {
    return await openTcpChannel(through.client, to, tunnelWindow, (channel) => new Tunnel(channel, through));
  } catch (error) {
    if (!(error instanceof ChannelOpenFailure)) throw error;
    if (error.reason === null) throw lost(through.name, error);
    throw refusal(error, through.name, to);
  }
};

/** A channel as a stream. What is read gives the peer room again. */
class Tunnel extends Duplex {
  readonly #channel: Ssh2Channel;
  readonly #protocol: Ssh2Protocol;
  readonly #through: TunnelHost;
  #received = 0;
  #given = 0;
  #isComplete = false;

  constructor(channel: Ssh2Channel, through: TunnelHost) {
    if (channel.outgoing.packetSize < smallestPacket) {
      throw new SshMcpError(
        "PROTOCOL_ERROR",
        `${through.name} offered packets of ${channel.outgoing.packetSize} bytes`,
      );
    }
    super({ allowHalfOpen: false });
    this.#channel = channel;
    this.#protocol = protocolOf(through.client);
    this.#through = through;
    channel.push = (chunk) => {
      if (chunk !== null) this.#receive(chunk);
      else this.#finish();
      // "Full", always: ssh2 must not widen the window by itself.
      return false;
    };
    // Extended data has no place here (RFC 4254, section 7.2): it is dropped, and its window with it.
    channel.stderr.push = () => false;
    channel.on("error", () => undefined);
    channel.stderr.on("error", () => undefined);
    // One that is given up before anybody listens is no reason for the process to end.
    this.on("error", () => undefined);
    void through.ended.then((reason) => this.destroy(lost(through.name, reason)));
  }

  override _read(): void {
    this.#giveRoom();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#channel.outgoing.state !== "open") done(closed(this.#through.name));
    else this.#send(() => this.#channel._write(chunk, null, done));
  }

  override _final(done: () => void): void {
    this.#send(() => this.#channel.eof());
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#send(() => this.#channel.close());
    done(error);
  }

  #receive(chunk: Buffer): void {
    if (this.destroyed || this.#isComplete) return;
    this.#received += chunk.length;
    this.push(chunk);
    this.#giveRoom();
  }

  /** RFC 4254, section 5.2: as many bytes as were read since. */
  #giveRoom(): void {
    const room = this.#received - this.#given - this.readableLength;
    if (room < adjustThreshold || this.#channel.incoming.state !== "open") return;
    this.#given += room;
    this.#channel.incoming.window += room;
    this.#send(() => this.#protocol.channelWindowAdjust(this.#channel.outgoing.id, room));
  }

  /** The far end has ended it, unless the connection itself did: then its reason follows. */
  #finish(): void {
    if (this.destroyed || !this.#through.isOpen()) return;
    if (!this.#isComplete) this.push(null);
    this.#isComplete = true;
    if (this.#channel.incoming.state === "closed") this.end();
  }

  /** ssh2 throws while a connection that broke the protocol is on its way down; the reason follows. */
  #send(send: () => void): void {
    if (!this.#through.isOpen()) return;
    try {
      send();
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("Instance unusable")) throw error;
    }
  }
}

const lost = (name: string, cause: Error): SshMcpError =>
  new SshMcpError("CONNECTION_LOST", `the jump host ${name} was lost: ${cause.message}`, { cause });

const closed = (name: string): SshMcpError => new SshMcpError("CONNECTION_LOST", `the way through ${name} was closed`);

/** RFC 4254, section 5.1: the reasons of a refusal. */
const administrativelyProhibited = 1;
const connectFailed = 2;

const refusal = (cause: ChannelOpenFailure, name: string, to: TunnelEnd): SshMcpError => {
  const { reason, message } = cause;
  const words = escapeLine(message.replace(/^\(SSH\) Channel open failure: */, ""));
  const there = `${to.host} port ${to.port}`;
  if (reason === administrativelyProhibited) {
    return new SshMcpError(
      "CHANNEL_REFUSED",
      `${name} does not forward to ${there} (administratively prohibited: ${words}): AllowTcpForwarding, PermitOpen or DisableForwarding of its sshd_config, or a restriction of the key, forbids it`,
      { cause, retryable: false },
    );
  }
  if (reason !== connectFailed) {
    return new SshMcpError("CHANNEL_REFUSED", `${name} opens no way to ${there}: ${words}`, { cause });
  }
  const code = /refused/i.test(words)
    ? "CONNECT_REFUSED"
    : /timed out/i.test(words)
      ? "CONNECT_TIMEOUT"
      : /name or service|name resolution|nodename|no address/i.test(words)
        ? "DNS_FAILED"
        : "UNREACHABLE";
  return new SshMcpError(code, `${name} cannot reach ${there}: ${words}`, { cause });
};
