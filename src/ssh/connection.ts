import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import type { CommandSettings } from "../config/ssh-config/resolved-host.ts";
import type { CommandRequest, CommandResult } from "../core/command.ts";
import { SshMcpError } from "../core/errors.ts";
import { AgentForwarding } from "./commands/agent-forwarding.ts";
import { SessionChannel } from "./commands/channel.ts";
import { channelInTime } from "./commands/channel-in-time.ts";
import { ChannelPool } from "./commands/channel-pool.ts";
import type { CommandSetup } from "./commands/command-setup.ts";
import { type OnBusy, runCommand, watchBusy } from "./commands/exec.ts";
import type { Elsewhere } from "./commands/first-channel.ts";
import { LastingShell } from "./commands/shell/lasting-shell.ts";
import type { ShellHost } from "./commands/shell/shell-command.ts";
import { Stopper } from "./commands/stop.ts";
import { SftpChannel } from "./files/sftp-channel.ts";
import { connectionError } from "./transport/connection-errors.ts";
import {
  ChannelOpenFailure,
  guardWindows,
  onForcedCommand,
  openSessionChannel,
  ping,
  protocolOf,
  softwareOf,
} from "./transport/ssh2.ts";
import { openTunnel, type TunnelEnd } from "./transport/tunnel.ts";
import { within } from "./transport/within.ts";

/** A peer that was heard this recently gets a command without being asked first. */
const freshMs = 20_000;
/** Wall clock and monotonic clock apart by more: the machine slept, and the peer may have given up on us. */
const clockGapMs = 2_000;
const probeLimitMs = 5_000;

export interface Login {
  /** RFC 4252 name of the method that succeeded. */
  authMethod: string;
  hostKey: Buffer;
  banner: string | null;
  /** Whether the key that logged in allows one command of the server's alone. */
  runsForcedCommand: boolean;
  /** Whether a person answered a question for a secret. */
  askedForSecret: boolean;
  /** What ssh_config says of its commands. */
  commands: CommandSettings;
}

/**
 * One authenticated SSH transport (RFC 4253) and its session channels.
 * Ends by `close`, by the peer, or by three unanswered keepalives; `ended` tells, and every command on it gets its outcome.
 */
export class Connection {
  readonly login: Login;
  readonly #client: Client;
  readonly #socket: Duplex;
  readonly #where: string;
  readonly #pool: ChannelPool;
  readonly #stopper: Stopper;
  readonly #forwarding: AgentForwarding;
  #runsForcedCommand: boolean;
  readonly #ended = Promise.withResolvers<SshMcpError>();
  #error: SshMcpError | null = null;
  #isOpen = true;
  #heardAt = performance.now();
  #heardAtWall = Date.now();

  constructor(client: Client, socket: Duplex, where: string, login: Login) {
    this.login = login;
    this.#runsForcedCommand = login.runsForcedCommand;
    this.#client = client;
    this.#socket = socket;
    this.#where = where;
    const open = async (): Promise<SessionChannel> => {
      // ssh2 drops what is asked of a connection that has ended, and never answers.
      if (!this.#isOpen) throw new ChannelOpenFailure("the connection has ended", null);
      return openSessionChannel(
        client,
        (channel) => new SessionChannel(channel, protocolOf(client), () => this.#isOpen),
      );
    };
    this.#pool = new ChannelPool(open, softwareOf(client));
    this.#stopper = new Stopper({
      pool: this.#pool,
      connected: () => this.#isOpen,
      runsForcedCommand: () => this.#runsForcedCommand,
    });
    this.#forwarding = new AgentForwarding(client);
    onForcedCommand(client, () => {
      this.#runsForcedCommand = true;
    });
    guardWindows(client, () => {
      this.#fail(new SshMcpError("PROTOCOL_ERROR", `${where} sent more than a channel's window allows`));
    });
    socket.on("data", () => this.#heard());
    // Every error here is fatal. ssh2 only says goodbye, and a peer that does not answer it would keep all commands waiting.
    client.on("error", (error) => this.#fail(connectionError(error, "ready", where)));
    client.on("close", () => this.#end());
  }

  /** Opens a channel ahead of need, so that the first command costs one round trip. Without commands it is not to be called: a server may allow none. */
  prepare(): void {
    this.#pool.prepare();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Resolves with the reason when the connection has ended. */
  get ended(): Promise<SshMcpError> {
    return this.#ended.promise;
  }

  /** Whether another command would have to wait for one that runs. */
  get isFull(): boolean {
    return this.#pool.isFull;
  }

  /** Whether a channel more leaves room for commands. */
  get isRoomy(): boolean {
    return this.#pool.isRoomy;
  }

  /** Whether a command waits for one that runs. */
  get isWaitedFor(): boolean {
    return this.#pool.isWaitedFor;
  }

  /** Commands that have a channel. */
  get commands(): number {
    return this.#pool.commands;
  }

  /**
   * @param elsewhere another connection to the same server that may come free for it first, as `Elsewhere` says
   * @throws SshMcpError when the command was not handed over; see runCommand
   */
  exec(
    request: CommandRequest,
    signal: AbortSignal,
    onBusy?: OnBusy,
    setup?: CommandSetup,
    elsewhere: Elsewhere<Connection> | null = null,
  ): Promise<CommandResult> {
    const other = elsewhere === null ? null : async (aborted: AbortSignal) => (await elsewhere(aborted)).#commandHost();
    return runCommand(this.#commandHost(), request, signal, onBusy, setup, other);
  }

  /** @throws SshMcpError as `LastingShell.open` */
  openShell(setup: CommandSetup, limitMs: number | null, signal: AbortSignal, onBusy?: OnBusy): Promise<LastingShell> {
    return LastingShell.open(this.#commandHost(), setup, limitMs, signal, onBusy);
  }

  /**
   * Asks for SFTP on a channel of its own, and waits for no answer.
   * @param limitMs for the wait for a channel; null for ever
   * @throws SshMcpError CANCELED, TIMEOUT, CHANNEL_REFUSED, CONNECTION_LOST, PROTOCOL_ERROR: nothing was asked of the server then
   */
  async openSftp(limitMs: number | null, signal: AbortSignal, onBusy: OnBusy = () => {}): Promise<SftpChannel> {
    const host = this.#commandHost();
    const telling = watchBusy(host.pool, onBusy);
    const opening = channelInTime(host.acquire, limitMs, signal);
    const channel = await opening.finally(() => clearTimeout(telling));
    const sftp = new SftpChannel(channel, host);
    // The next command's channel, off this one's path.
    this.#pool.prepare();
    return sftp;
  }

  /** As `ChannelPool.keepIdle`, of a channel here. */
  keepIdle(end: () => void): () => void {
    return this.#pool.keepIdle(end);
  }

  /** One round trip where the peer was not heard for a while, before something is asked of it. @throws SshMcpError CONNECTION_LOST */
  async awake(): Promise<void> {
    if (!this.#isOpen || !this.#isFresh()) await this.#awake();
  }

  /**
   * Has the server connect to a host and port, and carries bytes there and back; ends with this connection.
   * @param name what this connection is called in errors
   * @throws SshMcpError as `openTunnel`
   */
  tunnel(to: TunnelEnd, name: string): Promise<Duplex> {
    const { ended } = this;
    return openTunnel({ client: this.#client, name, isOpen: () => this.#isOpen, ended }, to);
  }

  /** Ends the connection; resolves when the socket is closed. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#note(new SshMcpError("CONNECTION_LOST", `the session to ${this.#where} was closed`));
    this.#client.end();
    // A peer that does not close its side is not waited for.
    if ((await within(this.ended, 500, null)) === null) this.#socket.destroy();
    await this.ended;
  }

  #commandHost(): ShellHost {
    return {
      pool: this.#pool,
      stopper: this.#stopper,
      forwarding: this.#forwarding,
      acquire: (aborted: AbortSignal) => this.#acquire(aborted),
      awake: () => this.#awake(),
      roundTrip: () => this.#roundTrip(),
      connected: () => this.#isOpen,
      lostReason: () => this.#error?.message ?? `the connection to ${this.#where} was lost`,
    };
  }

  async #acquire(signal: AbortSignal): Promise<SessionChannel> {
    // In the same breath where nothing is to be awaited: whoever comes next must find this channel taken.
    if (!this.#isOpen || !this.#isFresh()) await this.#awake();
    return this.#pool.acquire(signal);
  }

  async #awake(): Promise<void> {
    if (!this.#isOpen) throw this.#error ?? this.#lost();
    if (!this.#isFresh()) await this.#probe();
  }

  #isFresh(): boolean {
    const elapsed = performance.now() - this.#heardAt;
    return elapsed < freshMs && Math.abs(Date.now() - this.#heardAtWall - elapsed) < clockGapMs;
  }

  /** One round trip before anything is handed over to a peer that may be gone. */
  async #probe(): Promise<void> {
    const answered = await within(
      ping(this.#client).then(() => true),
      probeLimitMs,
      false,
    );
    if (answered) return;
    const error = this.#lost();
    this.#fail(error);
    throw error;
  }

  /** Resolves to false when the connection ends first. */
  async #roundTrip(): Promise<boolean> {
    const answered = ping(this.#client).then(
      () => true,
      () => false,
    );
    return await Promise.race([answered, this.ended.then(() => false)]);
  }

  #heard(): void {
    this.#heardAt = performance.now();
    this.#heardAtWall = Date.now();
  }

  #lost(): SshMcpError {
    return new SshMcpError("CONNECTION_LOST", `the connection to ${this.#where} was lost`);
  }

  /** The first reason stays: later ones follow from it. What is on its way down takes no further command. */
  #note(error: SshMcpError): void {
    this.#error ??= error;
    this.#isOpen = false;
  }

  #fail(error: SshMcpError): void {
    this.#note(error);
    this.#socket.destroy();
  }

  #end(): void {
    this.#isOpen = false;
    this.#ended.resolve(this.#error ?? this.#lost());
  }
}
