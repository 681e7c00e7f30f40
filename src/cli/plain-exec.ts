import { wereUtf8 } from "./utf8.ts";

/** What the fast path runs. */
export interface PlainExec {
  target: string;
  command: string;
}

/** The operation's own limits: what is over them is for the full command line to refuse. */
const longestTarget = 1024;
const longestCommand = 96 * 1024;

/**
 * Reads `exec TARGET words…` without an option of ours, as `parse.ts` does.
 * @returns null for every other command line
 */
export const plainExec = (words: readonly string[]): PlainExec | null => {
  const [name, target = "", ...rest] = words;
  if (name !== "exec" || target === "" || target.startsWith("-") || target.length > longestTarget) return null;
  // Several hosts: `isSeveral`.
  if (target.startsWith("@") || target.includes(",")) return null;
  const [first = ""] = rest;
  if (first.startsWith("-") && first !== "-" && first !== "--") return null;
  const command = (first === "--" ? rest.slice(1) : rest).join(" ");
  return command === "" || command.length > longestCommand || !wereUtf8(words) ? null : { target, command };
};
