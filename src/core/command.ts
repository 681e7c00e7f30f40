/** A command on a session: what it takes, and how it ended. Durations are milliseconds. */
import type { CommandForm } from "./command-form.ts";
import type { Caller } from "./operation.ts";
import type { Sink } from "./sink.ts";

export interface CommandRequest {
  /** The command line: sent byte for byte, unless its form takes more. */
  command: string;
  /** What lists show in its place; absent for the command itself. */
  label?: string;
  /** Absent for a plain one. */
  form?: CommandForm;
  stdin: AsyncIterable<Uint8Array>;
  stdout: Sink;
  stderr: Sink;
  /** Limit for the command itself, from the exec request on; null is none. */
  timeoutMs: number | null;
  /** Limit for the time without a byte of output; null or absent is none. */
  idleTimeoutMs?: number | null;
  /** Name of the lasting shell of the session that it runs in; null or absent for a shell of its own. */
  shell?: string | null;
}

/** How a command ended. `unknown`: the connection was lost; it may have run, or still run. */
export const commandOutcomes = ["exited", "signaled", "timedOut", "canceled", "unknown"] as const;
export type CommandOutcome = (typeof commandOutcomes)[number];

/**
 * How far a stop got. `confirmed`: the server's process table was read afterwards and nothing of the command was left.
 * `dispatched`: signals went out and the command's channel ended, but nobody could look. `unconfirmed`: neither.
 */
export const stopResults = ["confirmed", "dispatched", "unconfirmed"] as const;
export type StopResult = (typeof stopResults)[number];

export interface CommandResult {
  outcome: CommandOutcome;
  /** The remote exit status, unsigned 32 bit; null unless `outcome` is `exited`. */
  exitCode: number | null;
  /** Signal name without SIG (RFC 4254, section 6.10); null unless `outcome` is `signaled`. */
  signal: string | null;
  /** Null when nothing had to be stopped. */
  stopped: StopResult | null;
  durationMs: number;
  /** Bytes the remote sent, whether kept or not. */
  stdoutBytes: number;
  stderrBytes: number;
  /**
   * For `unknown`: what is known about why. For `canceled`: who else than the caller ended it. For `timedOut`: that it was silent for too long.
   * For one that took its lasting shell along: that it did. Null otherwise.
   */
  reason: string | null;
}

/** A call that runs on a session now. */
export interface RunningCall {
  /** Short, and never used twice in the life of a broker. */
  id: string;
  session: string;
  command: string;
  startedAt: Date;
  by: { face: Caller["face"]; client: string };
}

/** A call that was ended by its id. */
export interface StoppedCall {
  id: string;
  session: string;
  /** Null when there was nothing to stop: it had not begun on the server, or ended by itself meanwhile. */
  stopped: StopResult | null;
}
