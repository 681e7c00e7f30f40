/** Reading a file of ssh_config(5), with ssh's care about who else may write to it. */
import { closeSync, fstatSync, readFileSync, type Stats, statSync } from "node:fs";
import { errorCode } from "../../../core/error-code.ts";
import { SshMcpError } from "../../../core/errors.ts";
import { quoteWord } from "../../../core/quote.ts";
import { accounts, groupMembers } from "../../../files/passwd.ts";
import { isOfProcess } from "../../../files/process-path.ts";
import { openIfThere } from "../../open-config.ts";
import { describeOrigin, type Origin } from "../origin.ts";
import type { Seen } from "./seen-files.ts";

export interface ConfigText {
  text: string;
  /** Whether it is the user's or root's, and nobody else may write to it: what it says is run. */
  isSafe: boolean;
}

/** Of a whole configuration: far over what anybody has. ssh has no such limit. */
export const mostMebibytes = 8;

/**
 * @param check `named`: as it is; `default` and `included`: owner and mode must be safe. An included folder reads as
 *   empty, as in ssh; as a configuration of its own it is an error
 * @param from the Include line, for the message
 * @param seen told of what else decides whether others may write to it
 * @param most bytes that it may have
 * @returns null when the file does not exist
 * @throws SshMcpError CONFIG_INVALID when it cannot be read, is too large, is no file, means another one in every process, or others may write to it
 */
export const readConfigFile = (
  path: string,
  check: "named" | "default" | "included",
  from: Origin | null,
  seen?: Seen,
  most = mostMebibytes * 1024 * 1024,
): ConfigText | null => {
  const fail = (what: string, hint: string, cause?: unknown): SshMcpError =>
    new SshMcpError("CONFIG_INVALID", `${from === null ? "" : `${describeOrigin(from)}: `}${path} ${what}`, {
      hint,
      cause,
    });
  if (isOfProcess(path)) {
    throw fail("is another file in every process, and is read only where -F names it", "man ssh_config");
  }
  let file: number | null;
  try {
    file = openIfThere(path);
  } catch (cause) {
    throw fail(`cannot be read (${errorCode(cause)})`, `ls -l ${quoteWord(path)}`, cause);
  }
  if (file === null) return null;
  try {
    const stats = fstatSync(file);
    const isSafe = onlyOwnerWrites(stats, seen);
    if (check !== "named" && !isSafe) {
      throw fail(
        "may be written by others, or belongs to another user: ssh refuses it too",
        isOwn(stats) ? `chmod go-w ${quoteWord(path)}` : `ls -l ${quoteWord(path)}`,
      );
    }
    if (stats.isDirectory() && check === "included") return { text: "", isSafe };
    if (!stats.isFile() && !isNullDevice(stats)) throw fail("is not a file", `ls -ld ${quoteWord(path)}`);
    if (stats.size > most)
      throw fail(`is too much: a configuration has up to ${mostMebibytes} MiB in all`, `ls -l ${quoteWord(path)}`);
    return { text: readFileSync(file, "utf8"), isSafe };
  } catch (cause) {
    if (cause instanceof SshMcpError) throw cause;
    throw fail(`cannot be read (${errorCode(cause)})`, `ls -l ${quoteWord(path)}`, cause);
  } finally {
    closeSync(file);
  }
};

/** For a file that was asked for by name, and is not there. */
export const missingConfigFile = (path: string): SshMcpError =>
  new SshMcpError("CONFIG_INVALID", `there is no configuration file ${path}`, {
    hint: `ls -l ${quoteWord(path)}`,
  });

const isNullDevice = (stats: Stats): boolean => stats.isCharacterDevice() && stats.rdev === statSync("/dev/null").rdev;

/**
 * Owned by us or root, and writable by nobody else. A group that has the owner as its only member is nobody else:
 * Debian's and Ubuntu's ssh say so too, whose default umask leaves files of a private group writable to it.
 */
export const onlyOwnerWrites = (stats: Stats, seen: Seen | undefined): boolean => {
  if (!isOwn(stats)) return false;
  if ((stats.mode & 0o002) !== 0) return false;
  if ((stats.mode & 0o020) === 0) return true;
  for (const path of ["/etc/group", "/etc/passwd"]) seen?.note(path);
  const listed = groupMembers(stats.gid);
  if (listed === null) return false;
  const all = accounts();
  const owner = all.find((account) => account.uid === stats.uid);
  const primary = all.filter((account) => account.gid === stats.gid);
  return (
    primary.length + listed.length > 0 &&
    primary.every((account) => account.uid === stats.uid) &&
    listed.every((member) => member === owner?.name)
  );
};

/** Ours or root's. */
const isOwn = ({ uid }: Stats): boolean => uid === 0 || uid === (process.getuid?.() ?? uid);
