/** How a finished remote command ended, for the exit status and for the person. */

import { formatDuration, formatLimit } from "../core/duration.ts";
import type { ErrorRecord } from "../core/errors.ts";
import { type ExitFacts, exitStatusOfCommand } from "../core/exit-status.ts";
import { quoteWord } from "../core/quote.ts";

/** The part of a result that says how its command ended. */
export interface EndedCommand extends ExitFacts {
  reason: string | null;
  stopped: string | null;
  durationMs: number;
  /** The job that it goes on as; null or absent when it does not. */
  jobId?: string | null;
}

export interface Ending {
  status: number;
  /** What to say on standard error; null when the status says it all, as with ssh(1). */
  message: Pick<ErrorRecord, "code" | "message" | "hint"> | null;
}

/**
 * @param target as it was typed
 * @param timeout the limit in seconds, or undefined when none was given
 */
export const endingOf = (outcome: EndedCommand, target: string, timeout: number | undefined): Ending => {
  const status = exitStatusOfCommand(outcome);
  const stopped = outcome.stopped === null ? "" : `; stopped: ${outcome.stopped}`;
  const look = `ssh-mcp exec ${quoteWord(target)} -- ps -ef`;
  const job = outcome.jobId ?? null;
  const show = job === null ? look : `ssh-mcp job show ${quoteWord(target)} ${job}`;
  const asJob = job === null ? "" : ` (job ${job})`;
  const hint = outcome.stopped === "confirmed" ? null : show;
  switch (outcome.outcome) {
    case "exited":
    case "signaled":
      return { status, message: null };
    case "timedOut": {
      const limit = timeout === undefined ? formatDuration(outcome.durationMs) : formatLimit(timeout * 1000);
      if (outcome.jobId != null) {
        const goesOn = `the time was over after ${limit}; it goes on as job ${outcome.jobId}`;
        const wait = `ssh-mcp job wait ${quoteWord(target)} ${outcome.jobId}`;
        return { status, message: { code: "TIMEOUT", message: goesOn, hint: wait } };
      }
      const why = outcome.reason === null ? `the command ran out of time after ${limit}` : outcome.reason;
      return { status, message: { code: "TIMEOUT", message: `${why}${stopped}`, hint } };
    }
    case "canceled":
      return {
        status,
        message: {
          code: "CANCELED",
          message: `${outcome.reason ?? "the command was canceled"}${asJob}${stopped}`,
          hint,
        },
      };
    case "unknown": {
      const reason = outcome.reason ?? "the connection was lost";
      const message = `the outcome is unknown: ${reason}${asJob}; look at the server before you run the command again`;
      return { status, message: { code: "OUTCOME_UNKNOWN", message, hint: show } };
    }
  }
};
