import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { quoteWords } from "../../core/quote.ts";
import { keyType } from "../public-key.ts";
import { type HostAndPort, knownHostName } from "./known-hosts.ts";
import { hashHostName } from "./known-hosts-line.ts";
import { withKnownHostsLock } from "./known-hosts-lock.ts";

/**
 * Adds a host key to a known_hosts file, by one appending write of one whole line, so that processes
 * that do this at once lose nothing of each other's, `ssh` among them. A missing file is made with mode 0600, its missing
 * folder with 0700; a symbolic link is followed.
 * @param key in wire form
 * @throws SshMcpError LOCAL_IO naming the file; INVALID_INPUT for a host that
 *   would be a pattern; PROTOCOL_ERROR for no key
 */
export const appendKnownHost = async (
  file: string,
  at: HostAndPort,
  key: Uint8Array,
  options: { hash: boolean },
): Promise<void> => {
  const line = knownHostsLine(at, key, options.hash);
  try {
    makeFolder(dirname(file));
    // There has to be a file to lock.
    closeSync(openSync(file, "a+", 0o600));
    await withKnownHostsLock(file, (real) => append(real, line));
  } catch (cause) {
    throw new SshMcpError("LOCAL_IO", `the host key could not be added to ${file} (${errorCode(cause)})`, {
      hint: `ls -ld ${quoteWords([dirname(file), file])}`,
      cause,
    });
  }
};

const append = (file: string, line: string): void => {
  const open = openSync(file, "a+", 0o600);
  try {
    const bytes = Buffer.from(`${endsInsideLine(open) ? "\n" : ""}${line}\n`);
    const written = writeSync(open, bytes);
    if (written !== bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes were written`);
  } finally {
    closeSync(open);
  }
};

const saltLength = 20;

/**
 * The line for a key.
 * @throws SshMcpError INVALID_INPUT for a host that would be a pattern; PROTOCOL_ERROR for no key
 */
export const knownHostsLine = (at: HostAndPort, key: Uint8Array, hash: boolean): string => {
  // Written as it is, such a name would stand for other hosts, or for another line.
  const written = at.alias ?? at.host;
  const brackets = at.alias == null ? /[[\]]/ : null;
  if (written === "" || /[\s\0-\x1f\x7f,*?!|#@"'\\]/.test(written) || brackets?.test(written) === true) {
    throw new SshMcpError("INVALID_INPUT", `${shown(written)} is not a host name that known_hosts can hold`);
  }
  const name = knownHostName(at);
  const host = hash ? hashHostName(name, randomBytes(saltLength)) : name;
  return `${host} ${keyType(key)} ${Buffer.from(key).toString("base64")}`;
};

const makeFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
};

/**
 * Whether the file's last byte is not a newline: what is appended would become part of that line. It is so, too, while
 * another process is writing its line; ending that costs a blank line, which means nothing in known_hosts.
 */
const endsInsideLine = (open: number): boolean => {
  const { size } = fstatSync(open);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(open, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
};
