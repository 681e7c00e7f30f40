/**
 * The error vocabulary of every layer. A code is API: scripts and models branch on it, so none is renamed or reused.
 * A message says what happened to what; a hint is the next command to type. Neither ever holds a secret.
 */
export const errorCodes = [
  "USAGE",
  "INVALID_INPUT",
  "CONFIG_INVALID",
  "KEY_INVALID",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PRECONDITION_FAILED",
  "AUTH_FAILED",
  "AUTH_REQUIRED",
  "HOST_KEY_UNKNOWN",
  "HOST_KEY_CHANGED",
  "HOST_KEY_REVOKED",
  "NO_COMMON_ALGORITHM",
  "PROTOCOL_ERROR",
  "DNS_FAILED",
  "CONNECT_REFUSED",
  "CONNECT_TIMEOUT",
  "UNREACHABLE",
  "CONNECTION_LOST",
  "OUTCOME_UNKNOWN",
  "TIMEOUT",
  "CANCELED",
  "SESSION_NOT_FOUND",
  "SESSION_LIMIT",
  "CHANNEL_REFUSED",
  "SHELL_BUSY",
  "SHELL_EXITED",
  "TERMINAL_TAKEN",
  "REMOTE_PERMISSION",
  "REMOTE_IO",
  "LOCAL_IO",
  "CHECKSUM_MISMATCH",
  "TOO_LARGE",
  "UNSUPPORTED",
  "POLICY_DENIED",
  "APPROVAL_REQUIRED",
  "BROKER_UNAVAILABLE",
  "SANDBOX_BLOCKED",
  "INTERNAL",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** Codes after which the same call, unchanged, may succeed: the world can change, the request need not. */
const retryableCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "AUTH_REQUIRED",
  "DNS_FAILED",
  "CONNECT_REFUSED",
  "CONNECT_TIMEOUT",
  "UNREACHABLE",
  "CONNECTION_LOST",
  "SESSION_LIMIT",
  "CHANNEL_REFUSED",
  "SHELL_BUSY",
  "APPROVAL_REQUIRED",
  "BROKER_UNAVAILABLE",
]);

/** The shape of an error on every wire: `--json`, MCP `_meta` and the broker's failure frame. */
export interface ErrorRecord {
  code: ErrorCode;
  message: string;
  hint: string | null;
  retryable: boolean;
}

export interface ErrorDetails {
  hint?: string;
  retryable?: boolean;
  cause?: unknown;
}

/** The one error class that may leave a layer. Anything else that escapes is a bug and becomes `INTERNAL`. */
export class SshMcpError extends Error {
  override readonly name = "SshMcpError";
  readonly code: ErrorCode;
  readonly hint: string | null;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint ?? null;
    this.retryable = details.retryable ?? retryableCodes.has(code);
  }

  toRecord(): ErrorRecord {
    return { code: this.code, message: this.message, hint: this.hint, retryable: this.retryable };
  }

  /**
   * Rebuilds an error that crossed a process border. An unknown code, from a newer peer, is kept readable as INTERNAL.
   */
  static fromRecord(record: { code: string; message: string; hint?: string | null; retryable?: boolean }): SshMcpError {
    const known = (errorCodes as readonly string[]).includes(record.code);
    const code = known ? (record.code as ErrorCode) : "INTERNAL";
    const message = known ? record.message : `${record.code}: ${record.message}`;
    return new SshMcpError(code, message, {
      ...(record.hint == null ? {} : { hint: record.hint }),
      ...(record.retryable === undefined ? {} : { retryable: record.retryable }),
    });
  }
}

/** Turns whatever was thrown into an error with a code; the stack stays in `cause` and is never printed. */
export const toSshMcpError = (thrown: unknown): SshMcpError => {
  if (thrown instanceof SshMcpError) return thrown;
  // String() throws for an object without a prototype.
  const isObject = typeof thrown === "object" && thrown !== null;
  const message = thrown instanceof Error ? thrown.message : isObject ? "" : String(thrown);
  return new SshMcpError("INTERNAL", message || "an unexpected error without a message", {
    cause: thrown,
    hint: "ssh-mcp --version",
  });
};
