import { type ErrorCode, SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { escapeLine, quotedWords } from "../../core/escape.ts";
import { pathBytes } from "../../core/files/path-text.ts";
import { statusCode } from "./packet-types.ts";
import { StatusReply } from "./replies.ts";
import type { PathBytes } from "./requests.ts";

/** A reason that was found out. */
export interface Reason {
  code: ErrorCode;
  words: string;
}

/** Section 7; what is not here is REMOTE_IO in the server's own words. */
const reasons: Readonly<Record<number, Reason>> = {
  [statusCode.noSuchFile]: { code: "NOT_FOUND", words: "no such file or directory" },
  [statusCode.permissionDenied]: { code: "REMOTE_PERMISSION", words: "permission denied" },
  [statusCode.operationUnsupported]: { code: "UNSUPPORTED", words: "the server cannot do that over SFTP" },
};

/**
 * @param action what was tried: `cannot read "/x" on db1`
 * @param reason what is known better than the server says it
 * @param after what is to be known besides: `; 10 bytes are written`
 */
export const sftpFailure = (action: string, thrown: unknown, reason: Reason | null = null, after = ""): SshMcpError => {
  const isStatus = thrown instanceof StatusReply || (thrown === null && reason !== null);
  const cause = isStatus ? null : toSshMcpError(thrown);
  if (cause !== null) {
    return new SshMcpError(cause.code, `${action}: ${cause.message}${after}`, {
      ...(cause.hint === null ? {} : { hint: cause.hint }),
      retryable: cause.retryable,
      cause,
    });
  }
  const { code, words } = reason ?? reasonOf(thrown as StatusReply);
  return new SshMcpError(code, `${action}: ${words}${after}`);
};

/**
 * For a change that was sent when the link still held: what ended it left no answer.
 * @param action see `sftpFailure`
 */
export const changeFailure = (
  action: string,
  thrown: unknown,
  reason: Reason | null = null,
  after = "",
): SshMcpError => {
  const isUnanswered = thrown instanceof SshMcpError && endOfLink.has(thrown.code);
  if (!isUnanswered) return sftpFailure(action, thrown, reason, after);
  const what = action.replace(/^cannot /, "");
  return new SshMcpError("OUTCOME_UNKNOWN", `${what}: whether it was done is not known: ${thrown.message}${after}`, {
    cause: thrown,
  });
};

/** What a link ends with when nobody here ended it: REMOTE_IO where it is the server's program alone that ended. */
const endOfLink: ReadonlySet<ErrorCode> = new Set(["CONNECTION_LOST", "REMOTE_IO"]);

const reasonOf = (status: StatusReply): Reason =>
  reasons[status.code] ?? {
    code: "REMOTE_IO",
    words:
      status.message.trim() === ""
        ? `SFTP status ${status.code}`
        : `the server says ${quotedWords(status.message, 200)}`,
  };

/** Whether a failure is worth a second look: the server did not say why. */
export const isVague = (thrown: unknown): thrown is StatusReply =>
  thrown instanceof StatusReply && reasons[thrown.code] === undefined;

export const isStatus = (thrown: unknown, code: number): boolean =>
  thrown instanceof StatusReply && thrown.code === code;

const mostShown = 400;

/** A path for a message; a long one loses its middle, and keeps its name. */
export const namedPath = (path: string): string => {
  const text = path === "" ? "." : path;
  const half = mostShown / 2;
  return `"${escapeLine(text.length <= mostShown ? text : `${text.slice(0, half)}…${text.slice(-half)}`)}"`;
};

/** Longer than any system takes it, and far from what ends the link. */
const mostPathBytes = 16 * 1024;

/**
 * A path as it goes to a server.
 * @throws SshMcpError INVALID_INPUT for what no path can be: servers end the link for it, or cut it
 */
export const sentPath = (path: string): PathBytes => {
  if (path === "") return dot;
  const bytes = pathBytes(path);
  if (bytes.includes(0)) throw new SshMcpError("INVALID_INPUT", `${namedPath(path)} holds a NUL byte: no path does`);
  if (bytes.length > mostPathBytes) {
    throw new SshMcpError("INVALID_INPUT", `${namedPath(path)} is too long for a path: ${bytes.length} bytes`);
  }
  return bytes;
};

const dot = Buffer.from(".");
