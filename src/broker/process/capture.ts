/**
 * Output for callers that take a result and no streams: kept up to a limit, and laid over the operation's own result.
 */
import { OutputCapture } from "../../core/output.ts";
import type { Run } from "./dispatch.ts";

export const captured =
  (next: Run): Run =>
  async (invocation) => {
    const { operation, capture, context } = invocation;
    if (capture === null || operation.streams !== "pipe") return await next(invocation);
    const stdout = new OutputCapture(capture);
    const stderr = new OutputCapture(capture);
    const result = await next({ ...invocation, context: { ...context, stdout, stderr } });
    const out = stdout.text();
    const err = stderr.text();
    return { ...result, stdout: out.text, stderr: err.text, truncated: out.truncated || err.truncated };
  };
