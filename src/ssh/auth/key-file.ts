/** Key files as they are on disk, before anybody typed a passphrase. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";
import { pathToType } from "../../files/process-path.ts";
import { deriveKey } from "./key-derivation.ts";
import { isOpensshKey, readOpensshKey } from "./openssh-key.ts";
import { pemKind, readDer, readPem } from "./pem-key.ts";
import type { PrivateKey } from "./private-key.ts";
import { type PublicKey, plainBlob, publicKeyOf, publicKeyOfText } from "./public-key.ts";
import { isPuttyKey, readPuttyKey } from "./putty-key.ts";

/** What a key file holds before anybody typed a passphrase. */
export type KeyFile =
  | (HeldKey & { kind: "private"; key: PrivateKey; publicKey: PublicKey })
  | EncryptedKeyFile
  /**
   * A public key named as identity, or one that lies beside a private key that is not there: it selects a key in the agent.
   * `why` there is no private part, when the agent has none either.
   */
  | { kind: "public"; path: string; key: PublicKey; why?: string };

interface HeldKey {
  path: string;
  /** What is offered: the `.pub` beside it says it before the file itself does, as in ssh(1); null when neither tells. */
  publicKey: PublicKey | null;
  /** Whether the `.pub` is another key's. */
  isBesideAnother: boolean;
  /** A command that opens it, and shows whether that can be done. */
  opener: string;
}

export interface EncryptedKeyFile extends HeldKey {
  kind: "encrypted";
  /** @returns null for a wrong passphrase @throws SshMcpError CANCELED when `signal` aborts first */
  decrypt(passphrase: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<PrivateKey | null>;
}

/** Bytes. No real key comes near it, 16384 bits of RSA included; a file that does is something else. */
export const largestKeyFile = 32 * 1024;

/**
 * Reads a key file and judges its permissions as ssh(1) does.
 * @throws SshMcpError KEY_INVALID: missing, unreadable, open to others, truncated, or of a kind that is not supported
 */
export const readKeyFile = async (path: string): Promise<KeyFile> => {
  const file = keyFileOf(path, await readGuarded(path));
  const beside = file.kind === "public" ? null : await readPublicKey(`${path}.pub`);
  if (file.kind === "public" || beside === null) return file;
  const own = file.publicKey;
  const isBesideAnother = own !== null && !plainBlob(beside).equals(plainBlob(own));
  return { ...file, publicKey: beside, isBesideAnother };
};

/**
 * What the bytes of a key file hold, wherever they were read.
 * @throws SshMcpError KEY_INVALID: truncated, or of a kind that is not supported
 */
export const keyFileOf = (path: string, bytes: Buffer): KeyFile => {
  const unusable = (why: string) => invalidKey(path, why, undefined, openerOf(path, bytes));
  const file = parse(path, bytes);
  if (file === null) throw unusable("it is no private key that is known, or it is damaged");
  if (typeof file === "string") throw unusable(file);
  return file;
};

/**
 * @returns the private key, or null when the passphrase is wrong
 * @throws SshMcpError CANCELED when `signal` aborts first
 */
export const decryptKey = (
  file: EncryptedKeyFile,
  passphrase: string,
  signal: AbortSignal,
): Promise<PrivateKey | null> =>
  // Not a Buffer, which may be a part of a larger one that cannot be handed over to a thread.
  file.decrypt(Uint8Array.from(new TextEncoder().encode(passphrase)), signal);

/** The key of a `.pub` file, a certificate's too; null when there is none, or none that can be read. */
export const readPublicKey = async (path: string): Promise<PublicKey | null> => {
  try {
    return publicKeyOfText((await readGuarded(path)).toString("utf8"));
  } catch {
    // Most keys have one; without it the passphrase is asked before the server is.
    return null;
  }
};

/** What reads a file of its format: ssh-keygen knows nothing of PuTTY's. */
const openerOf = (path: string, bytes: Buffer): string => {
  const file = pathToType(path, "KEY");
  return isPuttyKey(bytes) ? `puttygen ${file} -O private-openssh -o NEW` : `ssh-keygen -y -f ${file}`;
};

/** @returns null for what is damaged or no key at all; a text says what is not supported */
const parse = (path: string, bytes: Buffer): KeyFile | string | null => {
  if (isOpensshKey(bytes)) return ofOpenssh(path, bytes);
  if (isPuttyKey(bytes)) return ofPutty(path, bytes);
  const text = bytes.toString("latin1");
  const kind = pemKind(text);
  const held = { path, publicKey: null, isBesideAnother: false, opener: openerOf(path, bytes) };
  if (kind === "plain") return plain(held, readPem(text));
  if (kind === "encrypted") {
    return {
      ...{ ...held, kind },
      decrypt: async (passphrase, signal) => {
        const der = await deriveKey({ kind: "pem", text, passphrase }, signal);
        return der === null ? null : readDer(der);
      },
    };
  }
  const key = publicKeyOfText(bytes.toString("utf8"));
  return key === null ? null : { kind: "public", path, key };
};

const plain = (held: HeldKey, key: PrivateKey | string | null): KeyFile | string | null =>
  key === null || typeof key === "string" ? key : { ...held, kind: "private", key, publicKey: key };

const ofOpenssh = (path: string, bytes: Buffer): KeyFile | string | null => {
  const file = readOpensshKey(bytes);
  if (file === null || typeof file === "string") return file === null ? "it is damaged" : escapeLine(file);
  const publicKey = publicKeyOf(file.publicKey);
  if (publicKey === null) return "it is damaged";
  if (publicKey.type.startsWith("sk-")) return { kind: "public", path, key: publicKey, why: inToken };
  const usable = (key: PrivateKey | string | null): PrivateKey | string =>
    typeof key === "string" ? `keys of type ${escapeLine(key)} are not supported` : (key ?? "it is damaged");
  const { content } = file;
  const held = { path, publicKey, isBesideAnother: false, opener: openerOf(path, bytes) };
  if (content.kind === "plain") return plain(held, usable(content.key));
  const { salt, rounds, keyLength: length } = content;
  return {
    ...{ ...held, kind: "encrypted" },
    decrypt: async (passphrase, signal) => {
      const derived = await deriveKey({ kind: "bcrypt", passphrase, salt, rounds, length }, signal);
      const key = derived === null ? null : await content.open(derived);
      return typeof key === "string" ? null : key;
    },
  };
};

const inToken = "its private part is in a security key, which is used through an agent, and the agent does not have it";

const ofPutty = (path: string, bytes: Buffer): KeyFile | string | null => {
  const file = readPuttyKey(bytes);
  if (file === null || typeof file === "string") return file === null ? "it is damaged" : escapeLine(file);
  const publicKey = publicKeyOf(file.publicKey);
  if (publicKey === null) return "it is damaged";
  const held = { path, publicKey, isBesideAnother: false, opener: openerOf(path, bytes) };
  if (!file.isEncrypted) return plain(held, file.open(new Uint8Array(), null) ?? "it is damaged");
  return {
    ...{ ...held, kind: "encrypted" },
    decrypt: async (passphrase, signal) => {
      const question = file.derivation(passphrase.slice());
      return file.open(passphrase, question === null ? null : await deriveKey(question, signal));
    },
  };
};

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
