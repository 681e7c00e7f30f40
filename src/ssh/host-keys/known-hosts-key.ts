/** Public keys in wire form (RFC 4253, section 6.6), as far as known_hosts needs to look into them. */
import { createHash } from "node:crypto";
import { SshMcpError } from "../../core/errors.ts";

/** How many strings follow the type (RFC 4253, 5656, 8709; PROTOCOL.u2f): what tells a key from a damaged one. */
const fieldCounts: ReadonlyMap<string, number> = new Map([
  ["ssh-ed25519", 1],
  ["ssh-rsa", 2],
  ["ssh-dss", 4],
  ["ecdsa-sha2-nistp256", 2],
  ["ecdsa-sha2-nistp384", 2],
  ["ecdsa-sha2-nistp521", 2],
  ["sk-ssh-ed25519@openssh.com", 2],
  ["sk-ecdsa-sha2-nistp256@openssh.com", 3],
]);

/** OpenSSH's SSH_RSA_MINIMUM_MODULUS_SIZE. */
const fewestRsaBits = 1024;

/**
 * The type a key names itself, its first string.
 * @throws SshMcpError PROTOCOL_ERROR when the blob is no key, or names a type that could not stand in known_hosts
 */
export const keyType = (key: Uint8Array): string => {
  const type = Buffer.from(wireStrings(key)?.[0] ?? []).toString("latin1");
  if (/^[a-z0-9][a-z0-9@.+-]{0,63}$/.test(type)) return type;
  throw new SshMcpError("PROTOCOL_ERROR", "the server's host key is not a public key in wire form");
};

/** `SHA256:` and the unpadded base64 of the digest, as ssh-keygen -l prints it. */
export const fingerprint = (key: Uint8Array): string =>
  `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;

/**
 * The key of a known_hosts line.
 * @param type the type the line says
 * @returns null when the text is not the base64 of a whole key of that type
 */
export const decodeKey = (type: string, text: string): { type: string; key: Uint8Array } | null => {
  const key = Buffer.from(text, "base64");
  if (key.toString("base64") !== text) return null;
  const named = wholeKeyType(key);
  // The names of RSA signature algorithms stand for the one RSA key type.
  if (named === null || named !== (/^rsa-sha2-(256|512)$/.test(type) ? "ssh-rsa" : type)) return null;
  return { type: named, key };
};

/** Whether bytes are a whole public key of a type that is known; a certificate is none. */
export const isWholeKey = (key: Uint8Array): boolean => wholeKeyType(key) !== null;

/** The type of a whole public key; null for anything else. */
export const wholeKeyType = (key: Uint8Array): string | null => {
  const [name, ...fields] = wireStrings(key) ?? [];
  const named = Buffer.from(name ?? []).toString("latin1");
  if (fields.length !== fieldCounts.get(named)) return null;
  if (named.includes("ssh-ed25519") && fields[0]?.length !== 32) return null;
  if (named === "ssh-rsa" && bitLength(fields[1] ?? new Uint8Array()) < fewestRsaBits) return null;
  return named;
};

/** The size of a key as `ssh-keygen -l` says it; 0 for what has none. */
export const keyBits = (key: Uint8Array): number => {
  const [name, first, second] = wireStrings(key) ?? [];
  const type = Buffer.from(name ?? []).toString("latin1");
  if (type.includes("ssh-ed25519")) return 256;
  if (type === "ssh-rsa") return bitLength(second ?? new Uint8Array());
  if (type === "ssh-dss") return bitLength(first ?? new Uint8Array());
  return Number(/nistp(\d+)/.exec(type)?.[1] ?? 0);
};

/** Whether bytes are an RSA key that is too short for OpenSSH to take at all. */
export const isShortRsaKey = (key: Uint8Array): boolean => {
  const [name, , modulus, ...more] = wireStrings(key) ?? [];
  if (modulus === undefined || more.length > 0 || Buffer.from(name ?? []).toString("latin1") !== "ssh-rsa")
    return false;
  return bitLength(modulus) < fewestRsaBits;
};

/** The length-prefixed strings a blob consists of (RFC 4251, section 5); null when it does not consist of such. */
const wireStrings = (blob: Uint8Array): Uint8Array[] | null => {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const strings: Uint8Array[] = [];
  for (let at = 0; at < blob.length; ) {
    if (at + 4 > blob.length) return null;
    const end = at + 4 + view.getUint32(at);
    if (end > blob.length) return null;
    strings.push(blob.subarray(at + 4, end));
    at = end;
  }
  return strings;
};

const bitLength = (number: Uint8Array): number => {
  const first = number.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (number.length - first) * 8 - Math.clz32(number[first] ?? 0) + 24;
};
