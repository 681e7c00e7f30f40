import type { CommandRequest, CommandResult, StopResult } from "../../../core/command.ts";
import { formatDuration } from "../../../core/duration.ts";
import { SshMcpError } from "../../../core/errors.ts";
import { within } from "../../transport/within.ts";
import type { OutputStream, SessionChannel } from "../channel.ts";
import { reasonOf } from "../channel-in-time.ts";
import { afterStopMs, CommandOutputs } from "../command-outputs.ts";
import { IdleLimit } from "../idle-limit.ts";
import type { CommandHost } from "../running-command.ts";
import { MarkedOutput } from "./marked-output.ts";
import { commandProgram, type Dialect, spent } from "./shell-program.ts";

/** A shell that has ended and says nothing for so long may have said all, though others still hold its output open. */
const silenceMs = 250;

/** What a shell needs of its connection, beside what a command does. */
export interface ShellHost extends CommandHost {
  /** One round trip when the peer was not heard for a while. @throws SshMcpError CONNECTION_LOST */
  awake(): Promise<void>;
  /** One round trip: what the peer had sent before it is here then. Resolves to false when the connection has ended. */
  roundTrip(): Promise<boolean>;
}

/** The shell's channel, and what it is known by on the server. */
export interface ShellWay {
  host: ShellHost;
  channel: SessionChannel;
  tag: string;
  tagged: Promise<boolean>;
  dialect: Dialect;
  /** A shell that says nothing for so long, not even that a command begins, never will. */
  beginLimitMs: number;
}

type Stop = "timedOut" | "canceled";

/** One command in a lasting shell. */
export class ShellCommand {
  readonly #way: ShellWay;
  readonly #signal: AbortSignal;
  readonly #timeoutMs: number | null;
  readonly #program: string;
  readonly #streams: Record<OutputStream, MarkedOutput>;
  readonly #outputs: CommandOutputs;
  readonly #over = Promise.withResolvers<"over">();
  readonly #stuck = Promise.withResolvers<"stuck">();
  readonly #stopWanted = Promise.withResolvers<Stop>();
  readonly #canceled = Promise.withResolvers<void>();
  readonly #idle: IdleLimit;
  #beginning: IdleLimit;
  #isSent = false;
  #heard = 0;
  #leavesShell = false;

  constructor(way: ShellWay, request: CommandRequest, signal: AbortSignal) {
    this.#way = way;
    this.#signal = signal;
    this.#timeoutMs = request.timeoutMs;
    const { program, marks } = commandProgram(request.command, way.dialect);
    this.#program = program;
    this.#streams = { stdout: new MarkedOutput(marks), stderr: new MarkedOutput(marks) };
    const taken = (bytes: number): void => way.channel.consume(bytes);
    // Nobody reads any more: the command is stopped as if the caller had asked for it.
    this.#outputs = new CommandOutputs(request, taken, () => this.#cancel());
    const isBehind = (): boolean => this.#outputs.isBehind;
    this.#idle = new IdleLimit(request.idleTimeoutMs ?? null, isBehind, () => this.#stopWanted.resolve("timedOut"));
    this.#beginning = this.#awaitBegin();
  }

  /** Whether the shell is ready for the next command. */
  get leavesShell(): boolean {
    return this.#leavesShell;
  }

  heard(stream: OutputStream, chunk: Buffer): void {
    const { stdout, stderr } = this.#streams;
    this.#heard += chunk.length;
    this.#beginning.heard();
    const own = this.#streams[stream].pass(chunk);
    // What is held back is a mark's length, and stays out of the window; it is counted again when it comes out.
    this.#way.channel.consume(chunk.length - own.length);
    this.#deliver(stream, own);
    if (stdout.hasBegun) this.#beginning.end();
    if (stdout.isOver && (stderr.isOver || stdout.status === spent)) this.#over.resolve("over");
  }

  /**
   * Sends it, once; from then on the answer is a result.
   * @throws SshMcpError SHELL_EXITED when the shell had ended by then, and it is proven that nothing was run
   */
  async finish(): Promise<CommandResult> {
    const { channel } = this.#way;
    const cancel = (): void => this.#cancel();
    this.#signal.addEventListener("abort", cancel, { once: true });
    const expire = (): void => this.#stopWanted.resolve("timedOut");
    const timer = this.#timeoutMs === null ? undefined : setTimeout(expire, this.#timeoutMs);
    void channel.write(Buffer.from(this.#program)).then(() => {
      this.#isSent = true;
    });
    try {
      const exited = channel.exited.then(() => "exited" as const);
      const ends = [this.#over.promise, exited, this.#stuck.promise, this.#stopWanted.promise];
      const first = await Promise.race(ends);
      this.#beginning.end();
      if (first === "timedOut" || first === "canceled") return await this.#stopped(first);
      if (first === "stuck") return await this.#neverBegun();
      const stop = first === "exited" ? await this.#allSaid() : null;
      if (stop !== null) return await this.#stopped(stop);
      // It is over: its time can cut nothing of what it wrote any more.
      clearTimeout(timer);
      this.#idle.end();
      return first === "over" ? await this.#finished() : await this.#ended();
    } finally {
      clearTimeout(timer);
      this.#idle.end();
      this.#beginning.end();
      this.#signal.removeEventListener("abort", cancel);
    }
  }

  #cancel(): void {
    this.#stopWanted.resolve("canceled");
    this.#canceled.resolve();
  }

  #deliver(stream: OutputStream, own: Buffer): void {
    if (own.length === 0) return;
    this.#idle.heard();
    this.#outputs.deliver(stream, own);
  }

  /** Until the caller has read all, or whoever cancels it has waited for that. @returns whether all was read */
  async #delivered(): Promise<boolean> {
    const isRead = await Promise.race([
      this.#outputs.drained().then(() => true),
      this.#canceled.promise.then(() => this.#outputs.settle()),
    ]);
    this.#outputs.drop();
    return isRead;
  }

  /** Its status would say that what was read is all of its output. */
  #unread(): CommandResult {
    return this.#outputs.result("canceled", { reason: reasonOf(this.#signal) });
  }

  /** The shell goes on. */
  async #finished(): Promise<CommandResult> {
    const { hasBegun, status } = this.#streams.stdout;
    this.#leavesShell = status !== spent;
    if (!(await this.#delivered())) return this.#unread();
    if (status === spent)
      return this.#outputs.result("unknown", { reason: "the shell cannot say any more how a command ended" });
    // Said by the shell itself; whatever else comes in its place is no success.
    const isStatus = /^\d{1,3}$/.test(status ?? "");
    if (isStatus && (hasBegun || Number(status) !== 0)) return this.#outputs.reported({ code: Number(status) });
    return this.#outputs.result("unknown", { reason: "the shell told no exit status" });
  }

  /**
   * The shell has ended, and others may still hold its output open: until the server says that it is complete, or nothing more comes.
   * @returns what the command is to be stopped for meanwhile
   */
  async #allSaid(): Promise<Stop | null> {
    const { host, channel } = this.#way;
    const closed = channel.closed.then(() => null);
    for (let silences = 0; !channel.isClosed && silences < 2; ) {
      const before = this.#heard;
      const quiet = Bun.sleep(silenceMs).then(() => "quiet" as const);
      const next = await Promise.race([closed, this.#stopWanted.promise, quiet]);
      if (next !== "quiet") return next;
      // While the caller is behind, the server may be kept from sending.
      silences = this.#outputs.isBehind || before !== this.#heard ? 0 : silences + 1;
      // On a long way silence alone says nothing.
      const trip = silences === 1 ? host.roundTrip().then(() => "quiet" as const) : quiet;
      const arrived = await Promise.race([closed, this.#stopWanted.promise, trip]);
      if (arrived !== "quiet") return arrived;
    }
    return null;
  }

  /** The shell has ended, and with it the command. */
  async #ended(): Promise<CommandResult> {
    const { host, channel } = this.#way;
    const { exit, isComplete } = channel;
    const lost = host.connected() ? "the server closed the shell" : host.lostReason();
    for (const stream of ["stdout", "stderr"] as const) {
      // Before a command has begun it is the shell's own trace.
      if (this.#streams[stream].hasBegun) this.#deliver(stream, this.#streams[stream].rest());
    }
    channel.close();
    if (!(await this.#delivered())) return this.#unread();
    if (!this.#streams.stdout.hasBegun) {
      if (exit !== null && isComplete)
        throw new SshMcpError("SHELL_EXITED", "the shell ended before the command came to it: it was not run");
      return this.#outputs.result("unknown", { reason: `${lost} before the command had begun, as far as is known` });
    }
    if (exit === null)
      return this.#outputs.result("unknown", { reason: host.connected() ? `${lost} without an exit status` : lost });
    if (isComplete) return this.#outputs.reported(exit);
    if (!host.connected() || channel.isClosed) return this.#outputs.cut(lost, exit);
    return this.#outputs.reported(
      exit,
      "what it left in the background still holds its output open, and is not heard any more",
    );
  }

  async #stopped(outcome: Stop): Promise<CommandResult> {
    const stopped = await this.#stop();
    const reason = outcome === "canceled" ? reasonOf(this.#signal) : this.#idle.reason;
    return this.#outputs.result(outcome, { stopped, reason });
  }

  /** It reads and executes nothing (`set -n`), or cannot speak. */
  async #neverBegun(): Promise<CommandResult> {
    const stopped = await this.#stop();
    const limit = formatDuration(this.#way.beginLimitMs);
    return this.#outputs.result("unknown", { stopped, reason: `the shell did not begin the command within ${limit}` });
  }

  async #stop(): Promise<StopResult> {
    const { host, channel, tag, tagged } = this.#way;
    const readerBehind = (): boolean => this.#outputs.isBehind;
    const stopped = await host.stopper.stop({ channel, tag, tagged, readerBehind });
    channel.close();
    await within(channel.closed, afterStopMs, undefined);
    await this.#outputs.settle();
    return stopped;
  }

  #awaitBegin(): IdleLimit {
    return new IdleLimit(
      this.#way.beginLimitMs,
      () => !this.#isSent,
      () => void this.#mayBeStuck(),
    );
  }

  /** Only a server that answers is known to have had its time. */
  async #mayBeStuck(): Promise<void> {
    const before = this.#heard;
    if (!(await this.#way.host.roundTrip()) || this.#streams.stdout.hasBegun) return;
    if (before === this.#heard) this.#stuck.resolve("stuck");
    else this.#beginning = this.#awaitBegin();
  }
}
