/** What is said of a job that there is not, or that cannot be started. */
import type { CommandResult } from "../../core/command.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shortened, shown } from "../../core/escape.ts";
import { hintFor } from "../../core/hint.ts";
import type { Caller } from "../../core/operation.ts";
import { quoteWord } from "../../core/quote.ts";

export const showHint = (target: string, id: string, caller: Caller): string =>
  hintFor(caller, {
    command: `ssh-mcp job show ${quoteWord(target)} ${id}`,
    tool: `ssh_job_status ${JSON.stringify({ target, id })}`,
  });

export const noJob = (target: string, id: string, caller: Caller): SshMcpError =>
  new SshMcpError("NOT_FOUND", `there is no job ${shown(id)} on ${target}`, {
    hint: hintFor(caller, {
      command: `ssh-mcp job ls ${quoteWord(target)}`,
      tool: `ssh_job_status ${JSON.stringify({ target })}`,
    }),
  });

export const startUnknown = (target: string, id: string, why: string, caller: Caller): SshMcpError =>
  new SshMcpError("OUTCOME_UNKNOWN", `${why}: whether job ${id} was started on ${target} is not known`, {
    hint: showHint(target, id, caller),
  });

/** A look that changed nothing and came to no answer. */
export const noAnswer = (result: CommandResult, said: string): SshMcpError => {
  const words = shortened(said.trim(), 200);
  switch (result.outcome) {
    case "timedOut":
      return new SshMcpError("TIMEOUT", "the server did not answer about its jobs in time");
    case "canceled":
      return new SshMcpError("CANCELED", result.reason ?? "the call was canceled");
    case "unknown":
      return new SshMcpError("CONNECTION_LOST", result.reason ?? "the connection was lost");
    default:
      return new SshMcpError(
        "REMOTE_IO",
        `the server gave no answer about its jobs${words === "" ? "" : `: ${words}`}`,
      );
  }
};

/**
 * @param word by which the start's script says that it started nothing
 * @param text what the shell said of it
 * @returns null for any other word
 */
export const notStarted = (word: string, text: string): SshMcpError | null => {
  // The shell's own prefix says where in our program it happened, which helps nobody.
  const why = shortened(text.replace(/^.*?: (?:line )?\d+: /, ""), 300);
  const nothing = "the job was not started";
  switch (word) {
    case "cwd":
      return /permission/i.test(text)
        ? new SshMcpError("REMOTE_PERMISSION", `the directory may not be entered: ${why}; ${nothing}`)
        : new SshMcpError("NOT_FOUND", `there is no such directory: ${why}; ${nothing}`);
    case "interpreter":
      return new SshMcpError("UNSUPPORTED", `the server has no ${why}; ${nothing}`);
    case "input":
      return new SshMcpError("UNSUPPORTED", `the server's sh cannot hold a job's input in memory; ${nothing}`);
    case "env":
      return new SshMcpError(
        "UNSUPPORTED",
        `the server's sh cannot set one of the variables (OPTIND takes a number, some are read-only); ${nothing}`,
      );
    case "exists":
    case "folder": {
      const code = /permission|not permitted/i.test(text) ? "REMOTE_PERMISSION" : "REMOTE_IO";
      return new SshMcpError(
        code,
        `the job's folder on the server cannot be made: ${why || "no reason given"}; ${nothing}`,
      );
    }
    default:
      return null;
  }
};
