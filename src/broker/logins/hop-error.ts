import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import type { DialPlan } from "./dial-plan.ts";

/** A login that failed at a jump host: what helps is about that host, and not about the session that was to go through it. */
export class HopError extends SshMcpError {}

/** What only a person can answer is asked on the way of the session itself. */
const asked: ReadonlySet<string> = new Set(["AUTH_REQUIRED"]);

/**
 * Names the jump host that an error is about. One that names one already, and what was canceled, stay as they are.
 * @param hop its plan
 */
export const atHop = (error: unknown, hop: DialPlan): unknown => {
  if (!(error instanceof SshMcpError) || error instanceof HopError || error.code === "CANCELED") return error;
  const { code, retryable } = error;
  const message = `${escapeLine(hop.destination)}: ${error.message}`;
  // The hint of a question opens the session, where the hop asks on the way.
  if (asked.has(code)) return new SshMcpError(code, message, { ...hintOf(error), retryable, cause: error });
  const hint = error.hint === null || error.hint === hop.connectCommand ? hop.ownCommand : error.hint;
  return new HopError(code, message, { hint, retryable, cause: error });
};

const hintOf = ({ hint }: SshMcpError): { hint?: string } => (hint === null ? {} : { hint });
