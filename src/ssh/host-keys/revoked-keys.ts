/** RevokedHostKeys of ssh_config(5): a list of public keys, or a key revocation list; sshkey_check_revoked of OpenSSH 9.2. */

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";
import { parseCertificate } from "../certificate.ts";
import { isShortRsaKey, wholeKeyType } from "../public-key.ts";
import type { ShownKey } from "./judge-host-key.ts";
import { isRevocationList, isRevokedByList } from "./key-revocation-list.ts";

/** Bytes. */
const largestFile = 64 * 1024 * 1024;
/** Lines that are looked at before everybody else has a turn: some milliseconds. */
const linesAtOnce = 100;

/**
 * Whether a file revokes what a server shows, its certificate or the certificate's authority.
 * @throws SshMcpError CONFIG_INVALID when the file cannot be read, whole: then it vouches for no host key at all, as in ssh
 */
export const isRevokedByFile = async (path: string, shown: ShownKey): Promise<boolean> => {
  const file = await contentOf(path);
  try {
    return isRevocationList(file) ? await isRevokedByList(file, shown) : await isListed(file, shown);
  } catch (cause) {
    throw unusable(path, cause instanceof Error ? cause.message : "cannot be read", cause);
  }
};

const contentOf = async (path: string): Promise<Buffer> => {
  try {
    // Without O_NONBLOCK, opening a FIFO would keep a thread until there is a writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const facts = await file.stat();
      // The usual way to have none.
      if (path === "/dev/null") return Buffer.alloc(0);
      if (!facts.isFile()) throw unusable(path, "is no regular file", null);
      if (facts.size > largestFile) throw unusable(path, `is too large (${facts.size} bytes)`, null);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof SshMcpError ? error : unusable(path, `cannot be read (${errorCode(error)})`, error);
  }
};

/** A list of public keys, one a line, without marks or names. */
const isListed = async (file: Buffer, { key, certificate }: ShownKey): Promise<boolean> => {
  const wanted = certificate === null ? [key] : [key, certificate.signatureKey];
  let found = false;
  let number = 0;
  for (let at = 0; at < file.length; ) {
    const newline = file.indexOf(0x0a, at);
    const end = newline < 0 ? file.length : newline;
    const text = file.toString("latin1", at, end).replace(/^[ \t]+/, "");
    at = end + 1;
    if (++number % linesAtOnce === 0) await new Promise(setImmediate);
    if (text === "" || text.startsWith("#")) continue;
    const listed = keyOfLine(text);
    if (listed === null) throw new Error(`line ${number}: there is no public key`);
    found ||= wanted.some((one) => Buffer.compare(one, listed) === 0);
  }
  return found;
};

const keyOfLine = (line: string): Uint8Array | null => {
  const [, type = "", encoded = ""] = /^([^ \t]+)[ \t]+([^ \t\r]+)/.exec(line) ?? [];
  const key = Buffer.from(encoded, "base64");
  // A short RSA key is passed over: no server can log anybody in with it.
  if (type === "ssh-rsa" && isShortRsaKey(key)) return key;
  const certified = parseCertificate(key);
  if (certified !== null) return certified.type === type ? certified.publicKey : null;
  return wholeKeyType(key) === type ? key : null;
};

const unusable = (path: string, what: string, cause: unknown): SshMcpError =>
  new SshMcpError("CONFIG_INVALID", `no host key can be trusted: RevokedHostKeys ${escapeLine(path)} ${what}`, {
    hint: `ls -l ${quoteWord(path)}`,
    cause,
  });
