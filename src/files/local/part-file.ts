/** The file that lies beside a final name until it is whole. */
import { constants } from "node:fs";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { atCalls, type CName } from "./at-calls.ts";
import { systemError } from "./local-errors.ts";
import type { Look } from "./look.ts";

/** Readable for its owner alone while it grows. */
const privately = 0o600;
const toWrite = constants.O_WRONLY | constants.O_NONBLOCK;

/** Ours, a regular file, and without a second name: writing to it writes to nothing else. */
export const isOwnPart = (look: Look): boolean =>
  look.type === "file" && look.uid === process.geteuid?.() && look.links === 1;

/**
 * Opens the part for writing, and locks it, so that two transfers of one file never write into each other's. Nothing is changed before it is locked.
 * @param from 0 begins anew, whatever lies there; else so many bytes of it are kept
 * @returns a descriptor, which is at the end of what is kept
 * @throws the system's error, or SshMcpError LOCAL_IO for a part that is not to be gone on with
 */
export const openPart = (directory: number, part: CName, from: number, where: string): number => {
  const calls = atCalls();
  const file = from === 0 ? newPart(directory, part, where) : calls.open(directory, part, toWrite, 0);
  try {
    const look = lockPart(directory, part, file, where);
    if (from > 0) keep(file, look, from, where);
    return file;
  } catch (thrown) {
    calls.close(file);
    throw thrown;
  }
};

/**
 * Between two looks at a name it can become another transfer's.
 * @param look the file that is to be under the part's name
 * @throws SshMcpError LOCAL_IO when it is not
 */
export const checkPart = (directory: number, part: CName, look: Look, where: string): void => {
  if (!isUnder(directory, part, look)) throw beingWritten(where);
};

/** The part goes away if it is that file: another transfer's stays. Never throws. */
export const dropPart = (directory: number, part: CName, file: number): void => {
  const calls = atCalls();
  try {
    if (isUnder(directory, part, calls.lookAt(file))) calls.unlink(directory, part);
  } catch {
    // It stays, as one that can be gone on with: why the copy failed is what matters.
  }
};

const isUnder = (directory: number, part: CName, { device, inode }: Look): boolean => {
  const there = atCalls().look(directory, part);
  return there?.device === device && there.inode === inode;
};

/** Who waited for nothing between opening and locking may still have come too late: the other one's part has the name by then. */
const lockPart = (directory: number, part: CName, file: number, where: string): Look => {
  const calls = atCalls();
  if (!calls.lock(file)) throw beingWritten(where);
  const look = calls.lookAt(file);
  checkPart(directory, part, look, where);
  return look;
};

const newPart = (directory: number, part: CName, where: string): number => {
  const calls = atCalls();
  const flags = toWrite | constants.O_CREAT | constants.O_EXCL;
  try {
    return calls.open(directory, part, flags, privately);
  } catch (cause) {
    if (errorCode(cause) !== "EEXIST") throw cause;
  }
  removeStale(directory, part, where);
  try {
    return calls.open(directory, part, flags, privately);
  } catch (cause) {
    throw errorCode(cause) === "EEXIST" ? beingWritten(where) : cause;
  }
};

/** Whatever somebody put there goes away, and nothing is written through it; unless it is another transfer's, at work. */
const removeStale = (directory: number, part: CName, where: string): void => {
  const calls = atCalls();
  let file: number | null = null;
  try {
    if (calls.look(directory, part)?.type === "file") {
      try {
        file = calls.open(directory, part, toWrite, 0);
        lockPart(directory, part, file, where);
      } catch (cause) {
        // What cannot be opened is nobody's work.
        if (cause instanceof SshMcpError) throw cause;
      }
    }
    // While it is locked, nobody else takes its name away.
    calls.unlink(directory, part);
  } finally {
    if (file !== null) calls.close(file);
  }
};

const keep = (file: number, look: Look, from: number, where: string): void => {
  if (!isOwnPart(look)) throw notOurs(where);
  if (look.size < from) throw systemError("ENODATA");
  atCalls().cut(file, from);
};

const beingWritten = (where: string): SshMcpError =>
  new SshMcpError("LOCAL_IO", `${shown(where)} is being written by another transfer`);

const notOurs = (where: string): SshMcpError =>
  new SshMcpError(
    "LOCAL_IO",
    `what lies beside ${shown(where)} is no part of a transfer of yours: it is not gone on with`,
  );
