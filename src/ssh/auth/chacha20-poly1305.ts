/** The cipher chacha20-poly1305@openssh.com (PROTOCOL.chacha20poly1305) as key files are encrypted with it: Bun has no ChaCha20. */
import { timingSafeEqual } from "node:crypto";
import { poly1305 } from "@noble/ciphers/_poly1305.js";
import { chacha20orig } from "@noble/ciphers/chacha.js";

/** The sequence number that stands for a nonce on the wire: a file has none, and counts as packet 0. */
const nonce = new Uint8Array(8);

/**
 * @param key 64 bytes; the second half is for a packet's length, of which a file has none
 * @throws when the tag does not fit: the key is wrong, or the data was changed
 */
export const openChacha20Poly1305 = (key: Uint8Array, data: Uint8Array, tag: Uint8Array): Buffer => {
  const payloadKey = key.slice(0, 32);
  // Block 0 of the stream is the authenticator's key, the data begins with block 1.
  const expected = poly1305(data, chacha20orig(payloadKey, nonce, new Uint8Array(32)));
  if (tag.length !== expected.length || !timingSafeEqual(tag, expected)) throw new Error("the tag does not fit");
  return Buffer.from(chacha20orig(payloadKey, nonce, data, undefined, 1));
};
