/** How this very program starts itself again. */
import { existsSync } from "node:fs";
import { posix } from "node:path";
import type { Environment } from "./paths.ts";

/** Where the modules of a compiled program seem to lie. */
const isCompiled = import.meta.dir.startsWith("/$bunfs/");

/** The words of a command line that runs this program with these arguments: the compiled binary, or src/main.ts under this bun. */
export const selfCommand = (...words: string[]): string[] =>
  isCompiled ? [executable(), ...words] : [process.execPath, posix.resolve(import.meta.dir, "../main.ts"), ...words];

/**
 * The path that the program was started from, also when an upgrade has put another release there: a new process is of the new one.
 * When nothing is left there, the file that is being run itself, which Linux keeps for as long.
 */
const executable = (): string => {
  // Linux says so of a file that was replaced or removed; Bun asks when it is asked first: proc(5).
  const path = process.execPath.replace(/ \(deleted\)$/, "");
  return [process.execPath, path, `/proc/${process.pid}/exe`].find((candidate) => existsSync(candidate)) ?? path;
};

/**
 * What a process that outlives its starter may know of the starter's environment. Not among it: what makes Bun run other code
 * (BUN_OPTIONS, BUN_BE_BUN, NODE_OPTIONS), agents, and variables that hold secrets, for which LC_ names are also used.
 */
export const childEnvironment = (env: Environment = process.env): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (allowed.has(name) && value !== undefined ? [[name, value]] : [])),
  );

/** Names of locale(7) in place of every LC_*: any other one is somebody's own, on its way through AcceptEnv of a server. */
const locale =
  "ADDRESS ALL COLLATE CTYPE IDENTIFICATION MEASUREMENT MESSAGES MONETARY NAME NUMERIC PAPER TELEPHONE TIME".split(" ");

const allowed: ReadonlySet<string> = new Set([
  ...["HOME", "PATH", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "SSH_MCP_DIR"],
  ...locale.map((category) => `LC_${category}`),
]);
