import { randomBytes } from "node:crypto";
import type { CallerTerminal, TerminalSize } from "../../core/call-scope.ts";
import type { CommandOutcome, CommandRequest, CommandResult, StopResult } from "../../core/command.ts";
import { SshMcpError } from "../../core/errors.ts";
import { within } from "../transport/within.ts";
import type { AgentForwarding } from "./agent-forwarding.ts";
import type { OutputStream, SessionChannel } from "./channel.ts";
import { channelInTime, reasonOf } from "./channel-in-time.ts";
import type { ChannelPool } from "./channel-pool.ts";
import { OutputQueue } from "./output-queue.ts";
import { type Stopper, tagVariable } from "./stop.ts";

/** After a stop, how long the channel may take to close, and then the caller to read, before the result is given without it. */
const afterStopMs = 1000;

/** A wait for a channel up to this is the connection's matter and takes nothing from the command's own time. */
const freeWaitMs = 5000;

/** A command that waits for longer is to be told so. */
const toldAfterMs = 1000;

/** What a command is to find on the server beside itself. */
export interface CommandSetup {
  /** Environment variables, in the order to ask for them: the server takes those it allows. */
  environment: readonly { name: string; value: string }[];
  /** Socket of the agent that the command may use, or null. */
  agentSocket: string | null;
  /** The terminal to give it, or null. `onResize` is told who wants to hear of another size. */
  terminal: (CallerTerminal & { onResize(listen: (size: TerminalSize) => void): void }) | null;
}

export const plainSetup: CommandSetup = { environment: [], agentSocket: null, terminal: null };

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

/** Called once when other commands have kept this one waiting for a channel for a while. */
export type OnBusy = () => void;

/**
 * Runs one command and streams it. The exec request is handed over at most once; from then on the answer is always a result.
 * Its time runs from the exec request on; a wait for a channel counts when it is longer than a few seconds.
 * @throws SshMcpError when the request was not handed over: CANCELED, TIMEOUT, TOO_LARGE, CHANNEL_REFUSED, CONNECTION_LOST, PROTOCOL_ERROR
 */
export const runCommand = async (
  host: CommandHost,
  request: CommandRequest,
  signal: AbortSignal,
  onBusy: OnBusy = () => {},
  setup: CommandSetup = plainSetup,
): Promise<CommandResult> => {
  const bytes = Buffer.byteLength(request.command);
  if (bytes > host.pool.longestCommand) {
    throw new SshMcpError(
      "TOO_LARGE",
      `a command line of ${bytes} bytes is over the server's ${host.pool.longestCommand}`,
      {
        hint: "ssh-mcp exec TARGET -- sh -s <FILE",
      },
    );
  }
  const { timeoutMs } = request;
  const startedAt = performance.now();
  const limitMs = timeoutMs === null ? null : Math.max(timeoutMs, freeWaitMs);
  const telling = setTimeout(() => host.pool.isFull && onBusy(), toldAfterMs);
  const channel = await channelInTime(host.acquire, limitMs, signal).finally(() => clearTimeout(telling));
  const waited = performance.now() - startedAt;
  const left = timeoutMs === null || waited <= freeWaitMs ? timeoutMs : Math.max(1, timeoutMs - waited);
  return new RunningCommand(host, channel, { ...request, ...setup, timeoutMs: left }, signal).finish();
};

class RunningCommand {
  readonly #host: CommandHost;
  readonly #channel: SessionChannel;
  readonly #request: CommandRequest & CommandSetup;
  readonly #signal: AbortSignal;
  readonly #startedAt = performance.now();
  readonly #bytes: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
  readonly #outputs: Record<OutputStream, OutputQueue>;
  readonly #stopWanted = Promise.withResolvers<"timedOut" | "canceled">();
  #undelivered = 0;
  #ending = false;
  #input: AsyncIterator<Uint8Array> | null = null;

  constructor(host: CommandHost, channel: SessionChannel, request: CommandRequest & CommandSetup, signal: AbortSignal) {
    this.#host = host;
    this.#channel = channel;
    this.#request = request;
    this.#signal = signal;
    const taken = (bytes: number): void => {
      this.#undelivered -= bytes;
      this.#channel.consume(bytes);
    };
    // Nobody reads any more: the rest is drained, and the command is stopped as if the caller had asked for it.
    const broken = (): void => this.#stopWanted.resolve("canceled");
    this.#outputs = {
      stdout: new OutputQueue(request.stdout, taken, broken),
      stderr: new OutputQueue(request.stderr, taken, broken),
    };
  }

  async finish(): Promise<CommandResult> {
    this.#channel.read((stream, chunk) => {
      this.#bytes[stream] += chunk.length;
      this.#undelivered += chunk.length;
      this.#outputs[stream].push(chunk);
    });
    const endForwarding = this.#prepare();
    const tag = randomBytes(16).toString("hex");
    const tagged = this.#channel.env(tagVariable, tag);
    const accepted = this.#channel.exec(this.#request.command);
    // The next command's channel is asked for in the same breath, off this one's path.
    this.#host.pool.prepare();

    const cancel = (): void => this.#stopWanted.resolve("canceled");
    this.#signal.addEventListener("abort", cancel, { once: true });
    const { timeoutMs } = this.#request;
    const timer = timeoutMs === null ? undefined : setTimeout(() => this.#stopWanted.resolve("timedOut"), timeoutMs);
    // Input that was cut must not look complete to the command: it gets no EOF, and is stopped.
    void this.#feed().catch(cancel);
    try {
      const refused = accepted.then((taken) => (taken ? this.#channel.closed : undefined));
      const ended = Promise.race([this.#channel.closed, refused]).then(() => null);
      const stopCause = await Promise.race([ended, this.#stopWanted.promise]);
      this.#ending = true;
      if (stopCause === null) return await this.#ended(accepted);
      const readerBehind = (): boolean => this.#undelivered > 0;
      const stopped = await this.#host.stopper.stop({ channel: this.#channel, tag, tagged, readerBehind });
      return await this.#stopped(stopCause, stopped);
    } finally {
      clearTimeout(timer);
      this.#signal.removeEventListener("abort", cancel);
      endForwarding();
      this.#endInput();
    }
  }

  /** Asks for what the command is to find, and waits for nothing. @returns what ends it */
  #prepare(): () => void {
    const { environment, agentSocket, terminal } = this.#request;
    if (terminal !== null) {
      void this.#channel.pty(terminal.type, terminal);
      terminal.onResize((size) => this.#channel.resize(size));
    }
    for (const { name, value } of environment) this.#channel.offer(name, value);
    if (agentSocket !== null) this.#channel.forwardAgent();
    return this.#host.forwarding.begin(agentSocket);
  }

  async #feed(): Promise<void> {
    this.#input = this.#request.stdin[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#input.next();
      if (this.#ending || this.#channel.isClosed) return;
      if (next.done === true) break;
      await this.#channel.write(next.value);
    }
    this.#channel.eof();
  }

  /** The source may be waiting for bytes that never come: it is told to end, and not waited for. */
  #endInput(): void {
    void this.#input?.return?.()?.catch(() => undefined);
  }

  async #drained(): Promise<void> {
    await Promise.all([this.#outputs.stdout.drained(), this.#outputs.stderr.drained()]);
  }

  async #ended(accepted: Promise<boolean>): Promise<CommandResult> {
    // A refused request leaves its channel open.
    this.#channel.close();
    await this.#drained();
    const { exit, isComplete } = this.#channel;
    // OpenSSH reports the status as soon as the command ends, with output still on its way: cut there, it is half an answer.
    if (exit !== null && !isComplete)
      return this.#result("unknown", { reason: cutReason(this.#host.lostReason(), exit) });
    if (exit !== null && "code" in exit) return this.#result("exited", { exitCode: exit.code });
    if (exit !== null) return this.#result("signaled", { signal: exit.signal });
    // A channel that closed without a status is never success: its link was cut, or the server would not say.
    if (!this.#host.connected()) return this.#result("unknown", { reason: this.#host.lostReason() });
    const reason = (await accepted)
      ? "the server closed the channel without an exit status"
      : "the server refused the exec request";
    return this.#result("unknown", { reason });
  }

  async #stopped(outcome: "timedOut" | "canceled", stopped: StopResult): Promise<CommandResult> {
    this.#channel.close();
    await within(this.#channel.closed, afterStopMs, undefined);
    // A reader that stands still must not hold a command that has been stopped.
    await within(this.#drained(), afterStopMs, undefined);
    for (const output of Object.values(this.#outputs)) output.drop();
    const reason = outcome === "canceled" ? reasonOf(this.#signal) : null;
    return this.#result(outcome, { stopped, ...(reason === null ? {} : { reason }) });
  }

  #result(
    outcome: CommandOutcome,
    facts: { exitCode?: number; signal?: string; stopped?: StopResult; reason?: string },
  ): CommandResult {
    return {
      outcome,
      exitCode: facts.exitCode ?? null,
      signal: facts.signal ?? null,
      stopped: facts.stopped ?? null,
      durationMs: Math.round(performance.now() - this.#startedAt),
      stdoutBytes: this.#bytes.stdout,
      stderrBytes: this.#bytes.stderr,
      reason: facts.reason ?? null,
    };
  }
}

const cutReason = (lost: string, exit: { code: number } | { signal: string }): string => {
  const reported = "code" in exit ? `status ${exit.code}` : `signal ${exit.signal}`;
  return `${lost} before the output was complete (the command had reported ${reported})`;
};
