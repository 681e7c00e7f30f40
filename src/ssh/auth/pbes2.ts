/** PBES2 (RFC 8018, section 6.2) with what Bun's own reader of PKCS#8 does not have: scrypt (RFC 7914), PBKDF2 with SHA-384 and SHA-512. */
import { createDecipheriv, pbkdf2Sync, scryptSync } from "node:crypto";

/** Bytes that scrypt may take. */
const mostMemory = 1024 * 1024 * 1024;

/** Object identifiers, as DER has them in hex. */
const oid = { pbes2: "2a864886f70d01050d", pbkdf2: "2a864886f70d01050c", scrypt: "2b06010401da47040b" } as const;
const digests: Readonly<Record<string, string>> = {
  "2a864886f70d0207": "sha1",
  "2a864886f70d0208": "sha224",
  "2a864886f70d0209": "sha256",
  "2a864886f70d020a": "sha384",
  "2a864886f70d020b": "sha512",
};
const ciphers: Readonly<Record<string, { name: string; keyLength: number }>> = {
  "608648016503040102": { name: "aes-128-cbc", keyLength: 16 },
  "608648016503040116": { name: "aes-192-cbc", keyLength: 24 },
  "60864801650304012a": { name: "aes-256-cbc", keyLength: 32 },
  "2a864886f70d0307": { name: "des-ede3-cbc", keyLength: 24 },
};

/**
 * What an EncryptedPrivateKeyInfo (RFC 5958, section 3) holds. Blocks for as long as its parameters ask.
 * @throws Error for a wrong passphrase, and for what is damaged or not known
 */
export const openPbes2 = (der: Buffer, passphrase: Uint8Array): Buffer => {
  const [algorithm, data] = childrenOf(elementAt(der, 0).content);
  const [scheme, parameters] = childrenOf(algorithm?.content);
  const [derivation, encryption] = childrenOf(parameters?.content);
  const [cipherName, iv] = childrenOf(encryption?.content);
  const cipher = ciphers[hexOf(cipherName)];
  if (hexOf(scheme) !== oid.pbes2 || cipher === undefined || iv === undefined || data === undefined) {
    throw new Error("not PBES2 with a cipher that is known");
  }
  const key = derive(childrenOf(derivation?.content), passphrase, cipher.keyLength);
  const decipher = createDecipheriv(cipher.name, key, iv.content);
  return Buffer.concat([decipher.update(data.content), decipher.final()]);
};

const derive = ([name, parameters]: readonly Element[], passphrase: Uint8Array, length: number): Buffer => {
  const [salt, ...rest] = childrenOf(parameters?.content);
  if (salt === undefined) throw new Error("no salt");
  const numbers = rest.filter(({ tag }) => tag === 0x02).map(({ content }) => Number(`0x0${content.toString("hex")}`));
  if (hexOf(name) === oid.scrypt) {
    const [N = 0, r = 0, p = 0] = numbers;
    return scryptSync(passphrase, salt.content, length, { N, r, p, maxmem: mostMemory });
  }
  const prf = rest.find(({ tag }) => tag === 0x30);
  const digest = prf === undefined ? "sha1" : digests[hexOf(childrenOf(prf.content)[0])];
  if (hexOf(name) !== oid.pbkdf2 || digest === undefined) throw new Error("not a key derivation that is known");
  return pbkdf2Sync(passphrase, salt.content, numbers[0] ?? 0, length, digest);
};

interface Element {
  tag: number;
  content: Buffer;
  /** Behind it. */
  end: number;
}

/** X.690, section 8.1, with lengths of up to four bytes. */
const elementAt = (bytes: Buffer, at: number): Element => {
  const first = bytes.readUInt8(at + 1);
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (more > 4 || first === 0x80) throw new Error("a length that DER does not have");
  const length = more === 0 ? first : bytes.readUIntBE(at + 2, more);
  const start = at + 2 + more;
  if (start + length > bytes.length) throw new Error("cut short");
  return { tag: bytes.readUInt8(at), content: bytes.subarray(start, start + length), end: start + length };
};

const childrenOf = (bytes: Buffer | undefined): Element[] => {
  const found: Element[] = [];
  for (let at = 0; bytes !== undefined && at < bytes.length; ) {
    const element = elementAt(bytes, at);
    found.push(element);
    at = element.end;
  }
  return found;
};

const hexOf = (element: Element | undefined): string => element?.content.toString("hex") ?? "";
