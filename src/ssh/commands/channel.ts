import type { TerminalSize } from "../../core/call-scope.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { OutputStreamName } from "../../core/outputs.ts";
import { initialWindow, opensWindowByExec, type Ssh2Channel, type Ssh2Protocol } from "../transport/ssh2.ts";

export type OutputStream = OutputStreamName;

/** How a channel reported its command's end: RFC 4254, section 6.10. */
export type ExitReport = { code: number } | { signal: string };

export const exitWords = (exit: ExitReport): string =>
  "code" in exit ? `status ${exit.code}` : `signal ${exit.signal}`;

/**
 * Room is given back by the quarter of a window: the sender never waits for it on a long round trip, and
 * an adjustment is not sent for every chunk.
 */
const adjustThreshold = initialWindow / 4;

/**
 * Below this a peer could make us send its data in crumbs; RFC 4254 gives no minimum,
 * every real server offers 16 KiB or more.
 */
const smallestPacket = 512;

/**
 * One session channel. Its window is given back by `consume`, that is by what the reader took: at most the window is
 * ever held here, for both streams together, whatever the reader does.
 */
export class SessionChannel {
  readonly #channel: Ssh2Channel;
  readonly #protocol: Ssh2Protocol;
  readonly #closed = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  #consumed = 0;
  #isClosed = false;
  #isComplete = false;
  #exit: ExitReport | null = null;
  /** Null until something is asked of the server: output before that is no command's. */
  #onData: ((stream: OutputStream, chunk: Buffer) => void) | null = null;
  /** Ends the write under way, when the channel closes first. */
  #endWrite: () => void = () => undefined;

  /**
   * @param isConnected whether the connection is still up
   * @throws SshMcpError PROTOCOL_ERROR when the peer opened the channel with an unusable packet size
   */
  constructor(channel: Ssh2Channel, protocol: Ssh2Protocol, isConnected: () => boolean) {
    if (channel.outgoing.packetSize < smallestPacket) {
      throw new SshMcpError("PROTOCOL_ERROR", `the server offered packets of ${channel.outgoing.packetSize} bytes`);
    }
    this.#channel = channel;
    this.#protocol = protocol;
    const take =
      (stream: OutputStream) =>
      (chunk: Buffer | null): boolean => {
        if (chunk !== null) this.#receive(stream, chunk);
        else {
          // An end that the peer sent itself, not one that the end of the connection makes of it.
          if (channel.incoming.state === "eof" || isConnected()) this.#isComplete = true;
          if (channel.incoming.state === "closed") this.#close();
        }
        // "Full", always: ssh2 must not widen the window by itself, `consume` does.
        return false;
      };
    channel.push = take("stdout");
    channel.stderr.push = take("stderr");
    channel.on("error", () => undefined);
    channel.stderr.on("error", () => undefined);
    channel.on("exit", (code, signal) => {
      // A command ends once: what comes after is no correction of it.
      this.#exit ??= code === null ? { signal: (signal ?? "").replace(/^SIG/, "") } : { code };
      this.#exited.resolve();
    });
  }

  /** Resolves when the channel is closed by the peer, or with its connection. Data never follows. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Resolves when the server has reported the command's end, or the channel is closed. Output may follow: others may hold it open. */
  get exited(): Promise<void> {
    return this.#exited.promise;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the server said that its output is complete: by EOF (RFC 4254, section 5.3), or by closing the channel itself. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** The end the server reported, or null: a channel that closed without one proves nothing. */
  get exit(): ExitReport | null {
    return this.#exit;
  }

  /** Sets who takes the output, to be called before anything is asked for; whoever gets a chunk calls `consume` when done with it. */
  read(onData: (stream: OutputStream, chunk: Buffer) => void): void {
    this.#onData = onData;
  }

  /** Gives the peer room for as many bytes as the reader has taken (RFC 4254, section 5.2). */
  consume(bytes: number): void {
    this.#consumed += bytes;
    if (this.#consumed < adjustThreshold || this.#isClosed) return;
    const room = this.#consumed;
    this.#consumed = 0;
    this.#channel.incoming.window += room;
    this.#send(() => this.#protocol.channelWindowAdjust(this.#channel.outgoing.id, room));
  }

  /** Asks for an environment variable; resolves to whether the server took it. Sends at once, waits for nothing. */
  env(name: string, value: string): Promise<boolean> {
    return this.#request(() => this.#protocol.env(this.#channel.outgoing.id, name, value, true));
  }

  /** The same for one that matters to nobody here, as ssh(1) sends them: nothing is answered. */
  offer(name: string, value: string): void {
    this.#send(() => this.#protocol.env(this.#channel.outgoing.id, name, value, false));
  }

  /** Asks for a socket that leads to an agent here (draft-miller-ssh-agent, section 4.1); nothing is answered. */
  forwardAgent(): void {
    this.#send(() => this.#protocol.openssh_agentForward(this.#channel.outgoing.id, false));
  }

  /** Asks for a terminal (RFC 4254, section 6.2); resolves to whether the server gave one. @param type TERM */
  pty(type: string, { columns, rows, modes = null }: TerminalSize & { modes?: Buffer | null }): Promise<boolean> {
    return this.#request(() => this.#protocol.pty(this.#channel.outgoing.id, rows, columns, 0, 0, type, modes, true));
  }

  /** Tells a terminal's new size (RFC 4254, section 6.7). */
  resize({ columns, rows }: TerminalSize): void {
    this.#send(() => this.#protocol.windowChange(this.#channel.outgoing.id, rows, columns, 0, 0));
  }

  /** Sends the exec request (RFC 4254, section 6.5); resolves to whether the server took it. */
  exec(command: string): Promise<boolean> {
    return this.#request(() => this.#protocol.exec(this.#channel.outgoing.id, command, true));
  }

  /** Asks for a subsystem in a command's place (RFC 4254, section 6.5); resolves to whether the server took it. */
  subsystem(name: string): Promise<boolean> {
    return this.#request(() => this.#protocol.subsystem(this.#channel.outgoing.id, name, true));
  }

  /** Gives the peer more room than it began with (RFC 4254, section 5.2): what is not consumed may then be as much more. */
  widen(bytes: number): void {
    if (this.#isClosed) return;
    this.#channel.incoming.window += bytes;
    this.#send(() => this.#protocol.channelWindowAdjust(this.#channel.outgoing.id, bytes));
  }

  /** Sends a signal (RFC 4254, section 6.9), also after our EOF. Whether the server acts on it, nobody says. */
  signal(name: "TERM" | "KILL"): void {
    this.#send(() => this.#protocol.signal(this.#channel.outgoing.id, name));
  }

  /** Resolves when the peer's window took the chunk; also when the channel closed meanwhile, and the bytes are lost. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#isClosed || this.#channel.outgoing.state !== "open") return;
    await new Promise<void>((resolve) => {
      this.#endWrite = resolve;
      this.#send(() => this.#channel.write(chunk, () => resolve()));
      // ssh2 knows no debt, and would not go on when it is paid.
      if (this.#channel.outgoing.window < 0) this.#channel._waitWindow = true;
    });
  }

  /**
   * The same for what a request that has just gone out is to read: `exec`, or `subsystem`. Where it is known that the request opens a window, this is
   * not waited for: it would cost a round trip.
   */
  async writeAhead(chunk: Uint8Array): Promise<void> {
    const { outgoing } = this.#channel;
    const fits = chunk.length <= outgoing.packetSize && outgoing.window === 0 && outgoing.state === "open";
    if (!fits || this.#isClosed || !opensWindowByExec(this.#channel)) return await this.write(chunk);
    outgoing.window = -chunk.length;
    // ssh2 takes any other array of bytes for a text.
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#send(() => this.#protocol.channelData(outgoing.id, bytes));
  }

  eof(): void {
    this.#send(() => this.#channel.eof());
  }

  /** Closes our side. The peer's close, and `closed` with it, may wait for the command's end. */
  close(): void {
    this.#send(() => this.#channel.close());
  }

  #receive(stream: OutputStream, chunk: Buffer): void {
    // An empty packet costs the peer no window: kept, it would cost us without end.
    if (chunk.length === 0) return;
    if (this.#onData !== null) this.#onData(stream, chunk);
    else this.close();
  }

  #request(send: () => void): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#channel._callbacks.push((failed) => resolve(failed === false));
      this.#send(send);
    });
  }

  /**
   * ssh2 throws while a connection that broke the protocol is on its way down;
   * `closed` follows and says all there is to say.
   */
  #send(send: () => void): void {
    if (this.#isClosed) return;
    try {
      send();
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("Instance unusable")) throw error;
    }
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endWrite();
    this.#exited.resolve();
    this.#closed.resolve();
  }
}
