/** Reading one file of the session cache, whatever lies there. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from "node:fs";
import { errorCode } from "../core/error-code.ts";
import { recordLimit } from "./session-record.ts";

/** What a file holds; `foreign` is not for us to touch, `broken` is ours and cannot be used. Both say why it was not read. */
export type RecordFile = { text: string } | { foreign: string } | { broken: string };

/** Reads a regular file of ours, of at most `recordLimit` bytes. Follows no link, and waits for no FIFO. */
export const readRecordFile = (path: string): RecordFile => {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const code = errorCode(cause);
    if (code === "ELOOP") return { foreign: "is a symbolic link" };
    return isOwnFile(path) ? { broken: `cannot be read (${code})` } : { foreign: `cannot be read (${code})` };
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return { foreign: "is not a file" };
    if (stats.uid !== process.getuid?.()) return { foreign: `belongs to another user (uid ${stats.uid})` };
    if (stats.size > recordLimit) return { broken: `has ${stats.size} bytes, more than a record can have` };
    return { text: readFileSync(file, "utf8") };
  } catch (cause) {
    return { broken: `cannot be read (${errorCode(cause)})` };
  } finally {
    closeSync(file);
  }
};

const isOwnFile = (path: string): boolean => {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats?.isFile() === true && stats.uid === process.getuid?.();
};
