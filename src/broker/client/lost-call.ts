/** What is known of a call that was under way when its broker went away. */
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine, shown } from "../../core/escape.ts";
import { howToLook } from "../../core/files/how-to-look.ts";
import { hintFor } from "../../core/hint.ts";
import type { Caller } from "../../core/operation.ts";
import { quoteWord } from "../../core/quote.ts";
import type { CallOptions } from "./call-options.ts";

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
  const file = fileOf(operation, input);
  if (file !== null) {
    const { action, target, path, sudo } = file;
    const what = `whether ${action} of ${shown(path)} on ${escapeLine(target)} was done is not known`;
    return new SshMcpError("OUTCOME_UNKNOWN", `${what}: ${message}`, {
      hint: howToLook({ target, sudo }, path, caller),
    });
  }
  if (operation === "transfer" || operation === "sync") {
    const command = `run the same command again${goesOn(operation, input) ? " with --resume" : ""}`;
    const tool = `ssh_transfer ${JSON.stringify({ ...Object(input), resume: true })}`;
    return new SshMcpError("OUTCOME_UNKNOWN", `how much was copied is not known: ${message}`, {
      hint: hintFor(caller, { command, tool }),
    });
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

/** A sync compares what is there in any case, and what comes through a stream does not come again. */
const goesOn = (operation: string, input: unknown): boolean => {
  const { sources, destination }: { sources?: unknown; destination?: unknown } = Object(input);
  return operation === "transfer" && ![sources, destination].flat().includes("-");
};

/** As every operation that works on one calls it. A NUL is in none that was taken. */
const targetOf = (input: unknown): string | null => {
  const target = typeof input === "object" && input !== null && "target" in input ? input.target : null;
  return typeof target === "string" && !target.includes("\0") ? target : null;
};

/** Of an operation on a path of a server: the action as people call it, and what it changes, of several the first. Null for everything else. */
const fileOf = (
  operation: string,
  input: unknown,
): { action: string; target: string; path: string; sudo: boolean | string } | null => {
  const target = targetOf(input);
  if (target === null || typeof input !== "object" || input === null) return null;
  const { path, paths, action, sudo }: Readonly<Record<string, unknown>> = { ...input };
  // A move's last is where it went, if it did.
  const several = Array.isArray(paths) ? (operation === "mv" ? paths.at(-1) : paths[0]) : null;
  const named: unknown = path ?? several;
  if (typeof named !== "string" || named.includes("\0")) return null;
  return {
    action: operation === "path" && typeof action === "string" ? escapeLine(action) : operation.replace(/-file$/, ""),
    ...{ target, path: named, sudo: typeof sudo === "string" ? sudo : sudo === true },
  };
};
