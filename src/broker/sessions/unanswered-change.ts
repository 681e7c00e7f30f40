import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { howToLook } from "../../core/files/how-to-look.ts";
import type { Caller } from "../../core/operation.ts";
import type { FilesRequest } from "../../core/session.ts";
import type { CallEnd } from "./call-end.ts";

/** Whose change it was, for messages. */
export interface ChangeOf {
  /** The session's name. */
  name: string;
  request: FilesRequest;
  caller: Caller;
  end: CallEnd;
}

/**
 * What is said of a change that failed: of one that may have been done, how to find out. For whoever does it all again in any case, the link was lost.
 * @param path what it was about
 */
export const changeError = (thrown: unknown, path: string, { name, request, caller, end }: ChangeOf): unknown => {
  if (!(thrown instanceof SshMcpError)) return thrown;
  // The call was to end, and left it.
  if (thrown === end.error) {
    const { code, message } = thrown;
    return new SshMcpError(code, `${message}; whether ${shown(path)} was changed is not known`, { cause: thrown });
  }
  if (thrown.code !== "OUTCOME_UNKNOWN") return thrown;
  if (request.repeatable === true) return new SshMcpError("CONNECTION_LOST", thrown.message, { cause: thrown });
  const hint = howToLook({ target: name, sudo: request.become?.user }, path, caller);
  return new SshMcpError(thrown.code, thrown.message, { hint, cause: thrown });
};
