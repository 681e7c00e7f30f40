/** A job seen as a command, for whoever takes its status for that of `exec`. */
import * as v from "valibot";
import type { CommandResult } from "../core/command.ts";
import { commandOutcomes } from "../core/command.ts";
import { hasEnded, type Job } from "../core/jobs.ts";
import { count } from "./fields.ts";

/** As `exec` has them. */
export const endingFields = {
  exitCode: v.pipe(v.nullable(count), v.description("Exit status; null unless outcome is exited")),
  signal: v.pipe(v.nullable(v.string()), v.description("Signal that ended it, without SIG; else null")),
  outcome: v.pipe(
    v.picklist(commandOutcomes),
    v.description("How it ended; timedOut: it goes on; unknown: it is lost, or another machine's"),
  ),
  reason: v.pipe(v.nullable(v.string()), v.description("Why it is unknown; else null")),
  durationMs: v.pipe(count, v.description("Milliseconds that the call took")),
};

type Ending = Pick<CommandResult, "exitCode" | "signal" | "outcome" | "reason">;

export const endingOfJob = (job: Job): Ending => {
  const { exitCode, signal, reason } = job;
  // Whether it runs can be seen on its own machine alone.
  if (job.state === "elsewhere") return { outcome: "unknown", exitCode: null, signal: null, reason };
  if (!hasEnded(job)) return { outcome: "timedOut", exitCode: null, signal: null, reason: null };
  if (exitCode !== null) return { outcome: "exited", exitCode, signal: null, reason: null };
  if (signal !== null) return { outcome: "signaled", exitCode: null, signal, reason: null };
  return { outcome: "unknown", exitCode: null, signal: null, reason: reason ?? "the job left no status" };
};
