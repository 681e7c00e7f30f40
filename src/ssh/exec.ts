import { randomBytes } from "node:crypto";
import { SshMcpError } from "../core/errors.ts";
import type { CommandOutcome, CommandRequest, CommandResult, Sink, StopResult } from "../core/session.ts";
import type { OutputStream, SessionChannel } from "./channel.ts";
import type { ChannelPool } from "./channel-pool.ts";
import { stopCommand } from "./stop.ts";
import { within } from "./within.ts";

/** Debian's stock sshd accepts `LC_*`; nothing reads this one. It marks the command's processes for the stop helper. */
const tagName = "LC_SSH_MCP";
/** After a stop, how long the channel may take to close before the result is given without it. */
const closeLimitMs = 1000;

/** The connection as a command sees it. */
export interface CommandHost {
  pool: ChannelPool;
  /** A channel that is known to be answered; see Connection.acquire. */
  acquire(signal: AbortSignal): Promise<SessionChannel>;
  connected(): boolean;
  /** Why the connection ended, when it did. */
  lostReason(): string;
}

/**
 * Runs one command and streams it. The exec request is handed over at most once; from then on the answer is always a result.
 * @throws SshMcpError when the request was not handed over: CANCELED, CHANNEL_REFUSED, CONNECTION_LOST, PROTOCOL_ERROR
 */
export const runCommand = async (
  host: CommandHost,
  request: CommandRequest,
  signal: AbortSignal,
): Promise<CommandResult> => {
  const channel = await host.acquire(signal);
  if (signal.aborted) {
    channel.close();
    throw new SshMcpError("CANCELED", "the command was canceled before it was sent");
  }
  return new RunningCommand(host, channel, request, signal).finish();
};

class RunningCommand {
  readonly #host: CommandHost;
  readonly #channel: SessionChannel;
  readonly #request: CommandRequest;
  readonly #signal: AbortSignal;
  readonly #startedAt = performance.now();
  readonly #bytes: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
  readonly #delivered: Record<OutputStream, Promise<void>> = { stdout: Promise.resolve(), stderr: Promise.resolve() };
  readonly #stopWanted = Promise.withResolvers<"timedOut" | "canceled">();
  #undelivered = 0;
  #ending = false;
  #input: AsyncIterator<Uint8Array> | null = null;

  constructor(host: CommandHost, channel: SessionChannel, request: CommandRequest, signal: AbortSignal) {
    this.#host = host;
    this.#channel = channel;
    this.#request = request;
    this.#signal = signal;
  }

  async finish(): Promise<CommandResult> {
    const tag = randomBytes(16).toString("hex");
    const tagged = this.#channel.env(tagName, tag);
    const accepted = this.#channel.exec(this.#request.command);
    // The next command's channel is asked for in the same breath, off this one's path.
    this.#host.pool.prepare();
    this.#channel.read((stream, chunk) => this.#deliver(stream, chunk));

    const cancel = (): void => this.#stopWanted.resolve("canceled");
    this.#signal.addEventListener("abort", cancel, { once: true });
    const timer =
      this.#request.timeoutMs === null
        ? undefined
        : setTimeout(() => this.#stopWanted.resolve("timedOut"), this.#request.timeoutMs);
    // Input that was cut must not look complete to the command: it gets no EOF, and is stopped.
    void this.#feed().catch(cancel);
    try {
      const refused = accepted.then((taken) => (taken ? this.#channel.closed : undefined));
      const ended = Promise.race([this.#channel.closed, refused]).then(() => null);
      const stopCause = await Promise.race([ended, this.#stopWanted.promise]);
      this.#ending = true;
      if (stopCause === null) return await this.#ended(accepted);
      const stopped = await stopCommand({
        channel: this.#channel,
        pool: this.#host.pool,
        tag: `${tagName}=${tag}`,
        tagged,
        connected: () => this.#host.connected(),
        readerBehind: () => this.#undelivered > 0,
      });
      return await this.#stopped(stopCause, stopped);
    } finally {
      clearTimeout(timer);
      this.#signal.removeEventListener("abort", cancel);
      this.#endInput();
    }
  }

  #deliver(stream: OutputStream, chunk: Buffer): void {
    this.#bytes[stream] += chunk.length;
    this.#undelivered += chunk.length;
    const sink: Sink = this.#request[stream];
    this.#delivered[stream] = this.#delivered[stream].then(async () => {
      try {
        await sink.write(chunk);
      } catch {
        // Nobody reads any more: the rest is drained, and the command is stopped as if the caller had asked for it.
        this.#stopWanted.resolve("canceled");
      }
      this.#undelivered -= chunk.length;
      this.#channel.consume(chunk.length);
    });
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

  async #ended(accepted: Promise<boolean>): Promise<CommandResult> {
    // A refused request leaves its channel open.
    this.#channel.close();
    await Promise.all([this.#delivered.stdout, this.#delivered.stderr]);
    const exit = this.#channel.exit;
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
    await within(this.#channel.closed, closeLimitMs, undefined);
    await Promise.all([this.#delivered.stdout, this.#delivered.stderr]);
    return this.#result(outcome, { stopped });
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
