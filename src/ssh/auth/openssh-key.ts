/** OpenSSH's own format of private keys (PROTOCOL.key). */
import { type CipherGCMTypes, createDecipheriv } from "node:crypto";
import { WireReader } from "../wire-reader.ts";
import { opensshPrivate } from "./private-fields.ts";
import type { PrivateKey } from "./private-key.ts";

export interface OpensshKey {
  /** In wire form (RFC 4253, section 6.6): it is not encrypted. */
  publicKey: Buffer;
  /** The private key, or what is encrypted of it. */
  content: PrivateSection | SealedKey;
}

/** The private key, or the name of its type when that is not one whose private part can be used; null when it is damaged. */
type PrivateSection = { kind: "plain"; key: PrivateKey | string | null };

export interface SealedKey {
  kind: "sealed";
  /** For bcrypt_pbkdf, which the passphrase goes through. */
  salt: Buffer;
  rounds: number;
  /** Bytes to derive: the cipher's key, then its initial vector. */
  keyLength: number;
  /** @param key of `keyLength` bytes; with a wrong one the result is null, as with a damaged file */
  open(key: Uint8Array): Promise<PrivateKey | string | null>;
}

const [begin, end] = ["-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"];
const magic = "openssh-key-v1\0";

/** Whether a file is of this format at all. */
export const isOpensshKey = (file: Buffer): boolean => file.includes(begin);

/** @returns null when the file is not whole; a text says what of it is not supported */
export const readOpensshKey = (file: Buffer): OpensshKey | string | null => {
  const whole = file.toString("latin1");
  const start = whole.indexOf(begin) + begin.length;
  const data = Buffer.from(whole.slice(start, Math.max(start, whole.indexOf(end, start))), "base64");
  if (data.toString("latin1", 0, magic.length) !== magic) return null;
  const reader = new WireReader(data, magic.length);
  const cipherName = text(reader);
  const kdf = text(reader);
  const kdfOptions = new WireReader(reader.string());
  const count = reader.uint32();
  const publicKey = reader.string();
  const section = reader.string();
  const tag = data.subarray(reader.at);
  if (reader.isCut) return null;
  // The format has room for several keys in a file; nothing writes such.
  if (count !== 1) return `it holds ${count} keys`;
  if (cipherName === "none" && kdf === "none") {
    return tag.length > 0 ? null : { publicKey, content: { kind: "plain", key: openSection(section, publicKey) } };
  }
  const [salt, rounds] = [kdfOptions.string(), kdfOptions.uint32()];
  const cipher = ciphers.get(cipherName);
  if (cipher === undefined) return `its cipher ${cipherName} is not supported`;
  if (kdf !== "bcrypt") return `its key derivation ${kdf} is not supported`;
  // What follows the tag is no part of a key: ssh(1) does not take such a file either.
  if (kdfOptions.isCut || tag.length > cipher.tagLength) return null;
  const open = async (key: Uint8Array): Promise<PrivateKey | string | null> => {
    const [cipherKey, iv] = [key.subarray(0, cipher.keyLength), key.subarray(cipher.keyLength)];
    try {
      return openSection(await cipher.decrypt(cipherKey, iv, section, tag), publicKey);
    } catch {
      // An authenticated cipher sees by itself that the key is wrong.
      return null;
    }
  };
  return { publicKey, content: { kind: "sealed", salt, rounds, keyLength: cipher.keyLength + cipher.ivLength, open } };
};

const openSection = (section: Buffer, publicKey: Buffer): PrivateKey | string | null => {
  const reader = new WireReader(section);
  // Two equal numbers: that is how the format tells a wrong passphrase.
  const [check, again] = [reader.uint32(), reader.uint32()];
  if (check !== again || reader.isCut) return null;
  return opensshPrivate(reader, publicKey);
};

const text = (reader: WireReader): string => reader.string().toString("latin1");

interface Cipher {
  keyLength: number;
  ivLength: number;
  /** Bytes behind the encrypted part, by which the cipher sees whether the key is right. */
  tagLength: number;
  /** @throws when the cipher itself sees that the key is wrong */
  decrypt(key: Uint8Array, iv: Uint8Array, data: Buffer, tag: Buffer): Buffer | Promise<Buffer>;
}

const plainCipher = (name: string, keyLength: number, ivLength: number): Cipher => ({
  keyLength,
  ivLength,
  tagLength: 0,
  decrypt: (key, iv, data) => {
    // The padding is the format's own.
    const decipher = createDecipheriv(name, key, iv).setAutoPadding(false);
    return Buffer.concat([decipher.update(data), decipher.final()]);
  },
});

/** Its tag follows the encrypted part, outside of every string. */
const gcm = (name: CipherGCMTypes, keyLength: number): Cipher => ({
  keyLength,
  ivLength: 12,
  tagLength: 16,
  decrypt: (key, iv, data, tag) => {
    const decipher = createDecipheriv(name, key, iv, { authTagLength: 16 }).setAuthTag(tag);
    return Buffer.concat([decipher.update(data), decipher.final()]);
  },
});

const chacha20Poly1305: Cipher = {
  ...{ keyLength: 64, ivLength: 0, tagLength: 16 },
  decrypt: async (key, _iv, data, tag) => {
    // Hardly a key is encrypted with it: the others do not pay for it.
    const { openChacha20Poly1305 } = await import("./chacha20-poly1305.ts");
    return openChacha20Poly1305(key, data, tag);
  },
};

/** What ssh-keygen -Z takes. */
const ciphers: ReadonlyMap<string, Cipher> = new Map([
  ["aes128-ctr", plainCipher("aes-128-ctr", 16, 16)],
  ["aes192-ctr", plainCipher("aes-192-ctr", 24, 16)],
  ["aes256-ctr", plainCipher("aes-256-ctr", 32, 16)],
  ["aes128-cbc", plainCipher("aes-128-cbc", 16, 16)],
  ["aes192-cbc", plainCipher("aes-192-cbc", 24, 16)],
  ["aes256-cbc", plainCipher("aes-256-cbc", 32, 16)],
  ["3des-cbc", plainCipher("des-ede3-cbc", 24, 8)],
  ["aes128-gcm@openssh.com", gcm("aes-128-gcm", 16)],
  ["aes256-gcm@openssh.com", gcm("aes-256-gcm", 32)],
  ["chacha20-poly1305@openssh.com", chacha20Poly1305],
]);
