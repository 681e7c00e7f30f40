/** Why a call has no result when it is the broker, or the way to it, that failed. */
import { SshMcpError } from "../../core/errors.ts";
import { hintFor } from "../../core/hint.ts";
import type { Caller } from "../../core/operation.ts";
import { quoteWord } from "../../core/quote.ts";
import type { CallOptions } from "./call-options.ts";

/** The broker certainly has not begun with the request: it may be sent again, over another connection. */
export class NotAccepted extends SshMcpError {}

export const closedByBroker = (): NotAccepted =>
  new NotAccepted("BROKER_UNAVAILABLE", "the broker closed the connection", { hint: "ssh-mcp broker status" });

/** For a request on a connection that was over before. */
export const neverSent = (reason: SshMcpError): SshMcpError =>
  reason instanceof NotAccepted ? reason : new SshMcpError("BROKER_UNAVAILABLE", reason.message, hintOf(reason));

/** For a request that a broker refused because it leaves its place to another. */
export const notTaken = (reason: SshMcpError): NotAccepted =>
  new NotAccepted("BROKER_UNAVAILABLE", reason.message, hintOf(reason));

/** A broker is there and says nothing. */
export class NotAnswering extends SshMcpError {}

export const notAnswering = (): NotAnswering =>
  new NotAnswering("BROKER_UNAVAILABLE", "the broker is running and does not answer", {
    hint: "ssh-mcp broker status",
  });

/**
 * For a call that was under way when its connection ended.
 * @param asked whether the broker waited for an answer to a question just then: it asks before it begins, and takes the question back in
 *   the turn in which another has answered, thus it had not begun
 */
export const lostCall = (options: CallOptions, { message }: SshMcpError, asked: boolean): SshMcpError => {
  const { operation, input, caller, repeatable = false } = options;
  if (asked || repeatable) {
    const what = asked ? `${message} before the login was through; no command was sent` : message;
    return new SshMcpError("BROKER_UNAVAILABLE", what, { hint: again(caller) });
  }
  const target = targetOf(input);
  const hint =
    target === null
      ? { command: "ssh-mcp ls", tool: "ssh_sessions {}" }
      : {
          command: `ssh-mcp exec ${quoteWord(target)} -- ps -ef`,
          tool: `ssh_exec ${JSON.stringify({ target, command: "ps -ef" })}`,
        };
  return new SshMcpError(
    "OUTCOME_UNKNOWN",
    `${operation} may or may not have run: ${message}; look whether it took effect before you run it again`,
    { hint: hintFor(caller, hint) },
  );
};

const again = (caller: Caller): string =>
  hintFor(caller, { command: "run the same command again", tool: "repeat the same call" });

/** As every operation that works on one calls it. A NUL is in none that was taken. */
const targetOf = (input: unknown): string | null => {
  const target = typeof input === "object" && input !== null && "target" in input ? input.target : null;
  return typeof target === "string" && !target.includes("\0") ? target : null;
};

const hintOf = ({ hint }: SshMcpError): { hint?: string } => (hint === null ? {} : { hint });
