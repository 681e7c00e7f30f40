import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { shortened } from "../../core/escape.ts";
import { type ExtensionName, type Limits, readLimits, readVersion, safeLimits } from "./extensions.ts";
import { Malformed } from "./malformed.ts";
import { PacketSplitter } from "./packet-splitter.ts";
import { mostDataBytes, packetType, sftpVersion } from "./packet-types.ts";
import { PacketWriter } from "./packet-writer.ts";
import { type ReplyReader, StatusReply } from "./replies.ts";
import type { SftpLink } from "./sftp-link.ts";

interface Pending {
  /** Ends the request with its reply. @throws Malformed */
  take(packet: Buffer): void;
  reject(error: Error): void;
  sentAt: number;
}

/**
 * SFTP version 3 over one link: requests go out at once, as many as whoever asks wants, and each gets its own reply. What a server sends is bounded and checked; the first thing that it
 * must not send ends the link, and every request with it.
 */
export class SftpClient {
  readonly #link: SftpLink;
  readonly #pending = new Map<number, Pending>();
  readonly #watchers = new Set<(reason: SshMcpError) => void>();
  readonly #ended = Promise.withResolvers<SshMcpError>();
  readonly #version = Promise.withResolvers<void>();
  #offered: ReadonlySet<ExtensionName> | null = null;
  #limits = safeLimits;
  #failure: SshMcpError | null = null;
  #nextId = 0;
  #handles = 0;
  #unattended = 0;
  #roundTripMs = Number.POSITIVE_INFINITY;

  /**
   * One round trip.
   * @throws SshMcpError PROTOCOL_ERROR for a server that speaks something else, CANCELED, and whatever ended the link
   */
  static async open(link: SftpLink, signal: AbortSignal): Promise<SftpClient> {
    const client = new SftpClient(link);
    const abort = (): void => client.#fail(new SshMcpError("CANCELED", "starting SFTP was canceled"));
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    try {
      await client.#version.promise;
      return client;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  private constructor(link: SftpLink) {
    this.#link = link;
    const splitter = new PacketSplitter((packet) => this.#take(packet));
    link.onData = (chunk) => {
      if (this.#failure !== null) return true;
      try {
        const length = splitter.take(chunk);
        if (length !== null) this.#fail(unreadable(length, this.#offered === null));
      } catch (thrown) {
        this.#fail(thrown instanceof Malformed ? protocolError(thrown.message) : toSshMcpError(thrown));
      }
      return !splitter.hasLent;
    };
    void link.ended.then((error) => this.#fail(error));
    link.send(new PacketWriter(packetType.init).uint32(sftpVersion).packet());
  }

  /** Resolves with the reason when nothing can be asked any more; never rejects. */
  get ended(): Promise<SshMcpError> {
    return this.#ended.promise;
  }

  /** The same for one who stays shorter than the client. @returns what ends the watch */
  watchEnd(onEnd: (reason: SshMcpError) => void): () => void {
    this.#watchers.add(onEnd);
    if (this.#failure !== null) onEnd(this.#failure);
    return () => void this.#watchers.delete(onEnd);
  }

  get isEnded(): boolean {
    return this.#failure !== null;
  }

  /** Whether somebody waits for an answer, or holds something open: a server that stands still would keep them waiting as well. */
  get isInUse(): boolean {
    return this.unanswered > 0 || this.#handles > 0;
  }

  /** Requests without a reply, but for those that nobody waits for. */
  get unanswered(): number {
    return this.#pending.size - this.#unattended;
  }

  /** Says of a request, made just now, that nobody waits for its answer. */
  unattended(request: Promise<unknown>): void {
    if (this.#failure !== null) {
      request.catch(() => undefined);
      return;
    }
    this.#unattended += 1;
    const answered = (): void => {
      this.#unattended -= 1;
    };
    request.then(answered, answered);
  }

  /** Notes that one was opened, or that one is closed. */
  countHandle(change: 1 | -1): void {
    this.#handles += change;
  }

  /** The shortest time that a reply took, in milliseconds. */
  get roundTripMs(): number {
    return Number.isFinite(this.#roundTripMs) ? this.#roundTripMs : 0;
  }

  /** What one request may read and write, as far as it is known by now. */
  get limits(): Limits {
    return this.#limits;
  }

  offers(extension: ExtensionName): boolean {
    return this.#offered?.has(extension) ?? false;
  }

  /** Learns that the server gives no more than this for one READ. */
  learnRead(bytes: number): void {
    if (bytes < this.#limits.read) this.#limits = { ...this.#limits, read: bytes };
  }

  /**
   * @param fill writes what stands behind the request's id
   * @param content the last field, a string that is not copied and must not change any more
   * @throws StatusReply for a status that is no answer, SshMcpError when the link ended first
   */
  ask<T>(
    type: number,
    fill: (writer: PacketWriter) => unknown,
    read: ReplyReader<T>,
    content?: Uint8Array,
  ): Promise<T> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const id = this.#takeId();
    const writer = new PacketWriter(type).uint32(id);
    fill(writer);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#pending.set(id, { take: (packet) => resolve(read(packet)), reject, sentAt: performance.now() });
    if (content === undefined) this.#link.send(writer.packet());
    else {
      this.#link.send(writer.uint32(content.length).packet(content.length));
      this.#link.send(content);
    }
    return promise;
  }

  /** Ends the link for something that a server must not send. @returns the error */
  breakOff(what: string): SshMcpError {
    const error = protocolError(what);
    this.#fail(error);
    return error;
  }

  /** Ends the link; what was asked fails with the reason. */
  end(reason: SshMcpError = new SshMcpError("CONNECTION_LOST", "SFTP was ended")): void {
    this.#fail(reason);
  }

  #takeId(): number {
    do this.#nextId = (this.#nextId + 1) >>> 0;
    while (this.#pending.has(this.#nextId));
    return this.#nextId;
  }

  #take(packet: Buffer): void {
    // One chunk can hold more packets behind the one that ended it.
    if (this.#failure !== null) return;
    if (this.#offered === null) {
      this.#begin(packet);
      return;
    }
    if (packet.length < 5) throw new Malformed(`a packet of ${packet.length} bytes`);
    const id = packet.readUInt32BE(1);
    const pending = this.#pending.get(id);
    if (pending === undefined) throw new Malformed(`a reply to request ${id}, which is not open`);
    try {
      pending.take(packet);
    } catch (thrown) {
      if (!(thrown instanceof StatusReply)) throw thrown;
      pending.reject(thrown);
    }
    this.#pending.delete(id);
    this.#roundTripMs = Math.min(this.#roundTripMs, performance.now() - pending.sentAt);
  }

  #begin(packet: Buffer): void {
    this.#offered = readVersion(packet);
    if (this.#offered.has("limits@openssh.com")) {
      // Nobody waits for it: a READ can be answered with less, and until then a WRITE is as small as every server takes it.
      this.#limits = { ...safeLimits, read: mostDataBytes };
      const asked = this.ask(
        packetType.extended,
        (writer) => writer.string(Buffer.from("limits@openssh.com")),
        readLimits,
      );
      const learnt = asked.then((limits) => {
        this.#limits = limits;
      });
      this.unattended(learnt);
    }
    this.#version.resolve();
  }

  #fail(error: SshMcpError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#link.end(error);
    this.#version.reject(error);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    for (const onEnd of this.#watchers) onEnd(error);
    this.#watchers.clear();
    this.#ended.resolve(error);
  }
}

const protocolError = (what: string): SshMcpError =>
  new SshMcpError("PROTOCOL_ERROR", `the SFTP server sent ${shortened(what, 200)}`);

/** @param isFirst whether nothing of SFTP came before */
const unreadable = (length: number, isFirst: boolean): SshMcpError => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  const text = bytes.toString("latin1");
  if (!isFirst || !/^[\x20-\x7e\r\n\t\x1b]{4}$/.test(text)) return protocolError(`a packet of ${length} bytes`);
  return new SshMcpError(
    "PROTOCOL_ERROR",
    `the server sent text in place of SFTP; it begins "${shortened(text, 20)}"`,
    {
      hint: "have the start-up files of the remote shell (.bashrc, .cshrc) print nothing when there is no terminal",
    },
  );
};
