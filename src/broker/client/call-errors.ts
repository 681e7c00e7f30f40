/** Why a call has no result when it is the way to the broker that failed. */
import { SshMcpError } from "../../core/errors.ts";

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

const hintOf = ({ hint }: SshMcpError): { hint?: string } => (hint === null ? {} : { hint });
