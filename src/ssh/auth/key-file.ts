import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { ParsedKey } from "ssh2";
import ssh2 from "ssh2";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";
import { pathToType } from "../../files/process-path.ts";
import { deriveKey } from "./key-derivation.ts";
import { isOpensshKey, readSealedKey, type SealedKey } from "./openssh-key.ts";

/** What a key file holds before anybody typed a passphrase. */
export type KeyFile =
  | { kind: "private"; path: string; key: ParsedKey }
  /** `publicKey` is null when neither the file nor the `.pub` beside it tells. `sealed` is null for formats older than OpenSSH's own. */
  | { kind: "encrypted"; path: string; publicKey: ParsedKey | null; sealed: SealedKey | null; bytes: Buffer }
  /** A public key named as identity: it selects a key in the agent. */
  | { kind: "public"; path: string; key: ParsedKey };

/** Bytes. No real key comes near it, 16384 bits of RSA included; a file that does is something else. */
export const largestKeyFile = 32 * 1024;

/**
 * Reads a key file and judges its permissions as ssh(1) does.
 * @throws SshMcpError KEY_INVALID: missing, unreadable, open to others, truncated, or of a kind that is not supported
 */
export const readKeyFile = async (path: string): Promise<KeyFile> => {
  const file = keyFileOf(path, await readGuarded(path));
  if (file.kind !== "encrypted" || file.publicKey !== null) return file;
  return { ...file, publicKey: await publicKeyBeside(path) };
};

/**
 * What the bytes of a key file hold, wherever they were read.
 * @throws SshMcpError KEY_INVALID: truncated, or of a kind that is not supported
 */
export const keyFileOf = (path: string, bytes: Buffer): KeyFile => {
  const parsed = parse(bytes);
  if (parsed instanceof Error) {
    const unusable = (why: string) => invalidKey(path, why, parsed, `ssh-keygen -y -f ${pathToType(path, "KEY")}`);
    if (!isEncrypted(parsed)) throw unusable(explain(parsed));
    const sealed = readSealedKey(bytes);
    if (sealed === null && isOpensshKey(bytes)) throw unusable("it is damaged");
    return { kind: "encrypted", path, publicKey: sealed && keyOrNull(parse(sealed.publicKey)), sealed, bytes };
  }
  return parsed.isPrivateKey() ? { kind: "private", path, key: parsed } : { kind: "public", path, key: parsed };
};

/**
 * @returns the private key, or null when the passphrase is wrong
 * @throws SshMcpError CANCELED when `signal` aborts first
 */
export const decryptKey = async (
  { sealed, bytes }: KeyFile & { kind: "encrypted" },
  passphrase: string,
  signal: AbortSignal,
): Promise<ParsedKey | null> => {
  // The older formats derive their key by a hash or two: that takes no time.
  if (sealed === null) return keyOrNull(parse(bytes, passphrase));
  const { salt, rounds, keyLength: length } = sealed;
  // Not a Buffer, which may be a part of a larger one that cannot be handed over.
  const secret = Uint8Array.from(new TextEncoder().encode(passphrase));
  const key = await deriveKey({ passphrase: secret, salt, rounds, length }, signal);
  try {
    return key === null ? null : keyOrNull(parse(Buffer.from(sealed.open(key))));
  } catch {
    // An authenticated cipher sees by itself that the key is wrong.
    return null;
  }
};

const keyOrNull = (parsed: ParsedKey | Error): ParsedKey | null => (parsed instanceof Error ? null : parsed);

const readGuarded = async (path: string): Promise<Buffer> => {
  try {
    // A pipe under that name must not keep us waiting for its writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const facts = await file.stat();
      if (!facts.isFile()) throw invalidKey(path, "it is not a regular file");
      if (facts.size > largestKeyFile) throw invalidKey(path, `${facts.size} bytes are too many for a key`);
      const bytes = await file.readFile();
      const ours = process.getuid !== undefined && facts.uid === process.getuid();
      // ssh(1) refuses a private key of ours that group or others may read; a public one may be open.
      if (ours && (facts.mode & 0o077) !== 0 && !isPublic(bytes)) {
        const mode = (facts.mode & 0o777).toString(8).padStart(4, "0");
        throw invalidKey(path, `its permissions ${mode} are too open`, undefined, `chmod 600 ${quoteWord(path)}`);
      }
      return bytes;
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof SshMcpError) throw cause;
    const code = errorCode(cause);
    throw invalidKey(path, code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`, cause);
  }
};

const isPublic = (bytes: Buffer): boolean => !bytes.includes("PRIVATE KEY") && !bytes.includes("PuTTY-User-Key-File");

/** The error for a key file that cannot be used, and why. */
export const invalidKey = (path: string, why: string, cause?: unknown, hint?: string): SshMcpError =>
  new SshMcpError("KEY_INVALID", `the key file ${escapeLine(path)} cannot be used: ${why}`, {
    cause,
    hint: hint ?? `ls -l ${pathToType(path, "KEY")}`,
  });

const parse = (data: Buffer, passphrase?: string): ParsedKey | Error => {
  if (isHopeless(data.toString("latin1"))) return new Error("Unsupported key format");
  try {
    const parsed = ssh2.utils.parseKey(data, passphrase);
    return Array.isArray(parsed) ? (parsed[0] ?? new Error("the file holds no key")) : parsed;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
};

/** Texts that ssh2's regular expressions would go through again and again, for a second at 32 KiB, to find no key. */
const isHopeless = (text: string): boolean =>
  (/^\s*-----BEGIN (RSA|DSA|EC) /.test(text) && !/-----END (RSA|DSA|EC) PRIVATE KEY-----\s*$/.test(text)) ||
  text.split("\nPrivate-Lines: ", 3).length > 2;

/** The texts of ssh2 1.17.0, which has no codes for it. */
const isEncrypted = (error: Error): boolean => /no passphrase given/i.test(error.message);

const explain = (error: Error): string =>
  /Unsupported key format/.test(error.message) ? "it is no private key that is known, or it is damaged" : error.message;

const publicKeyBeside = async (path: string): Promise<ParsedKey | null> => {
  try {
    const parsed = parse(await readGuarded(`${path}.pub`));
    return parsed instanceof Error || parsed.isPrivateKey() ? null : parsed;
  } catch {
    // Most keys have one; without it the passphrase is asked before the server is.
    return null;
  }
};
