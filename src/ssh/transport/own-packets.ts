/** Our ciphers in the place of ssh2's. `_ownCipher` and `_ownDecipher` are our patch's. */
import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { giveUp } from "../../core/spent-memory.ts";
import { AesGcmCipher, AesGcmDecipher, type InboundKeys, isAesGcm, type OutboundKeys } from "./aes-gcm.ts";

interface Protocol {
  _ownCipher?: (keys: OutboundKeys) => AesGcmCipher | undefined;
  _ownDecipher?: (keys: InboundKeys) => AesGcmDecipher | undefined;
  /** Of what comes in now. */
  _decipher: unknown;
}

const protocolOf = (client: Client): Protocol => (client as unknown as { _protocol: Protocol })._protocol;

/**
 * Encrypts and decrypts AES-GCM in ssh2's place, after this key exchange and every later one. To be called at once after `connect`; what the socket
 * is given has to be copied by it, see `gatherWrites`.
 */
export const encryptHere = (client: Client): void => {
  const protocol = protocolOf(client);
  protocol._ownCipher = (keys) => (isAesGcm(keys.cipherInfo.sslName) ? new AesGcmCipher(keys) : undefined);
  protocol._ownDecipher = (keys) => (isAesGcm(keys.decipherInfo.sslName) ? new AesGcmDecipher(keys) : undefined);
};

/**
 * Has the memory of what came from the server given back as soon as it is decrypted, where that was done here: ssh2's own ciphers may go on looking at it.
 * To be called when nothing else takes the socket's data after ssh2.
 */
export const giveUpReceived = (client: Client, socket: Duplex): void => {
  const protocol = protocolOf(client);
  socket.on("data", (chunk: Uint8Array) => {
    if (protocol._decipher instanceof AesGcmDecipher) giveUp(chunk);
  });
};
