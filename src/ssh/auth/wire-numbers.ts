/** Numbers as RFC 4251, section 5, writes them. */
import { wireString } from "../wire-reader.ts";

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** An `mpint` that is not negative, from big-endian bytes. */
export const mpint = (bytes: Uint8Array): Buffer => {
  const magnitude = withoutZeros(bytes);
  const needsZero = ((magnitude[0] ?? 0) & 0x80) !== 0;
  return wireString(needsZero ? Buffer.concat([Buffer.of(0), magnitude]) : magnitude);
};

/** Big-endian bytes without leading zeros. */
export const withoutZeros = (bytes: Uint8Array): Buffer => {
  const first = bytes.findIndex((byte) => byte !== 0);
  return Buffer.from(bytes.subarray(first === -1 ? bytes.length : first));
};
