import { SshMcpError } from "../../core/errors.ts";
import { escapeLine, shortened } from "../../core/escape.ts";
import { giveUp } from "../../core/spent-memory.ts";
import type { SessionChannel } from "../commands/channel.ts";
import type { SftpLink } from "../sftp/sftp-link.ts";
import { initialWindow } from "../transport/ssh2.ts";
import { SendQueue } from "./send-queue.ts";

/** What the server may send ahead: a long round trip at full speed, and no more of our memory than that. */
const window = 16 * 1024 * 1024;
/** How long a server may take to end SFTP by itself when its input has ended. */
const endGraceMs = 1000;
/** Characters of what is said beside the protocol that are kept. */
const complaintLimit = 1024;

/** The connection as an SFTP channel sees it. */
export interface SftpHost {
  connected(): boolean;
  lostReason(): string;
}

/** The subsystem `sftp` on a session channel (RFC 4254, section 6.5): requested at once; what is sent goes out with the request. */
export class SftpChannel implements SftpLink {
  onData: SftpLink["onData"] = () => undefined;
  heardAt = performance.now();
  readonly #channel: SessionChannel;
  readonly #ended = Promise.withResolvers<SshMcpError>();
  readonly #queue: SendQueue;
  readonly #refusal = new SshMcpError("UNSUPPORTED", "the server has no SFTP");
  #isEnded = false;
  #complaint = "";

  constructor(channel: SessionChannel, host: SftpHost) {
    this.#channel = channel;
    channel.read((stream, chunk) => {
      const { length } = chunk;
      this.heardAt = performance.now();
      if (this.#isEnded) this.#complaint = "";
      else if (stream === "stdout") {
        if (this.onData(chunk) === true) giveUp(chunk);
      } else this.#complaint = (this.#complaint + chunk.toString("latin1")).slice(0, complaintLimit);
      channel.consume(length);
    });
    const taken = channel.subsystem("sftp");
    channel.widen(window - initialWindow);
    let isFirst = true;
    this.#queue = new SendQueue((bytes) => {
      const write = isFirst ? channel.writeAhead(bytes) : channel.write(bytes);
      isFirst = false;
      return write;
    });
    // A refused request leaves its channel open.
    void taken.then((isTaken) => {
      if (isTaken || channel.isClosed || !host.connected()) return;
      this.#finish(this.#refusal);
    });
    void channel.closed.then(() => {
      const said = this.#complaint.trim() === "" ? "" : `: ${shortened(escapeLine(this.#complaint.trim()), 200)}`;
      this.#finish(
        host.connected()
          ? new SshMcpError("REMOTE_IO", `the server ended SFTP${said}`)
          : new SshMcpError("CONNECTION_LOST", host.lostReason()),
      );
    });
  }

  get ended(): Promise<SshMcpError> {
    return this.#ended.promise;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Resolves when the channel has closed, and its slot is free. */
  get closed(): Promise<void> {
    return this.#channel.closed;
  }

  send(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  end(reason = new SshMcpError("CONNECTION_LOST", "SFTP was ended")): void {
    this.#finish(reason);
  }

  /**
   * The first reason stays. The server's side ends with its input: closed at once, its channel would be counted by OpenSSH for a moment longer, and the
   * next one refused.
   */
  #finish(reason: SshMcpError): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#queue.drop();
    this.#ended.resolve(reason);
    const channel = this.#channel;
    if (reason === this.#refusal) {
      channel.close();
      return;
    }
    channel.eof();
    const closing = setTimeout(() => channel.close(), endGraceMs);
    closing.unref();
    void channel.exited.then(() => {
      clearTimeout(closing);
      channel.close();
    });
  }
}
