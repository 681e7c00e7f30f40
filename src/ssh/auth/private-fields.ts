/** Private keys as numbers one after the other: what OpenSSH's and PuTTY's files hold inside. */

import type { WireReader } from "../wire-reader.ts";
import { curves, type PrivateKey, privateKeyFrom } from "./private-key.ts";
import { withoutZeros } from "./wire-numbers.ts";

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const numberOf = (bytes: Buffer): bigint => BigInt(`0x0${bytes.toString("hex")}`);
const bytesOf = (value: bigint): Buffer => {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
};

export interface RsaNumbers {
  n: Buffer;
  e: Buffer;
  d: Buffer;
  p: Buffer;
  q: Buffer;
  /** Inverse of q modulo p. */
  inverse: Buffer;
}

/** @returns null for numbers that are no key; so do the others */
export const rsaFrom = ({ n, e, d, p, q, inverse }: RsaNumbers, publicBlob: Buffer | null): PrivateKey | null => {
  if ([n, e, d, p, q].some((bytes) => numberOf(bytes) < 2n)) return null;
  const remainder = (prime: Buffer): Buffer => bytesOf(numberOf(d) % (numberOf(prime) - 1n));
  const numbers = { n, e, d, p, q, dp: remainder(p), dq: remainder(q), qi: inverse };
  const written = Object.entries(numbers).map(([name, bytes]) => [name, base64url(withoutZeros(bytes))]);
  return privateKeyFrom({ kty: "RSA", ...Object.fromEntries(written) }, publicBlob);
};

/** @param seed the 32 bytes of RFC 8032, section 5.1.5 */
export const ed25519From = (seed: Buffer, point: Buffer, publicBlob: Buffer | null): PrivateKey | null =>
  privateKeyFrom({ kty: "OKP", crv: "Ed25519", x: base64url(point), d: base64url(seed) }, publicBlob);

/** @param point uncompressed (SEC 1, section 2.3.3) */
export const ecdsaFrom = (
  curveName: string,
  point: Buffer,
  scalar: Buffer,
  publicBlob: Buffer | null,
): PrivateKey | null => {
  const [crv, curve] = [...curves].find(([, { name }]) => name === curveName) ?? [];
  if (crv === undefined || curve === undefined || point[0] !== 4 || point.length !== 1 + 2 * curve.size) return null;
  const short = withoutZeros(scalar);
  if (short.length > curve.size) return null;
  const d = Buffer.concat([Buffer.alloc(curve.size - short.length), short]);
  const [x, y] = [point.subarray(1, 1 + curve.size), point.subarray(1 + curve.size)];
  return privateKeyFrom({ kty: "EC", crv, x: base64url(x), y: base64url(y), d: base64url(d) }, publicBlob);
};

/**
 * The key of the private section of OpenSSH's format (PROTOCOL.key), which begins behind the two check numbers, with its comment.
 * @returns the key, or the name of a type that is not read; null for what is damaged
 */
export const opensshPrivate = (fields: WireReader, publicBlob: Buffer): PrivateKey | string | null => {
  const type = text(fields);
  const key = keyOfType(type, fields, publicBlob);
  if (fields.isCut || key === null || typeof key === "string") return fields.isCut ? null : key;
  const comment = fields.string().toString("utf8");
  return fields.isCut ? null : { ...key, comment };
};

const keyOfType = (type: string, fields: WireReader, publicBlob: Buffer): PrivateKey | string | null => {
  if (type === "ssh-rsa") {
    const [n, e, d, inverse, p, q] = Array.from({ length: 6 }, () => fields.string()) as [
      ...[Buffer, Buffer, Buffer],
      ...[Buffer, Buffer, Buffer],
    ];
    return fields.isCut ? null : rsaFrom({ n, e, d, p, q, inverse }, publicBlob);
  }
  if (type === "ssh-ed25519") {
    const [point, pair] = [fields.string(), fields.string()];
    return fields.isCut || pair.length !== 64 ? null : ed25519From(pair.subarray(0, 32), point, publicBlob);
  }
  if (type.startsWith("ecdsa-sha2-")) {
    const [curve, point, scalar] = [text(fields), fields.string(), fields.string()];
    return fields.isCut ? null : ecdsaFrom(curve, point, scalar, publicBlob);
  }
  return type;
};

const text = (fields: WireReader): string => fields.string().toString("latin1");
