import { constants } from "node:fs";
import { open, readFile } from "node:fs/promises";
import type { ParsedKey } from "ssh2";
import ssh2 from "ssh2";
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import { escapeLine } from "../core/escape.ts";
import { quoteWord } from "../core/quote.ts";

/** What a key file holds before anybody typed a passphrase. */
export type KeyFile =
  | { kind: "private"; path: string; key: ParsedKey }
  /** `publicKey` is null when neither the file nor the `.pub` beside it tells. */
  | { kind: "encrypted"; path: string; publicKey: ParsedKey | null; bytes: Buffer }
  /** A public key named as identity: it selects a key in the agent. */
  | { kind: "public"; path: string; key: ParsedKey };

/** No real key comes near it; a file that does is something else. */
const largestKeyFile = 1024 * 1024;

/**
 * Reads a key file and judges its permissions as ssh(1) does.
 * @throws SshMcpError KEY_INVALID: missing, unreadable, open to others, truncated, or of a kind that is not supported
 */
export const readKeyFile = async (path: string): Promise<KeyFile> => {
  const bytes = await readGuarded(path);
  const parsed = parse(bytes);
  if (parsed instanceof Error) {
    if (!isEncrypted(parsed)) throw invalid(path, explain(parsed), parsed, `ssh-keygen -y -f ${quoteWord(path)}`);
    return { kind: "encrypted", path, publicKey: embeddedPublicKey(bytes) ?? (await publicKeyBeside(path)), bytes };
  }
  return parsed.isPrivateKey() ? { kind: "private", path, key: parsed } : { kind: "public", path, key: parsed };
};

/** @returns the private key, or null when the passphrase is wrong */
export const decryptKey = (file: KeyFile & { kind: "encrypted" }, passphrase: string): ParsedKey | null => {
  const parsed = parse(file.bytes, passphrase);
  return parsed instanceof Error ? null : parsed;
};

const readGuarded = async (path: string): Promise<Buffer> => {
  try {
    // A pipe under that name must not keep us waiting for its writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const facts = await file.stat();
      if (!facts.isFile()) throw invalid(path, "it is not a regular file");
      if (facts.size > largestKeyFile) throw invalid(path, `${facts.size} bytes are too many for a key`);
      const bytes = await file.readFile();
      const ours = process.getuid !== undefined && facts.uid === process.getuid();
      // ssh(1) refuses a private key of ours that group or others may read; a public one may be open.
      if (ours && (facts.mode & 0o077) !== 0 && !isPublic(bytes)) {
        const mode = (facts.mode & 0o777).toString(8).padStart(4, "0");
        throw invalid(path, `its permissions ${mode} are too open`, undefined, `chmod 600 ${quoteWord(path)}`);
      }
      return bytes;
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof SshMcpError) throw cause;
    const code = errorCode(cause);
    throw invalid(path, code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`, cause);
  }
};

const isPublic = (bytes: Buffer): boolean => !bytes.includes("PRIVATE KEY") && !bytes.includes("PuTTY-User-Key-File");

const invalid = (path: string, why: string, cause?: unknown, hint?: string): SshMcpError =>
  new SshMcpError("KEY_INVALID", `the key file ${escapeLine(path)} cannot be used: ${why}`, {
    cause,
    hint: hint ?? `ls -l ${quoteWord(path)}`,
  });

const parse = (data: Buffer, passphrase?: string): ParsedKey | Error => {
  try {
    const parsed = ssh2.utils.parseKey(data, passphrase);
    return Array.isArray(parsed) ? (parsed[0] ?? new Error("the file holds no key")) : parsed;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
};

/** The texts of ssh2 1.17.0, which has no codes for it. */
const isEncrypted = (error: Error): boolean => /no passphrase given/i.test(error.message);

const explain = (error: Error): string =>
  /Unsupported key format/.test(error.message) ? "it is no private key that is known, or it is damaged" : error.message;

/** The OpenSSH format keeps the public key in the clear, also when the private one is encrypted (PROTOCOL.key). */
const embeddedPublicKey = (bytes: Buffer): ParsedKey | null => {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(bytes.toString("latin1"))?.[1];
  if (body === undefined) return null;
  const data = Buffer.from(body, "base64");
  const magic = "openssh-key-v1\0";
  if (data.toString("latin1", 0, magic.length) !== magic) return null;
  let at = magic.length;
  const readString = (): Buffer | null => {
    if (at + 4 > data.length) return null;
    const end = at + 4 + data.readUInt32BE(at);
    if (end > data.length) return null;
    const value = data.subarray(at + 4, end);
    at = end;
    return value;
  };
  const header = [readString(), readString(), readString()];
  at += 4;
  const blob = header.includes(null) ? null : readString();
  if (blob === null) return null;
  const parsed = parse(blob);
  return parsed instanceof Error ? null : parsed;
};

const publicKeyBeside = async (path: string): Promise<ParsedKey | null> => {
  try {
    const parsed = parse(await readFile(`${path}.pub`));
    return parsed instanceof Error || parsed.isPrivateKey() ? null : parsed;
  } catch {
    // Most keys have one; without it the passphrase is asked before the server is.
    return null;
  }
};
