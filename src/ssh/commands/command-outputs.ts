import type { CommandOutcome, CommandRequest, CommandResult, StopResult } from "../../core/command.ts";
import { within } from "../transport/within.ts";
import { type ExitReport, exitWords, type OutputStream } from "./channel.ts";
import { OutputQueue } from "./output-queue.ts";

/** After a stop, how long the channel may take to close, and then the caller to read, before the result is given without it. */
export const afterStopMs = 1000;

/** What a command's result says beside how much it wrote and how long it took. */
export interface Ending {
  exitCode?: number;
  signal?: string;
  stopped?: StopResult;
  reason?: string | null;
}

/** What one command writes, on its way to its caller, and the result that counts it. Its time runs from here on. */
export class CommandOutputs {
  readonly #startedAt = performance.now();
  readonly #bytes: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
  readonly #queues: Record<OutputStream, OutputQueue>;
  #undelivered = 0;

  /**
   * @param taken told of bytes that the caller has read, or that were thrown away
   * @param broken told when the caller reads no more: the rest is drained
   */
  constructor(
    { stdout, stderr }: Pick<CommandRequest, OutputStream>,
    taken: (bytes: number) => void,
    broken: () => void,
  ) {
    const count = (bytes: number): void => {
      this.#undelivered -= bytes;
      taken(bytes);
    };
    this.#queues = { stdout: new OutputQueue(stdout, count, broken), stderr: new OutputQueue(stderr, count, broken) };
  }

  /** Whether something waits for the caller: the server may be kept from sending more. */
  get isBehind(): boolean {
    return this.#undelivered > 0;
  }

  deliver(stream: OutputStream, chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#bytes[stream] += chunk.length;
    this.#undelivered += chunk.length;
    this.#queues[stream].push(chunk);
  }

  /** Resolves when the caller has read all. */
  async drained(): Promise<void> {
    await Promise.all([this.#queues.stdout.drained(), this.#queues.stderr.drained()]);
  }

  /** Throws away what waits and what comes. */
  drop(): void {
    for (const queue of Object.values(this.#queues)) queue.drop();
  }

  /** After a stop: a reader that stands still must not hold a command that has been stopped. @returns whether the caller has read all */
  async settle(): Promise<boolean> {
    const isRead = await within(
      this.drained().then(() => true),
      afterStopMs,
      false,
    );
    this.drop();
    return isRead;
  }

  /** The result of a command that the server reported ended, with all its output. */
  reported(exit: ExitReport, reason: string | null = null): CommandResult {
    if ("code" in exit) return this.result("exited", { exitCode: exit.code, reason });
    return this.result("signaled", { signal: exit.signal, reason });
  }

  /** OpenSSH reports the status as soon as the command ends, with output still on its way: cut there, it is half an answer. */
  cut(lost: string, exit: ExitReport): CommandResult {
    const reason = `${lost} before the output was complete (the command had reported ${exitWords(exit)})`;
    return this.result("unknown", { reason });
  }

  result(outcome: CommandOutcome, ending: Ending): CommandResult {
    return {
      outcome,
      exitCode: ending.exitCode ?? null,
      signal: ending.signal ?? null,
      stopped: ending.stopped ?? null,
      durationMs: Math.round(performance.now() - this.#startedAt),
      stdoutBytes: this.#bytes.stdout,
      stderrBytes: this.#bytes.stderr,
      reason: ending.reason ?? null,
    };
  }
}
