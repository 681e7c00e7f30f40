/**
 * Locks between processes: flock(2), which the kernel frees however its holder ends. node:fs has none, so libc is called;
 * what that takes is loaded by the first lock, and importing this file costs nothing.
 */
import { closeSync, constants, openSync } from "node:fs";
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import { quoteWord } from "../core/quote.ts";
import { openErrno, openLibc } from "./libc.ts";

export interface Lock {
  /** Frees it; the file stays. A second time does nothing. */
  release(): void;
}

/**
 * Takes the lock of a file, which is made, 0600, when it is not there. Two locks of one process exclude each other as well.
 * Bun opens every file with O_CLOEXEC: a child process does not inherit the lock.
 * @returns null when somebody else holds it
 * @throws SshMcpError LOCAL_IO, with the system error as its cause, when the file cannot be opened or locked; BROKER_UNAVAILABLE where
 *   libc cannot be called. There is no second kind of lock to fall back to: the two would not exclude each other
 */
export const tryLock = (path: string): Lock | null => {
  loaded ??= loadLibc();
  const file = open(path);
  const error = lockFile(loaded, file);
  if (error === 0) {
    let held = true;
    const release = (): void => {
      if (held) closeSync(file);
      held = false;
    };
    return { release };
  }
  closeSync(file);
  if (error === wouldBlock) return null;
  const code = `errno ${error}`;
  throw failed(path, "locked", Object.assign(new Error(`flock: ${code}`), { code }));
};

/** LOCK_EX | LOCK_NB, the same on Linux, macOS and the BSDs. */
const exclusiveAtOnce = 2 | 4;
/** EWOULDBLOCK. */
const wouldBlock = process.platform === "darwin" ? 35 : 11;

interface Libc {
  flock(file: number, operation: number): number;
  errno(): number;
}

let loaded: Libc | null = null;

const loadLibc = (): Libc => {
  try {
    const { flock } = openLibc({ flock: { args: ["int", "int"], returns: "int" } });
    return { flock, errno: openErrno() };
  } catch (cause) {
    throw new SshMcpError("BROKER_UNAVAILABLE", `no file can be locked here: ${String(cause)}`, {
      hint: "ssh-mcp --help",
      retryable: false,
      cause,
    });
  }
};

/** @returns 0, or errno */
const lockFile = (libc: Libc, file: number): number => {
  let error = 0;
  // The runtime may overwrite errno before it is read: whatever is neither answer is asked for again.
  for (let attempt = 0; attempt < 3; attempt++) {
    if (libc.flock(file, exclusiveAtOnce) === 0) return 0;
    error = libc.errno();
    if (error === wouldBlock) return error;
  }
  return error;
};

const open = (path: string): number => {
  try {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    return openSync(path, flags, 0o600);
  } catch (cause) {
    throw failed(path, "opened", cause);
  }
};

const failed = (path: string, what: string, cause: unknown): SshMcpError =>
  new SshMcpError("LOCAL_IO", `the lock ${path} cannot be ${what} (${errorCode(cause)})`, {
    hint: `ls -l ${quoteWord(path)}`,
    cause,
  });
