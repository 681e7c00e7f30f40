/** Directories that nobody else can look into or write to. On the client's warm path: `checkPrivateDirectory` is one lstat. */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  type Stats,
} from "node:fs";
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import { quoteWord } from "../core/quote.ts";
import { parentOf } from "./path-text.ts";

const accessOfOthers = 0o077;

/**
 * Looks whether the directory is ours alone. It may not be a symbolic link itself; its parents may be.
 * @throws SshMcpError BROKER_UNAVAILABLE when it is a link, no directory, another user's, or open to others; LOCAL_IO, with
 *   the system error as its cause, when it cannot be looked at
 */
export const checkPrivateDirectory = (path: string): "fine" | "absent" => {
  const stats = look(path);
  if (stats === null) return "absent";
  checkOwn(path, stats);
  if (isOpen(stats)) throw open(path, stats);
  return "fine";
};

/**
 * Makes the directory and its parents, 0700, unless it is there. One of ours that others may read is narrowed to us, provided
 * that it is evidently for ssh-mcp: `SSH_MCP_DIR=/etc` in root's shell must not take /etc from everybody.
 * @throws SshMcpError as `checkPrivateDirectory`; LOCAL_IO, with the system error as its cause, when it cannot be made
 */
export const makePrivateDirectory = (path: string): void => {
  const stats = look(path);
  if (stats === null) make(path);
  else if (stats.isDirectory() && isOpen(stats) && isEvidentlyOurs(path, stats)) narrow(path);
  // Also after it was made: somebody else may have been faster.
  if (checkPrivateDirectory(path) === "absent") {
    throw new SshMcpError("LOCAL_IO", `${path} was removed while it was made`, { hint: `ls -ld ${quoteWord(path)}` });
  }
};

const look = (path: string): Stats | null => {
  try {
    return lstatSync(path);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return null;
    throw failed(path, "cannot be looked at", cause);
  }
};

const make = (path: string): void => {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    // Something that is there and is no directory: the check says what it is.
    if (errorCode(cause) !== "EEXIST") throw failed(path, "cannot be made", cause);
  }
};

/** Through a descriptor: a link that took the directory's place meanwhile is not followed, and another user's is left alone. */
const narrow = (path: string): void => {
  let directory: number | null = null;
  try {
    directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    const stats = fstatSync(directory);
    if (isOwn(stats)) fchmodSync(directory, stats.mode & 0o700);
  } catch (cause) {
    throw failed(path, "cannot be closed to others", cause);
  } finally {
    if (directory !== null) closeSync(directory);
  }
};

const isOwn = (stats: Stats): boolean => stats.uid === process.getuid?.();
const isOpen = (stats: Stats): boolean => (stats.mode & accessOfOthers) !== 0;

/** What lies in a base directory. */
const contents: ReadonlySet<string> = new Set(["config.toml", "hosts.lock", "run", "sessions", "ssh_config"]);

/** Ours, and for ssh-mcp. Where everybody may write, somebody may have planted what looks like it. */
const isEvidentlyOurs = (path: string, stats: Stats): boolean =>
  (stats.mode & writableByAll) === 0 && isForSshMcp(path, stats);

const writableByAll = 0o002;
/** As /tmp is: meant to be shared. */
const sticky = 0o1000;

/** Ours, not meant to be shared, and empty, below a private one, or with nothing in it that is not ssh-mcp's. */
const isForSshMcp = (path: string, stats: Stats): boolean => {
  if (!isOwn(stats) || (stats.mode & sticky) !== 0) return false;
  const parent = look(parentOf(path));
  if (parent?.isDirectory() && isOwn(parent) && !isOpen(parent)) return true;
  try {
    return readdirSync(path).every((name) => contents.has(name));
  } catch {
    return false;
  }
};

const checkOwn = (path: string, stats: Stats): void => {
  if (stats.isSymbolicLink()) throw unusable(path, "is a symbolic link");
  if (!stats.isDirectory()) throw unusable(path, "is not a directory");
  if (!isOwn(stats)) throw unusable(path, `belongs to another user (uid ${stats.uid})`);
};

const open = (path: string, stats: Stats): SshMcpError => {
  const what = `is open to other users (mode ${(stats.mode & 0o7777).toString(8)})`;
  // What is in it was mostly opened together with it. Nothing else is named for that: it may be /etc.
  return isForSshMcp(path, stats) ? unusable(path, what, `chmod -R go-rwx ${quoteWord(path)}`) : unusable(path, what);
};

const unusable = (path: string, what: string, hint = "export SSH_MCP_DIR=DIRECTORY"): SshMcpError =>
  new SshMcpError("BROKER_UNAVAILABLE", `${path} ${what}: sessions are kept only where nobody else can reach them`, {
    hint,
    // It stays so until somebody changes it.
    retryable: false,
  });

const failed = (path: string, what: string, cause: unknown): SshMcpError =>
  new SshMcpError("LOCAL_IO", `${path} ${what} (${errorCode(cause)})`, { hint: `ls -ld ${quoteWord(path)}`, cause });
