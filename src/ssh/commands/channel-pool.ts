import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { ChannelOpenFailure } from "../transport/ssh2.ts";
import type { SessionChannel } from "./channel.ts";

/** Commands at once on one connection; OpenSSH's MaxSessions is 10: these, the spare, and one for the stop helper. */
const commandLimit = 8;

/** Channels that a server may take back, or refuse beside others, before a command gives up. */
const attemptLimit = 20;
/** How long a server may take to notice that a channel has closed. */
const settleMs = 1000;

/**
 * The session channels of one connection. Keeps one open ahead of need, so that the next command costs one round trip, and never has
 * more open than the server once granted. Who finds no slot waits in line.
 */
export class ChannelPool {
  readonly #open: () => Promise<SessionChannel>;
  /** Channels open or being opened: commands, the helper, the spare. */
  #used = 0;
  /** Of these, the ones the server has confirmed. */
  #confirmed = 0;
  #commands = 0;
  /** How many channels at once the server grants, as far as is known. */
  #granted = Number.POSITIVE_INFINITY;
  #spare: Promise<SessionChannel | null> | null = null;
  /** When a channel last closed, on the monotonic clock. */
  #closedAt = Number.NEGATIVE_INFINITY;
  readonly #onlyOne: boolean;
  #sparesWelcome: boolean;
  readonly #line: (() => void)[] = [];
  /** Channels that are kept though nobody uses them, by what ends each. */
  readonly #idle = new Set<{ end: () => void }>();
  #holds = 0;

  /**
   * @param open opens a channel; rejects with ChannelOpenFailure when the server refuses or is gone
   * @param software the server's software version. Dropbear 2022.83 closes every channel without a command whenever a command on another one
   * ends, and ends the connection over what still comes for it: it gets no spare, and one command at a time.
   */
  constructor(open: () => Promise<SessionChannel>, software: string) {
    this.#open = open;
    this.#onlyOne = /^dropbear/i.test(software);
    this.#sparesWelcome = !this.#onlyOne;
  }

  /** Whether a command would have to wait for others that run. A stop that looks around holds it up too, but not for long. */
  get isFull(): boolean {
    return !this.#hasSlot() && this.#idle.size === 0;
  }

  /** Whether a channel more leaves room for commands: one that may come, and one to stop it. */
  get isRoomy(): boolean {
    const slots = this.#onlyOne ? 1 : Math.min(commandLimit, Math.max(1, this.#granted - 1));
    return this.#holds === 0 && this.#line.length === 0 && this.#commands + 2 <= slots;
  }

  /** Whether a command waits in line. */
  get isWaitedFor(): boolean {
    return this.#line.length > 0;
  }

  /** Bytes of the longest command line that the server takes: more ends the whole connection, with every command on it. */
  get longestCommand(): number {
    return this.#onlyOne ? 9_000 : 96 * 1024;
  }

  /** Commands that hold a channel now, or are about to. */
  get commands(): number {
    return this.#commands - this.#idle.size;
  }

  /** Opens the spare channel if there is none; returns at once. */
  prepare(): void {
    if (this.#spare !== null || !this.#sparesWelcome || this.#used >= this.#granted) return;
    const spare: Promise<SessionChannel | null> = this.#openCounted().catch((error: unknown) => {
      if (this.#spare === spare) this.#spare = null;
      if (error instanceof ChannelOpenFailure && !this.#learn()) this.#sparesWelcome = false;
      return null;
    });
    this.#spare = spare;
  }

  /**
   * A channel for a command, the spare if there is one. The slot is free again when the channel has closed.
   * @throws SshMcpError CHANNEL_REFUSED, CONNECTION_LOST, PROTOCOL_ERROR or CANCELED; nothing was sent on a channel then
   */
  async acquire(signal: AbortSignal): Promise<SessionChannel> {
    for (let attempt = 0; ; attempt++) {
      await this.#reserve(signal);
      let channel: SessionChannel | null = null;
      try {
        if (attempt > attemptLimit) {
          throw new SshMcpError("CHANNEL_REFUSED", "the server closes every session before a command can be sent");
        }
        const opened = (await this.#takeSpare()) ?? (await this.#openCommand());
        // Closed before anything was sent on it: another one is as good.
        if (opened?.isClosed === false) channel = opened;
      } finally {
        if (channel === null) {
          this.#commands -= 1;
          this.#wake();
        }
      }
      if (channel === null) continue;
      void channel.closed.then(() => {
        this.#commands -= 1;
        this.#wake();
      });
      return channel;
    }
  }

  /** A channel beside the commands' slots, for a helper. @throws ChannelOpenFailure when the server grants no further channel */
  async acquireHelper(): Promise<SessionChannel> {
    return (await this.#takeSpare()) ?? (await this.#openCounted());
  }

  /**
   * Counts a command's channel as used by nobody until the returned function is called: whoever finds no slot has it ended.
   * @param end ends the channel; called at most once, and perhaps at once
   */
  keepIdle(end: () => void): () => void {
    const kept = { end };
    this.#idle.add(kept);
    if (this.isWaitedFor || this.#holds > 0) this.#endIdle();
    return () => void this.#idle.delete(kept);
  }

  /** Begins no command until the returned function is called; those that come wait in line. What is kept with nobody using it ends. */
  hold(): () => void {
    while (this.#endIdle());
    this.#holds += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds -= 1;
      this.#wake();
    };
  }

  async #takeSpare(): Promise<SessionChannel | null> {
    const spare = this.#spare;
    this.#spare = null;
    const channel = await spare;
    if (channel === null || !channel.isClosed) return channel;
    // It was closed while it waited: this server dislikes spares.
    this.#sparesWelcome = false;
    return null;
  }

  /** Null when the caller must ask, or wait in line, again. */
  async #openCommand(): Promise<SessionChannel | null> {
    try {
      return await this.#openCounted();
    } catch (error) {
      if (!(error instanceof ChannelOpenFailure)) throw error;
      if (error.reason === null) {
        throw new SshMcpError("CONNECTION_LOST", "the connection ended before the command was sent", { cause: error });
      }
      if (this.#learn()) return null;
      const words = error.message.replace(/^\(SSH\) Channel open failure: */, "");
      const reason = words === "" ? "" : `: ${escapeLine(words)}`;
      throw new SshMcpError("CHANNEL_REFUSED", `the server refuses to open a session${reason}`, { cause: error });
    }
  }

  async #openCounted(): Promise<SessionChannel> {
    this.#used += 1;
    try {
      const channel = await this.#openSettled();
      this.#confirmed += 1;
      void channel.closed.then(() => {
        this.#used -= 1;
        this.#confirmed -= 1;
        this.#closedAt = performance.now();
        this.prepare();
        this.#wake();
      });
      return channel;
    } catch (error) {
      this.#used -= 1;
      this.#wake();
      throw error;
    }
  }

  /**
   * Opens a channel, also on a server that has just closed the last one and does not count it as closed yet: OpenSSH with MaxSessions 1
   * refuses for some milliseconds. A refusal proves that nothing ran, so asking again is safe.
   */
  async #openSettled(): Promise<SessionChannel> {
    for (;;) {
      try {
        return await this.#open();
      } catch (error) {
        const refused = error instanceof ChannelOpenFailure && error.reason !== null;
        const settling = this.#confirmed === 0 && performance.now() - this.#closedAt < settleMs;
        if (!refused || !settling) throw error;
        await Bun.sleep(settleMs / 50);
      }
    }
  }

  /** Learns the server's limit from a refusal: it answers in order, so what is confirmed is all it grants. False when nothing is. */
  #learn(): boolean {
    if (this.#confirmed === 0) return false;
    this.#granted = this.#confirmed;
    return true;
  }

  #hasRoom(): boolean {
    return this.#holds === 0 && this.#hasSlot();
  }

  #hasSlot(): boolean {
    if (this.#onlyOne) return this.#used === 0 && this.#commands === 0;
    // Where the server grants few, one of them stays for the stop helper: root's commands cannot be stopped through their own channel.
    if (this.#commands >= Math.min(commandLimit, Math.max(1, this.#granted - 1))) return false;
    return this.#spare !== null || this.#used < this.#granted;
  }

  /** Takes a command's slot, waiting in line for one; the slot is counted from here on. */
  async #reserve(signal: AbortSignal): Promise<void> {
    let woken = false;
    while (!this.#hasRoom() && !signal.aborted) {
      if (this.#holds === 0) this.#endIdle();
      const turn = Promise.withResolvers<void>();
      const wake = (): void => turn.resolve();
      // Whoever was woken in vain keeps its place.
      if (woken) this.#line.unshift(wake);
      else this.#line.push(wake);
      signal.addEventListener("abort", wake, { once: true });
      await turn.promise;
      signal.removeEventListener("abort", wake);
      const at = this.#line.indexOf(wake);
      if (at !== -1) this.#line.splice(at, 1);
      woken = true;
    }
    if (signal.aborted) {
      this.#wake();
      throw new SshMcpError("CANCELED", "the command was canceled before it was sent");
    }
    this.#commands += 1;
    // There may be room for the next one too.
    this.#wake();
  }

  /** Ends the channel that has been idle for longest. False when there is none. */
  #endIdle(): boolean {
    const [kept] = this.#idle;
    if (kept === undefined) return false;
    this.#idle.delete(kept);
    kept.end();
    return true;
  }

  #wake(): void {
    this.#line.shift()?.();
  }
}
