/** PuTTY's private key files, versions 2 and 3 (PuTTY manual, appendix C). */
import { createDecipheriv, createHash, createHmac, timingSafeEqual } from "node:crypto";
import { WireReader, wireString } from "../wire-reader.ts";
import type { KeyDerivation } from "./key-derivation.ts";
import { ecdsaFrom, ed25519From, rsaFrom } from "./private-fields.ts";
import type { PrivateKey } from "./private-key.ts";

export interface PuttyKey {
  publicKey: Buffer;
  isEncrypted: boolean;
  /** What must be derived from the passphrase on another thread before the file can be opened; null for nothing. */
  derivation(passphrase: Uint8Array<ArrayBuffer>): KeyDerivation | null;
  /**
   * @param derived what `derivation` has led to, or null
   * @returns null for a wrong passphrase, and for a file that was changed: its checksum is made with the passphrase
   */
  open(passphrase: Uint8Array, derived: Uint8Array | null): PrivateKey | null;
}

/** Whether a file is of this format at all. */
export const isPuttyKey = (file: Buffer): boolean => file.toString("latin1", 0, prefix.length) === prefix;

const prefix = "PuTTY-User-Key-File-";

/** KiB and passes of Argon2 that are worked on: a file may ask for any number of either. */
const mostMemory = 1024 * 1024;
const mostPasses = 1_000_000;

/** @returns null when the file is not whole; a text says what of it is not supported */
export const readPuttyKey = (file: Buffer): PuttyKey | string | null => {
  const fields = fieldsOf(file.toString("utf8"));
  const version = fields === null ? undefined : ["2", "3"].find((each) => fields.has(`${prefix}${each}`));
  if (fields === null) return null;
  if (version === undefined) return "only versions 2 and 3 of PuTTY's format are supported";
  const field = (name: string): string => fields.get(name) ?? "";
  const type = field(`${prefix}${version}`);
  const encryption = field("Encryption");
  const publicKey = Buffer.from(field("Public-Lines"), "base64");
  const section = Buffer.from(field("Private-Lines"), "base64");
  const mac = Buffer.from(field("Private-MAC"), "hex");
  const isEncrypted = encryption !== "none";
  if (isEncrypted && encryption !== "aes256-cbc") return `its encryption ${encryption} is not supported`;
  if (publicKey.length === 0 || section.length === 0 || mac.length !== (version === "2" ? 20 : 32)) return null;
  if (isEncrypted && section.length % 16 !== 0) return null;
  const argon = version === "3" && isEncrypted ? argonOf(field) : null;
  if (typeof argon === "string") return argon;
  const secretsOf = version === "2" ? secretsOfVersion2 : secretsOfVersion3;
  return {
    publicKey,
    isEncrypted,
    derivation: (passphrase) => (argon === null ? null : { ...argon, passphrase }),
    open: (passphrase, derived) => {
      const { key, iv, hash, macKey } = secretsOf(isEncrypted, passphrase, derived);
      const decipher = createDecipheriv("aes-256-cbc", key, iv).setAutoPadding(false);
      const plain = isEncrypted ? Buffer.concat([decipher.update(section), decipher.final()]) : section;
      const signed = [type, encryption, field("Comment"), publicKey, plain].map(wireString);
      const sum = createHmac(hash, macKey).update(Buffer.concat(signed)).digest();
      const opened = timingSafeEqual(sum, mac) ? keyOf(publicKey, plain) : null;
      return opened === null ? null : { ...opened, comment: field("Comment") };
    },
  };
};

/** `Name: value` lines, and `Name: COUNT` before so many lines of base64. */
const fieldsOf = (text: string): ReadonlyMap<string, string> | null => {
  const lines = text.split(/\r\n|\r|\n/);
  const fields = new Map<string, string>();
  for (let at = 0; at < lines.length; ) {
    const line = lines[at++] ?? "";
    if (line === "" && at === lines.length) break;
    const colon = line.indexOf(": ");
    if (colon === -1) return null;
    const [name, value] = [line.slice(0, colon), line.slice(colon + 2)];
    if (fields.has(name)) return null;
    const count = name.endsWith("-Lines") ? Number(value) : 0;
    if (!Number.isInteger(count) || count < 0 || at + count > lines.length) return null;
    fields.set(name, name.endsWith("-Lines") ? lines.slice(at, at + count).join("") : value);
    at += count;
  }
  return fields;
};

/** @returns a text for what is not supported */
const argonOf = (field: (name: string) => string): Omit<KeyDerivation & { kind: "argon2" }, "passphrase"> | string => {
  const flavour = field("Key-Derivation").toLowerCase();
  if (flavour !== "argon2id" && flavour !== "argon2i" && flavour !== "argon2d") {
    return `its key derivation ${field("Key-Derivation")} is not supported`;
  }
  const numbers = ["Argon2-Memory", "Argon2-Passes", "Argon2-Parallelism"].map((name) => Number(field(name)));
  const [memory = 0, passes = 0, parallelism = 0] = numbers;
  const isSane = numbers.every((number) => Number.isInteger(number) && number > 0);
  if (!isSane || memory > mostMemory || passes > mostPasses || parallelism > 64) {
    return `its Argon2 parameters (${numbers.join(", ")}) are not supported`;
  }
  const salt = Buffer.from(field("Argon2-Salt"), "hex");
  return { kind: "argon2", flavour, memory, passes, parallelism, salt, length: 80 };
};

interface Secrets {
  key: Uint8Array;
  iv: Uint8Array;
  hash: "sha1" | "sha256";
  macKey: Uint8Array;
}

const sha1 = (...parts: (Uint8Array | string)[]): Buffer => {
  const hash = createHash("sha1");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const secretsOfVersion2 = (isEncrypted: boolean, passphrase: Uint8Array): Secrets => ({
  key: Buffer.concat([0, 1].map((count) => sha1(Buffer.of(0, 0, 0, count), passphrase))).subarray(0, 32),
  iv: Buffer.alloc(16),
  hash: "sha1",
  macKey: sha1("putty-private-key-file-mac-key", isEncrypted ? passphrase : ""),
});

const secretsOfVersion3 = (_isEncrypted: boolean, _passphrase: Uint8Array, derived: Uint8Array | null): Secrets => ({
  key: derived?.subarray(0, 32) ?? Buffer.alloc(32),
  iv: derived?.subarray(32, 48) ?? Buffer.alloc(16),
  hash: "sha256",
  macKey: derived?.subarray(48, 80) ?? Buffer.alloc(0),
});

const keyOf = (publicKey: Buffer, plain: Buffer): PrivateKey | null => {
  const [open, secret] = [new WireReader(publicKey), new WireReader(plain)];
  const type = open.string().toString("latin1");
  if (type === "ssh-rsa") {
    const [e, n] = [open.string(), open.string()];
    const [d, p, q, inverse] = [secret.string(), secret.string(), secret.string(), secret.string()];
    return secret.isCut ? null : rsaFrom({ n, e, d, p, q, inverse }, publicKey);
  }
  if (type === "ssh-ed25519") return ed25519From(fixed(secret.string(), 32), open.string(), publicKey);
  if (!type.startsWith("ecdsa-sha2-")) return null;
  const [curve, point] = [open.string().toString("latin1"), open.string()];
  return ecdsaFrom(curve, point, secret.string(), publicKey);
};

/** The least significant byte comes first: zeros at the end may be missing. */
const fixed = (bytes: Buffer, length: number): Buffer =>
  Buffer.concat([bytes, Buffer.alloc(length)]).subarray(0, length);
