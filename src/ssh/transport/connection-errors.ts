import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";

/** How far a connection had got when it failed; the same error of ssh2 means different things. */
export type Phase = "handshake" | "authentication" | "ready";

interface Ssh2Error extends Error {
  level?: string;
  /** A DISCONNECT's reason (RFC 4253, section 11.1) when it is a number, a socket's error name when it is a string. */
  code?: number | string;
}

/**
 * Translates an error of ssh2 1.17.0, which tells its kinds apart by `level` and by text. The
 * server's own words stay in the message, escaped.
 */
export const connectionError = (thrown: unknown, phase: Phase, where: string): SshMcpError => {
  if (thrown instanceof SshMcpError) return thrown;
  const error = thrown as Ssh2Error;
  // The server's words, or ssh2's: one line, so that they cannot pass for a hint of ours.
  const message = escapeLine(error.message ?? String(thrown));
  if (phase === "ready" && /^Host denied/.test(message)) {
    return new SshMcpError(
      "HOST_KEY_CHANGED",
      `${where} showed another host key in the middle of the connection, which was ended; somebody may be in between`,
      { cause: error },
    );
  }
  if (error.level === "client-timeout") {
    return lost(`${where} did not answer keepalives`, error);
  }
  if (error.level === "client-socket" || /^Connection lost|ECONNRESET|EPIPE/.test(message)) {
    return lost(
      phase === "handshake"
        ? `${where} closed the connection before the SSH handshake was through`
        : `the connection to ${where} was lost (${error.code ?? message})`,
      error,
    );
  }
  if (typeof error.code === "number") {
    // RFC 4253, section 11.1: 2 and 14 are what servers say after too many failed attempts.
    const code = phase === "authentication" ? "AUTH_FAILED" : "CONNECTION_LOST";
    return new SshMcpError(code, `${where} disconnected: ${message}`, { cause: error });
  }
  return new SshMcpError("PROTOCOL_ERROR", `${where} does not speak SSH as it should: ${message}`, {
    cause: error,
  });
};

const lost = (message: string, cause: unknown): SshMcpError => new SshMcpError("CONNECTION_LOST", message, { cause });
