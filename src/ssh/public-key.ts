/** Public keys in wire form (RFC 4253, section 6.6), as far as is to be seen without using them. */
import { createHash } from "node:crypto";
import { fewestRsaBits } from "../config/ssh-config/resolved-host.ts";
import { SshMcpError } from "../core/errors.ts";
import { bitLength, WireReader } from "./wire-reader.ts";

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

/**
 * The type a key names itself, its first string.
 * @throws SshMcpError PROTOCOL_ERROR when the blob is no key, or names a type that could not stand in known_hosts
 */
export const keyType = (key: Uint8Array): string => {
  const type = fieldsOf(key)?.type ?? "";
  if (/^[a-z0-9][a-z0-9@.+-]{0,63}$/.test(type)) return type;
  throw new SshMcpError("PROTOCOL_ERROR", "the server's host key is not a public key in wire form");
};

/** `SHA256:` and the unpadded base64 of the digest, as ssh-keygen -l prints it. */
export const fingerprint = (key: Uint8Array): string =>
  `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;

/** Whether bytes are a whole public key of a type that is known; a certificate is none. */
export const isWholeKey = (key: Uint8Array): boolean => wholeKeyType(key) !== null;

/** The type of a whole public key; null for anything else. */
export const wholeKeyType = (key: Uint8Array): string | null => {
  const { type, fields } = fieldsOf(key) ?? { type: "", fields: [] };
  if (fields.length !== fieldCounts.get(type)) return null;
  if (type.includes("ssh-ed25519") && fields[0]?.length !== 32) return null;
  if (type === "ssh-rsa" && bitLength(fields[1] ?? noBytes) < fewestRsaBits) return null;
  return type;
};

/** The size of a key as `ssh-keygen -l` says it; 0 for what has none. */
export const keyBits = (key: Uint8Array): number => {
  const { type, fields } = fieldsOf(key) ?? { type: "", fields: [] };
  if (type.includes("ssh-ed25519")) return 256;
  if (type === "ssh-rsa") return bitLength(fields[1] ?? noBytes);
  if (type === "ssh-dss") return bitLength(fields[0] ?? noBytes);
  return Number(/nistp(\d+)/.exec(type)?.[1] ?? 0);
};

/** Whether bytes are an RSA key that is too short for OpenSSH to take at all. */
export const isShortRsaKey = (key: Uint8Array): boolean => {
  const { type, fields } = fieldsOf(key) ?? { type: "", fields: [] };
  return type === "ssh-rsa" && fields.length === 2 && bitLength(fields[1] ?? noBytes) < fewestRsaBits;
};

const noBytes = new Uint8Array();

/** The strings a key consists of; null when it does not consist of such. */
const fieldsOf = (key: Uint8Array): { type: string; fields: readonly Buffer[] } | null => {
  const reader = new WireReader(key);
  const type = reader.string().toString("latin1");
  const fields: Buffer[] = [];
  while (reader.hasMore) fields.push(reader.string());
  return reader.isDone ? { type, fields } : null;
};
