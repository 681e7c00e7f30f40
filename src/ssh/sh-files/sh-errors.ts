/** What tools of a server say when they fail, as one of our errors. They say it in English: the programs set LC_ALL=C. */
import { type ErrorCode, SshMcpError } from "../../core/errors.ts";
import { shortened, shown } from "../../core/escape.ts";

/** strerror(3) of glibc, musl and the BSDs, and what shells say of their own. A message ends with it; before it stand names, which may say anything. */
const endings: readonly (readonly [string, ErrorCode])[] = [
  ["no such file or directory", "NOT_FOUND"],
  ["no such file", "NOT_FOUND"],
  ["directory nonexistent", "NOT_FOUND"],
  ["nonexistent directory", "NOT_FOUND"],
  ["not a directory", "NOT_FOUND"],
  ["permission denied", "REMOTE_PERMISSION"],
  ["operation not permitted", "REMOTE_PERMISSION"],
  ["file exists", "ALREADY_EXISTS"],
  ["cannot overwrite existing file", "ALREADY_EXISTS"],
  ["operation not supported", "UNSUPPORTED"],
  ["not supported", "UNSUPPORTED"],
  ["function not implemented", "UNSUPPORTED"],
];

/** Reasons that our programs find themselves. */
const reasons: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  exists: ["ALREADY_EXISTS", "is there already"],
  directory: ["REMOTE_IO", "is a directory"],
  notdirectory: ["REMOTE_IO", "is not a directory"],
  notempty: ["REMOTE_IO", "is not an empty directory"],
  nolink: ["REMOTE_IO", "is no symbolic link"],
  fifo: ["UNSUPPORTED", "is a FIFO, which has no content of its own"],
  changed: ["PRECONDITION_FAILED", "is another file by now"],
  cross: ["REMOTE_IO", "cannot be moved to another file system in one step"],
};

/** What is still of use of a tool's words. */
const longestWords = 200;

/** Where in a program of ours a shell was: `/bin/sh: 10: eval: `, `sh: line 3: `, `sh[2]: `. */
const inside =
  /^(?:\/\S+\/)?(?:sh|ash|dash|bash|ksh|mksh|zsh)(?:: (?:line )?\d+|\[\d+\]|:\d+)?: (?:(?:line )?\d+: )?(?:eval: )?/gm;

/**
 * @param reason word after `no`; null when the program ended without a word of ours
 * @param stderr everything else it said
 */
export const failureOf = (path: string, doing: string, reason: string | null, stderr: string): SshMcpError => {
  const known = reasons[reason ?? ""];
  if (known !== undefined) return new SshMcpError(known[0], `${shown(path)} ${known[1]}: it was not ${doing}`);
  const said = stderr.trim();
  // zsh has the name behind the words, and ksh brackets around them.
  const named = [`: ${path}`, `: ./${path}`].find((name) => said.endsWith(name)) ?? "";
  const end = said
    .slice(0, said.length - named.length)
    .toLowerCase()
    .replace(/[\])]$/, "");
  const code = endings.find(([words]) => end.endsWith(words))?.[1] ?? "REMOTE_IO";
  const words = shortened(said.slice(-4 * longestWords).replace(inside, ""), longestWords);
  const what = code === "NOT_FOUND" ? "is not there, and " : "";
  return new SshMcpError(code, `${shown(path)} ${what}could not be ${doing}: ${words}`);
};
