/** Whether a command line means several hosts, and by which of its words. */
import { isSeveral } from "../../core/targets.ts";
import type { Parsed } from "../parse.ts";
import { helpCommand, usageError } from "../usage.ts";
import { mostParallel } from "./many-flags.ts";

export type Run = Extract<Parsed, { kind: "run" }>;

/** Operations on the entries of our own file: none of them acts on a host, and each takes one name. */
const namingHosts: ReadonlySet<string> = new Set(["hosts-show", "hosts-enable", "hosts-set", "hosts-rm"]);

/** A list or a group, and the field that has it. */
export interface Several {
  field: string;
  list: string;
}

/**
 * @returns null for a command on one host, and for those that take many by themselves
 * @throws SshMcpError USAGE for options that cannot be meant
 */
export const severalOf = (run: Run): Several | null => {
  const { command, input, options } = run;
  const { operation } = command;
  const field = operation.target ?? (namingHosts.has(operation.name) ? "name" : null);
  const list = field === null ? undefined : input[field];
  // The passphrase of a key is filed under its path, which may hold anything.
  if (field === null || typeof list !== "string" || input["key"] === true) return null;
  const asked = options.fold || options.failFast || options.parallel !== null || options.outdir !== null;
  if (!asked && !isSeveral(list)) return null;
  checkOptions(run);
  return { field, list };
};

const checkOptions = ({ command, options: { parallel, fold, json, outdir } }: Run): void => {
  const wrong = (message: string) => usageError(message, helpCommand(command));
  if (parallel !== null && !(Number.isInteger(parallel) && parallel >= 1 && parallel <= mostParallel)) {
    throw wrong(`--parallel takes a whole number from 1 to ${mostParallel}`);
  }
  if (fold && json) throw wrong("give --fold or --json, not both");
  if (fold && outdir !== null) throw wrong("give --fold or --outdir, not both");
};
