import { randomBytes } from "node:crypto";
import type { CommandRequest, CommandResult } from "../../../core/command.ts";
import { formatLimit } from "../../../core/duration.ts";
import { SshMcpError } from "../../../core/errors.ts";
import { escapeLine, shortened } from "../../../core/escape.ts";
import { patiently } from "../../transport/within.ts";
import { bootstrapLine, lineOf, newMark } from "../bootstrap.ts";
import type { SessionChannel } from "../channel.ts";
import { channelInTime } from "../channel-in-time.ts";
import type { CommandSetup } from "../command-setup.ts";
import { tagVariable } from "../command-tag.ts";
import { type OnBusy, watchBusy } from "../exec.ts";
import { MarkFilter } from "../mark-filter.ts";
import { ShellCommand, type ShellHost } from "./shell-command.ts";
import { factsOf, isFacts, mergedMark, openingProgram, type ShellFacts } from "./shell-program.ts";

/** How long a server may take to start a shell for a command without a limit of its own. */
const openLimitMs = 60_000;
/** How long a shell may say nothing when it is to begin a command; then it is asked whether the server is there. */
const beginLimitMs = 15_000;
/** Of what comes between two commands. */
const strayLimit = 1024 * 1024;
/** A wait for a channel up to this is the connection's matter. */
const freeWaitMs = 5000;
/** How long a shell may take to end by itself when its input has. */
const endGraceMs = 1000;

/** A shell on a channel of its own, for one command after another. */
export class LastingShell {
  readonly facts: ShellFacts;
  readonly #host: ShellHost;
  readonly #channel: SessionChannel;
  readonly #tag: string;
  readonly #tagged: Promise<boolean>;
  #command: ShellCommand | null = null;
  /** Bytes that came between two commands and were dropped. */
  #stray = 0;
  /** Of these, the ones that the server has no room back for. */
  #unconsumed = 0;
  #isOpen = true;

  private constructor(
    host: ShellHost,
    channel: SessionChannel,
    { facts, tag, tagged }: { facts: ShellFacts; tag: string; tagged: Promise<boolean> },
  ) {
    this.#host = host;
    this.#channel = channel;
    this.facts = facts;
    this.#tag = tag;
    this.#tagged = tagged;
    channel.read((stream, chunk) => {
      if (this.#command !== null) this.#command.heard(stream, chunk);
      else this.#dropped(chunk.length);
    });
    void channel.exited.then(() => {
      this.#isOpen = false;
    });
  }

  /**
   * Starts one: the login shell where it is a POSIX one, with the environment that a command gets.
   * @param limitMs of the command that it is opened for: the wait for a channel may take as long, or some seconds; null for ever
   * @throws SshMcpError UNSUPPORTED where the server starts none; TIMEOUT, CANCELED, CHANNEL_REFUSED, CONNECTION_LOST, PROTOCOL_ERROR
   */
  static async open(
    host: ShellHost,
    setup: CommandSetup,
    limitMs: number | null,
    signal: AbortSignal,
    onBusy: OnBusy = () => {},
  ): Promise<LastingShell> {
    const waitMs = limitMs === null ? null : Math.max(limitMs, freeWaitMs);
    const telling = watchBusy(host.pool, onBusy);
    const channel = await channelInTime(host.acquire, waitMs, signal).finally(() => clearTimeout(telling));
    try {
      return await LastingShell.#start(host, channel, setup, limitMs, signal);
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  static async #start(
    host: ShellHost,
    channel: SessionChannel,
    setup: CommandSetup,
    limitMs: number | null,
    signal: AbortSignal,
  ): Promise<LastingShell> {
    const tag = randomBytes(16).toString("hex");
    const mark = newMark();
    const ready = Promise.withResolvers<string>();
    const filter: MarkFilter = new MarkFilter(mark, isFacts, (word) => {
      // What one stream is to us, no end mark tells apart.
      if (filter.held.includes(mergedMark(mark))) ready.reject(notStarted("its start files join stdout and stderr"));
      else ready.resolve(word);
    });
    let complaint = "";
    channel.read((stream, chunk) => {
      channel.consume(chunk.length);
      if (stream === "stdout") filter.pass(chunk);
      else complaint = (complaint + chunk.toString()).slice(0, 1024);
    });
    for (const { name, value } of setup.environment) channel.offer(name, value);
    if (setup.agentSocket !== null) channel.forwardAgent();
    const tagged = channel.env(tagVariable, tag);
    const taken = channel.exec(bootstrapLine);
    host.pool.prepare();
    void channel.write(Buffer.from(lineOf(openingProgram(mark, tagVariable, tag))));
    const none = async (): Promise<never> => {
      if (await taken) await channel.exited;
      throw host.connected() ? notStarted(complaint) : new SshMcpError("CONNECTION_LOST", host.lostReason());
    };
    const word = await patiently(Promise.race([ready.promise, none()]), {
      limitMs: limitMs ?? openLimitMs,
      signal,
      late: () => notInTime(complaint, limitMs ?? openLimitMs),
      canceled: () => new SshMcpError("CANCELED", "the command was canceled before it was sent"),
    });
    return new LastingShell(host, channel, { facts: factsOf(word), tag, tagged });
  }

  /** False when it has ended, or is about to. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#channel.isClosed && this.#host.connected();
  }

  /** Whether its end is that of its connection. */
  get isCut(): boolean {
    return !this.#host.connected();
  }

  /** Resolves when it has ended, by itself, with its connection, or through us. */
  get ended(): Promise<void> {
    return this.#channel.exited;
  }

  /**
   * Runs one command in it; the next must wait for its end. A command that had to be stopped takes its shell along.
   * @param agentSocket of the agent that the command may use, or null
   * @param limitMs for the shell to say that the command begins
   * @throws SshMcpError CONNECTION_LOST, SHELL_EXITED or CANCELED when nothing was run
   */
  async run(
    request: CommandRequest,
    agentSocket: string | null,
    signal: AbortSignal,
    limitMs = beginLimitMs,
  ): Promise<CommandResult> {
    await this.#host.awake();
    if (!this.isOpen) throw new SshMcpError("SHELL_EXITED", "the shell has ended before the command was sent");
    if (signal.aborted) throw new SshMcpError("CANCELED", "the command was canceled before it was sent");
    const { dialect } = this.facts;
    const way = { host: this.#host, channel: this.#channel, tag: this.#tag, tagged: this.#tagged, dialect };
    const command = new ShellCommand({ ...way, beginLimitMs: limitMs }, request, signal);
    const endForwarding = this.#host.forwarding.begin(agentSocket);
    this.#command = command;
    this.#channel.consume(this.#unconsumed);
    this.#stray = 0;
    this.#unconsumed = 0;
    try {
      return await command.finish();
    } finally {
      if (!command.leavesShell) this.end();
      endForwarding();
      this.#command = null;
    }
  }

  /** What still runs in the background may say a little that nobody hears; one that says more waits for the next command. */
  #dropped(bytes: number): void {
    this.#stray += bytes;
    if (this.#stray <= strayLimit) this.#channel.consume(bytes);
    else this.#unconsumed += bytes;
  }

  /** Ends it as a closed terminal does; what it left in the background goes on. */
  end(): void {
    this.#isOpen = false;
    this.#channel.eof();
    const closing = setTimeout(() => this.#channel.close(), endGraceMs);
    void this.#channel.exited.then(() => {
      clearTimeout(closing);
      this.#channel.close();
    });
  }
}

const notStarted = (complaint: string): SshMcpError =>
  new SshMcpError("UNSUPPORTED", `the server starts no lasting shell${saying(complaint)}; the command was not sent`);

const notInTime = (complaint: string, limitMs: number): SshMcpError =>
  new SshMcpError(
    "TIMEOUT",
    `the command was not sent: its shell did not start within ${formatLimit(limitMs)}${saying(complaint)}`,
    { retryable: true },
  );

/** Marks of ours among it are noise. */
const saying = (complaint: string): string => {
  const said = complaint.replaceAll(/[0-9a-f]{32}-pcm-hss\n?/g, "").trim();
  return said === "" ? "" : `: ${shortened(escapeLine(said), 200)}`;
};
