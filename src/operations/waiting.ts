/** Calls that wait for a person to do what a login takes. */
import * as v from "valibot";
import type { DialRequest } from "../core/dial-request.ts";
import { formatDuration } from "../core/duration.ts";
import { type ErrorCode, SshMcpError, toSshMcpError } from "../core/errors.ts";
import type { Context, Issue } from "../core/operation.ts";

/** Long enough to find a phone; a call is no place to wait longer. */
const longestWaitSeconds = 300;
const range = `must be more than 0 and at most ${longestWaitSeconds} seconds`;

export const waitField = v.optional(v.pipe(v.number(), v.description("Seconds to wait for a person's login")));

/** The bounds of `waitField`, which no model has to read before its first call. */
export const waitIssues = (seconds: number | undefined): Issue[] =>
  seconds === undefined || (seconds > 0 && seconds <= longestWaitSeconds) ? [] : [{ field: "wait", message: range }];

const forPeople: ReadonlySet<ErrorCode> = new Set(["AUTH_REQUIRED", "HOST_KEY_UNKNOWN"]);

/**
 * Tries to open what a call needs. When that takes a person and the call may wait, it tries again once something has changed, and once more when
 * its time is over, for not everything that changes can be seen. It connects to nothing meanwhile: servers drop, and may lock out, who begins to
 * log in and does not end it. A call that is identical to an earlier one waits on instead of beginning anew.
 * @param seconds how long; undefined does not wait
 * @throws SshMcpError what the last attempt failed with
 */
export const forPerson = async <T>(
  request: DialRequest & { name: string | null },
  seconds: number | undefined,
  context: Context,
  attempt: () => Promise<T>,
): Promise<T> => {
  // Who can be asked is, and has declined when it fails: there is nobody to wait for.
  if (seconds === undefined || context.asks)
    return await attempt().catch((thrown: unknown) => Promise.reject(toldHow(thrown, context)));
  const until = performance.now() + seconds * 1000;
  let failed: SshMcpError | null = null;
  for (;;) {
    const wait = await context.sessions.pending.answered(request, until - performance.now(), context);
    if (wait.how === "late" && !wait.mayTry) throw unanswered(wait.error, seconds);
    // What no place is kept for would be tried again and again.
    if (wait.how === "absent" && failed !== null) throw tooMany(failed);
    try {
      return await attempt();
    } catch (thrown) {
      const error = toSshMcpError(thrown);
      if (!forPeople.has(error.code) || context.signal.aborted) throw thrown;
      if (wait.how === "late") throw unanswered(error, seconds);
      failed = error;
      context.progress(`waiting for a person to log in to ${request.destination}: ${error.hint ?? ""}`);
    }
  }
};

const toldHow = (thrown: unknown, { caller }: Context): unknown => {
  const error = toSshMcpError(thrown);
  const isModels = caller.face === "mcp" && forPeople.has(error.code);
  // It knows no person's pace.
  return isModels ? saying(error, "the same call with wait: 50 goes on once a person has typed the hint") : thrown;
};

const unanswered = (error: SshMcpError, seconds: number): SshMcpError =>
  saying(error, `waited ${formatDuration(seconds * 1000)} for a person`, true);

const tooMany = (error: SshMcpError): SshMcpError =>
  saying(error, "as many calls as may do so wait for a person already: this one does not", true);

const saying = ({ code, message, hint, retryable, cause }: SshMcpError, what: string, isRetryable = retryable) =>
  new SshMcpError(code, `${message}; ${what}`, { ...(hint === null ? {} : { hint }), retryable: isRetryable, cause });
