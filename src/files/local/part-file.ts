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
 * Opens the part for writing, and locks it, so that two transfers of one file never write into each other's.
 * @param from 0 begins anew, whatever lies there; else so many bytes of it are kept
 * @returns a descriptor, which is at the end of what is kept
 * @throws the system's error, or SshMcpError LOCAL_IO for a part that is not to be gone on with
 */
export const openPart = (directory: number, part: CName, from: number, where: string): number => {
  const file = from === 0 ? newPart(directory, part, where) : oldPart(directory, part, from, where);
  if (atCalls().lock(file)) return file;
  atCalls().close(file);
  throw beingWritten(where);
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
  return calls.open(directory, part, flags, privately);
};

/** Whatever somebody put there goes away, and nothing is written through it; unless it is another transfer's, at work. */
const removeStale = (directory: number, part: CName, where: string): void => {
  const calls = atCalls();
  const look = calls.look(directory, part);
  if (look?.type === "file") {
    let file: number | null = null;
    try {
      file = calls.open(directory, part, toWrite, 0);
      if (!calls.lock(file)) throw beingWritten(where);
    } catch (cause) {
      if (cause instanceof SshMcpError) throw cause;
    } finally {
      if (file !== null) calls.close(file);
    }
  }
  calls.unlink(directory, part);
};

const oldPart = (directory: number, part: CName, from: number, where: string): number => {
  const calls = atCalls();
  const file = calls.open(directory, part, toWrite, 0);
  try {
    const look = calls.lookAt(file);
    if (!isOwnPart(look)) throw notOurs(where);
    if (look.size < from) throw systemError("ENODATA");
    calls.cut(file, from);
    return file;
  } catch (thrown) {
    calls.close(file);
    throw thrown;
  }
};

const beingWritten = (where: string): SshMcpError =>
  new SshMcpError("LOCAL_IO", `${shown(where)} is being written by another transfer`);

const notOurs = (where: string): SshMcpError =>
  new SshMcpError(
    "LOCAL_IO",
    `what lies beside ${shown(where)} is no part of a transfer of yours: it is not gone on with`,
  );
