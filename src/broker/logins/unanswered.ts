import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import type { LoginQuestion } from "../../core/question.ts";

/** For a question that nobody answered: AUTH_REQUIRED, or HOST_KEY_UNKNOWN for a host key. */
export const unanswered = ({ kind, destination, wanted, connectCommand: hint }: LoginQuestion): SshMcpError => {
  const where = escapeLine(destination);
  if (kind === "host-key") {
    return new SshMcpError(
      "HOST_KEY_UNKNOWN",
      `the host key of ${where} is not known, and nobody confirmed it: ${wanted}`,
      { hint },
    );
  }
  return new SshMcpError("AUTH_REQUIRED", `logging in to ${where} takes ${wanted}, and nobody gave it`, { hint });
};
