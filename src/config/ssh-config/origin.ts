import { SshMcpError } from "../../core/errors.ts";
import { quoteWord } from "../../core/quote.ts";
import { isOfProcess } from "../../files/process-path.ts";

/** Where a value of the SSH client configuration was written. */
export interface Origin {
  /** The file's path; null when it was given with the request. */
  file: string | null;
  /**
   * Line in the file, from 1. With the request: the position among the `-o` options, from 1, or 0 for other arguments.
   */
  line: number;
}

/** What `-l`, `-p`, `-i` and the destination say. */
export const requestOrigin: Origin = { file: null, line: 0 };

/** `FILE:LINE`, `-o`, or `the request`. */
export const describeOrigin = (origin: Origin): string => {
  if (origin.file !== null) return `${origin.file}:${origin.line}`;
  return origin.line === 0 ? "the request" : "-o";
};

/** An error in what was written there: CONFIG_INVALID for a file, INVALID_INPUT for the request. */
export const invalidAt = (origin: Origin, message: string): SshMcpError => {
  const text = `${describeOrigin(origin)}: ${message}`;
  if (origin.file === null) return new SshMcpError("INVALID_INPUT", text, { hint: "man ssh_config" });
  // What came from a pipe cannot be edited.
  const hint = isOfProcess(origin.file) ? "man ssh_config" : `vi +${origin.line} ${quoteWord(origin.file)}`;
  return new SshMcpError("CONFIG_INVALID", text, { hint });
};

/** Something ssh(1) would do and we would not: it is refused, since ignoring it would connect or trust differently. */
export const unsupportedAt = (origin: Origin, message: string): SshMcpError =>
  new SshMcpError("UNSUPPORTED", `${describeOrigin(origin)}: ${message}`, {
    // Without the file, everything it would say is given on the command line.
    hint: origin.file === null ? "man ssh_config" : "ssh-mcp connect -F none USER@HOST:PORT",
  });
