/** Calls that wait for a person to do what a login takes. */
import * as v from "valibot";
import { type ErrorCode, SshMcpError, toSshMcpError } from "../core/errors.ts";
import type { Context } from "../core/operation.ts";
import type { DialRequest } from "../core/session.ts";

/** Long enough to find a phone; a call is no place to wait longer. */
const longestWaitSeconds = 300;
const range = `must be more than 0 and at most ${longestWaitSeconds} seconds`;

export const waitField = v.optional(
  v.pipe(
    v.number(),
    v.gtValue(0, range),
    v.maxValue(longestWaitSeconds, range),
    v.description("Seconds to wait for a person's login"),
  ),
);

const forPeople: ReadonlySet<ErrorCode> = new Set(["AUTH_REQUIRED", "HOST_KEY_UNKNOWN"]);

/**
 * Tries to open what a call needs. When that takes a person and the call may wait, it tries again once something has changed, and connects to
 * nothing meanwhile: servers drop, and may lock out, who begins to log in and does not end it. A call that is identical to an earlier one
 * waits on instead of beginning anew.
 * @param seconds how long; undefined does not wait
 * @throws SshMcpError what the last attempt failed with
 */
export const forPerson = async <T>(
  request: DialRequest & { name: string | null },
  seconds: number | undefined,
  context: Context,
  attempt: () => Promise<T>,
): Promise<T> => {
  const until = performance.now() + (seconds ?? 0) * 1000;
  const leftMs = (): number => until - performance.now();
  if (seconds !== undefined) await context.sessions.pending.answered(request, leftMs(), context);
  for (;;) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = toSshMcpError(thrown);
      if (!forPeople.has(error.code)) throw thrown;
      if (seconds === undefined) throw context.caller.face === "mcp" ? withHowToWait(error) : thrown;
      if (context.signal.aborted || leftMs() <= 0) throw thrown;
      context.progress(`waiting for a person to log in to ${request.destination}: ${error.hint ?? ""}`);
      await context.sessions.pending.answered(request, leftMs(), context);
    }
  }
};

/** For a model, which knows no person's pace. */
const withHowToWait = ({ code, message, hint, retryable, cause }: SshMcpError): SshMcpError =>
  new SshMcpError(code, `${message}; the same call with wait: 50 goes on once a person has typed the hint`, {
    ...(hint === null ? {} : { hint }),
    ...{ retryable, cause },
  });
