/** OpenSSH's own format of private keys (PROTOCOL.key), as far as its encryption goes; ssh2 reads what is inside. */
import { type CipherGCMTypes, createDecipheriv } from "node:crypto";

export interface SealedKey {
  /** In wire form (RFC 4253, section 6.6): it is not encrypted. */
  publicKey: Buffer;
  /** For bcrypt_pbkdf, which the passphrase goes through. */
  salt: Buffer;
  rounds: number;
  /** Bytes to derive: the cipher's key, then its initial vector. */
  keyLength: number;
  /**
   * The text of the same file without encryption. With a wrong key it is no key, or this throws.
   * @param key of `keyLength` bytes
   */
  open(key: Uint8Array): string;
}

const [begin, end] = ["-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"];
const magic = "openssh-key-v1\0";

/** Whether a file is of this format at all. */
export const isOpensshKey = (file: Buffer): boolean => file.includes(begin);

/** @returns null when it is not encrypted, not whole, or encrypted in a way that is not known */
export const readSealedKey = (file: Buffer): SealedKey | null => {
  const text = file.toString("latin1");
  const start = text.indexOf(begin) + begin.length;
  const data = Buffer.from(text.slice(start, Math.max(start, text.indexOf(end, start))), "base64");
  if (data.toString("latin1", 0, magic.length) !== magic) return null;
  const reader = new Reader(data, magic.length);
  const cipher = ciphers.get(reader.string().toString("latin1"));
  const kdf = reader.string().toString("latin1");
  const kdfOptions = new Reader(reader.string());
  const salt = kdfOptions.string();
  const rounds = kdfOptions.number();
  const startOfPublic = reader.at;
  const count = reader.number();
  const publicKey = reader.string();
  const endOfPublic = reader.at;
  const encrypted = reader.string();
  const tag = data.subarray(reader.at);
  // The format has room for several keys in a file; nothing writes such.
  if (cipher === undefined || kdf !== "bcrypt" || count !== 1 || kdfOptions.isCut || reader.isCut) return null;
  return {
    publicKey,
    salt,
    rounds,
    keyLength: cipher.keyLength + cipher.ivLength,
    open: (key) => {
      const plain = cipher.decrypt(key.subarray(0, cipher.keyLength), key.subarray(cipher.keyLength), encrypted, tag);
      const header = [
        Buffer.from(magic),
        asString(Buffer.from("none")),
        asString(Buffer.from("none")),
        asString(noBytes),
      ];
      const whole = Buffer.concat([...header, data.subarray(startOfPublic, endOfPublic), asString(plain)]);
      return [begin, whole.toString("base64"), end].join("\n");
    },
  };
};

interface Cipher {
  keyLength: number;
  ivLength: number;
  /** @throws when the cipher itself sees that the key is wrong */
  decrypt(key: Uint8Array, iv: Uint8Array, data: Buffer, tag: Buffer): Buffer;
}

const plainCipher = (name: string, keyLength: number, ivLength: number): Cipher => ({
  keyLength,
  ivLength,
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
  decrypt: (key, iv, data, tag) => {
    const decipher = createDecipheriv(name, key, iv, { authTagLength: 16 }).setAuthTag(tag);
    return Buffer.concat([decipher.update(data), decipher.final()]);
  },
});

/** What ssh-keygen -Z takes, and ssh2 says of that it can be read on Bun. */
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
]);

const noBytes = Buffer.alloc(0);

const asString = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

/** Data types of RFC 4251, section 5. Behind the end everything is empty, and `isCut` says so. */
class Reader {
  at: number;
  isCut = false;
  readonly #data: Buffer;

  constructor(data: Buffer, at = 0) {
    this.#data = data;
    this.at = at;
  }

  number(): number {
    if (this.#lacks(4)) return 0;
    this.at += 4;
    return this.#data.readUInt32BE(this.at - 4);
  }

  string(): Buffer {
    const length = this.number();
    if (this.#lacks(length)) return noBytes;
    this.at += length;
    return this.#data.subarray(this.at - length, this.at);
  }

  #lacks(length: number): boolean {
    this.isCut ||= this.at + length > this.#data.length;
    return this.isCut;
  }
}
