/** OpenSSH certificates, version 01 (PROTOCOL.certkeys), read as sshkey.c cert_parse of OpenSSH 9.2 reads them. */
import { isWholeKey } from "./public-key.ts";
import { isSignedBy, signatureAlgorithm } from "./signature.ts";
import { WireReader, wireString } from "./wire-reader.ts";

/** A critical option or an extension; `data` is in wire form. */
export interface CertificateOption {
  name: string;
  data: Uint8Array;
}

export interface Certificate {
  /** `ssh-ed25519-cert-v01@openssh.com`; that of RSA is `ssh-rsa-cert-v01@openssh.com`, whatever signs with it. */
  type: string;
  /** The key that is certified, in wire form. */
  publicKey: Uint8Array;
  serial: bigint;
  kind: "user" | "host";
  /** Free text of whoever signed: untrusted. */
  keyId: string;
  /** Untrusted. Empty: of a user certificate, all; of a host certificate, none. */
  principals: readonly string[];
  /** Seconds since 1970, the first one included, the last one not; 2^64 - 1 is for ever. */
  validAfter: bigint;
  validBefore: bigint;
  criticalOptions: readonly CertificateOption[];
  extensions: readonly CertificateOption[];
  /** The authority's key, in wire form; never a certificate. */
  signatureKey: Uint8Array;
  signature: Uint8Array;
  /** For CASignatureAlgorithms: `ssh-ed25519`, `rsa-sha2-512`, … */
  signatureAlgorithm: string;
  /** What the signature is of. */
  signedBytes: Uint8Array;
}

const suffix = "-cert-v01@openssh.com";

/** The fields of the key between the nonce and the serial number, by the type of the key alone. */
const keyFields: ReadonlyMap<string, number> = new Map([
  ["ssh-ed25519", 1],
  ["ecdsa-sha2-nistp256", 2],
  ["ecdsa-sha2-nistp384", 2],
  ["ecdsa-sha2-nistp521", 2],
  ["ssh-rsa", 2],
  ["sk-ssh-ed25519@openssh.com", 2],
  ["sk-ecdsa-sha2-nistp256@openssh.com", 3],
]);

/** OpenSSH's SSHKEY_CERT_MAX_PRINCIPALS. */
const mostPrincipals = 256;
/** PROTOCOL.certkeys: SSH2_CERT_TYPE_USER, SSH2_CERT_TYPE_HOST. */
const kinds: ReadonlyMap<number, Certificate["kind"]> = new Map([
  [1, "user"],
  [2, "host"],
]);

/** Whether a type, of a key or of an algorithm, is one of certificates. */
export const isCertificateType = (type: string): boolean => type.endsWith(suffix);

/** The type of the key that a certificate's type is for: `ssh-ed25519`, `sk-ssh-ed25519@openssh.com`. */
export const plainType = (type: string): string => {
  if (!isCertificateType(type)) return type;
  const name = type.slice(0, -suffix.length);
  return name.startsWith("sk-") ? `${name}@openssh.com` : name;
};

/**
 * Reads a certificate in wire form. Its signature is not looked at: see `verifyCertificate`.
 * @returns null when the bytes are no whole certificate, or none of a type that is known
 */
export const parseCertificate = (blob: Uint8Array): Certificate | null => {
  const reader = new WireReader(blob);
  const type = reader.string().toString("latin1");
  const plain = plainType(type);
  const count = keyFields.get(plain);
  if (count === undefined || plain === type) return null;
  // The nonce.
  reader.string();
  const fields = Array.from({ length: count }, () => reader.string());
  const publicKey = Buffer.concat([wireString(plain), ...fields.map(wireString)]);
  const serial = reader.uint64();
  const kind = kinds.get(reader.uint32());
  const keyId = reader.text();
  const principals = texts(reader.string());
  const [validAfter, validBefore] = [reader.uint64(), reader.uint64()];
  const [criticalOptions, extensions] = [options(reader.string()), options(reader.string())];
  // Reserved.
  reader.string();
  const signatureKey = reader.string();
  const signedBytes = blob.subarray(0, reader.at);
  const signature = reader.string();
  const algorithm = signatureAlgorithm(signature);
  if (!reader.isDone || kind === undefined || keyId === null || algorithm === null) return null;
  if (principals === null || criticalOptions === null || extensions === null) return null;
  if (!isWholeKey(publicKey) || !isWholeKey(signatureKey)) return null;
  return {
    ...{ type, publicKey, serial, kind, keyId, principals, validAfter, validBefore, criticalOptions, extensions },
    ...{ signatureKey, signature, signatureAlgorithm: algorithm, signedBytes },
  };
};

/**
 * Whether the authority that the certificate names did sign it. Says nothing of whether that authority is trusted, or of dates and names.
 * A signature by RSA with SHA-1 or by DSA counts as none: CASignatureAlgorithms of OpenSSH has neither.
 */
export const verifyCertificate = ({ signatureKey, signedBytes, signature }: Certificate): boolean =>
  isSignedBy(signatureKey, signedBytes, signature);

const texts = (bytes: Uint8Array): string[] | null => {
  const reader = new WireReader(bytes);
  const found: string[] = [];
  while (reader.hasMore) {
    const text = reader.text();
    if (text === null || found.length === mostPrincipals) return null;
    found.push(text);
  }
  return reader.isDone ? found : null;
};

const options = (bytes: Uint8Array): CertificateOption[] | null => {
  const reader = new WireReader(bytes);
  const found: CertificateOption[] = [];
  while (reader.hasMore) found.push({ name: reader.string().toString("utf8"), data: reader.string() });
  return reader.isDone ? found : null;
};
