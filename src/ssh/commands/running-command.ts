import { randomBytes } from "node:crypto";
import type { CommandRequest, CommandResult, StopResult } from "../../core/command.ts";
import { type SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { within } from "../transport/within.ts";
import type { AgentForwarding } from "./agent-forwarding.ts";
import type { OutputStream, SessionChannel } from "./channel.ts";
import { reasonOf } from "./channel-in-time.ts";
import type { ChannelPool } from "./channel-pool.ts";
import { afterStopMs, CommandOutputs } from "./command-outputs.ts";
import type { CommandSetup } from "./command-setup.ts";
import { tagVariable } from "./command-tag.ts";
import { IdleLimit } from "./idle-limit.ts";
import type { PreparedCommand, Prologue } from "./prologue.ts";
import type { Stopper } from "./stop.ts";
import { typed, watched } from "./terminal-input.ts";

/** The connection as a command sees it. */
export interface CommandHost {
  pool: ChannelPool;
  stopper: Stopper;
  forwarding: AgentForwarding;
  /** A channel that is known to be answered; see Connection.acquire. */
  acquire(signal: AbortSignal): Promise<SessionChannel>;
  connected(): boolean;
  /** Why the connection ended, when it did. */
  lostReason(): string;
}

/** Why a command is to be stopped; the caller's own reason is with its signal. */
interface StopCause {
  outcome: "timedOut" | "canceled";
  reason: string | null;
}

const canceled: StopCause = { outcome: "canceled", reason: null };
const interruptedAhead: StopCause = { outcome: "canceled", reason: "Ctrl-C was typed before the command had begun" };

type Work = CommandRequest & CommandSetup & PreparedCommand;

/** A command that holds a channel, from its exec request to its end. */
export class RunningCommand {
  readonly #host: CommandHost;
  readonly #channel: SessionChannel;
  readonly #request: Work;
  readonly #signal: AbortSignal;
  readonly #outputs: CommandOutputs;
  readonly #stopWanted = Promise.withResolvers<StopCause>();
  /** The caller itself, or somebody in its place, wants no more of it. */
  readonly #canceled = Promise.withResolvers<void>();
  readonly #idle: IdleLimit;
  #ending = false;
  /** Resolves to whether the server gave the terminal that was asked for. */
  #terminal: Promise<boolean> = Promise.resolve(false);
  #input: AsyncIterator<Uint8Array> | null = null;
  /** Why it was not run, though its channel was there. */
  #notRun: SshMcpError | null = null;

  constructor(host: CommandHost, channel: SessionChannel, request: Work, signal: AbortSignal) {
    this.#host = host;
    this.#channel = channel;
    this.#request = request;
    this.#signal = signal;
    const taken = (bytes: number): void => this.#channel.consume(bytes);
    // Nobody reads any more: the command is stopped as if the caller had asked for it.
    const broken = (): void => this.#stopWanted.resolve(canceled);
    this.#outputs = new CommandOutputs(request, taken, broken);
    const isBehind = (): boolean => this.#outputs.isBehind;
    const silent = (): void => this.#stopWanted.resolve({ outcome: "timedOut", reason: this.#idle.reason });
    this.#idle = new IdleLimit(request.idleTimeoutMs ?? null, isBehind, silent);
  }

  /**
   * @throws SshMcpError when its prologue found that it cannot be run as it was asked for: nothing of it was
   */
  async finish(): Promise<CommandResult> {
    this.#channel.read((stream, chunk) => this.#deliver(stream, this.#request.prologue?.heard(stream, chunk) ?? chunk));
    const endForwarding = this.#prepare();
    const tag = randomBytes(16).toString("hex");
    const tagged = this.#request.isBare === true ? Promise.resolve(false) : this.#channel.env(tagVariable, tag);
    const accepted = this.#channel.exec(this.#request.line);
    // The next command's channel is asked for in the same breath, off this one's path.
    this.#host.pool.prepare();

    const stop = (): void => this.#stopWanted.resolve(canceled);
    const cancel = (): void => {
      stop();
      this.#canceled.resolve();
    };
    this.#signal.addEventListener("abort", cancel, { once: true });
    if (this.#signal.aborted) cancel();
    const { timeoutMs } = this.#request;
    const expire = (): void => this.#stopWanted.resolve({ outcome: "timedOut", reason: null });
    const timer = timeoutMs === null ? undefined : setTimeout(expire, timeoutMs);
    // Input that was cut must not look complete to the command: it gets no EOF, and is stopped.
    void this.#feed().catch(stop);
    try {
      const refused = accepted.then((taken) => (taken ? this.#channel.closed : undefined));
      const ended = Promise.race([this.#channel.closed, refused]).then(() => null);
      const stopCause = await Promise.race([ended, this.#stopWanted.promise]);
      this.#ending = true;
      if (stopCause === null) return await this.#ended(accepted);
      const readerBehind = (): boolean => this.#outputs.isBehind;
      const { become = null } = this.#request;
      const stopped = await this.#host.stopper.stop({ channel: this.#channel, tag, tagged, readerBehind, become });
      return await this.#stopped(stopCause, stopped);
    } finally {
      clearTimeout(timer);
      this.#idle.end();
      this.#signal.removeEventListener("abort", cancel);
      endForwarding();
      this.#endInput();
    }
  }

  /** What a prologue keeps for itself is a line or two, and stays out of the window. */
  #deliver(stream: OutputStream, chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#idle.heard();
    this.#outputs.deliver(stream, chunk);
  }

  /** Asks for what the command is to find, and waits for nothing. @returns what ends it */
  #prepare(): () => void {
    const { environment, agentSocket, terminal } = this.#request;
    if (terminal !== null) {
      this.#terminal = this.#channel.pty(terminal.type, terminal);
      terminal.onResize((size) => this.#channel.resize(size));
    }
    for (const { name, value } of environment) this.#channel.offer(name, value);
    if (agentSocket !== null) this.#channel.forwardAgent();
    return this.#host.forwarding.begin(agentSocket);
  }

  async #feed(): Promise<void> {
    const { prologue, stdin, isTyped, terminal } = this.#request;
    const source = isTyped === true ? typed(stdin, this.#terminal) : stdin;
    const isWatched = prologue !== null && terminal?.isLive === true;
    const interrupted = (): void => this.#stopWanted.resolve(interruptedAhead);
    this.#input = (isWatched ? watched(source, interrupted) : source)[Symbol.asyncIterator]();
    if (prologue !== null && !(await this.#introduced(prologue))) return;
    for (;;) {
      const next = await this.#input.next();
      if (this.#ending || this.#channel.isClosed) return;
      if (next.done === true) break;
      await this.#channel.write(next.value);
    }
    this.#channel.eof();
  }

  /** Resolves to whether the command's input may follow. */
  async #introduced(prologue: Prologue): Promise<boolean> {
    try {
      // Once it is being stopped, nothing follows that was not sent before.
      await prologue.speak(async (bytes) => (this.#ending ? undefined : await this.#channel.writeAhead(bytes)));
      return true;
    } catch (thrown) {
      this.#notRun = toSshMcpError(thrown);
      this.#channel.close();
      return false;
    }
  }

  /** The source may be waiting for bytes that never come: it is told to end, and not waited for. */
  #endInput(): void {
    void this.#input?.return?.()?.catch(() => undefined);
  }

  async #ended(accepted: Promise<boolean>): Promise<CommandResult> {
    // A refused request leaves its channel open.
    this.#channel.close();
    const { prologue } = this.#request;
    const { exit, isComplete } = this.#channel;
    const notRun = this.#notRun ?? prologue?.refusal(isComplete ? exit : null) ?? null;
    if (notRun !== null) throw notRun;
    const doubt = exit === null || !isComplete ? null : (prologue?.doubt(exit) ?? null);
    this.#deliverRest();
    // A limit of time takes nothing from a command that is over; who cancels it waits for no reader.
    const isRead = await Promise.race([
      this.#outputs.drained().then(() => true),
      this.#canceled.promise.then(() => this.#outputs.settle()),
    ]);
    if (doubt !== null) return this.#outputs.result("unknown", { reason: doubt });
    // Its status would say that this is all of its output.
    if (exit !== null && !isRead) return this.#outputs.result("canceled", { reason: reasonOf(this.#signal) });
    if (exit !== null)
      return isComplete ? this.#outputs.reported(exit) : this.#outputs.cut(this.#host.lostReason(), exit);
    // A channel that closed without a status is never success: its link was cut, or the server would not say.
    if (!this.#host.connected()) return this.#outputs.result("unknown", { reason: this.#host.lostReason() });
    const reason = (await accepted)
      ? "the server closed the channel without an exit status"
      : "the server refused the exec request";
    return this.#outputs.result("unknown", { reason });
  }

  /** What was held back of a command's output that it is. */
  #deliverRest(): void {
    const { prologue } = this.#request;
    if (prologue === null) return;
    for (const stream of ["stdout", "stderr"] as const) this.#deliver(stream, prologue.rest(stream));
  }

  async #stopped({ outcome, reason }: StopCause, stopped: StopResult): Promise<CommandResult> {
    this.#channel.close();
    await within(this.#channel.closed, afterStopMs, undefined);
    const notRun = this.#notRun ?? this.#request.prologue?.refused ?? null;
    if (notRun !== null) throw notRun;
    this.#deliverRest();
    await this.#outputs.settle();
    const why = reason ?? (outcome === "canceled" ? reasonOf(this.#signal) : null);
    return this.#outputs.result(outcome, { stopped, reason: why });
  }
}
