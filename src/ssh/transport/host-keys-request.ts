/**
 * A server's word on all of its host keys, and its proof that it has them: `hostkeys-00@openssh.com` and `hostkeys-prove-00@openssh.com`
 * (PROTOCOL of OpenSSH, section 2.5). ssh2 would ask for a proof of every key at every login, and takes none of RSA keys but by the one
 * algorithm it guesses.
 */
import type { Client } from "ssh2";
import { isWholeKey } from "../public-key.ts";
import { isSignedBy } from "../signature.ts";
import { WireReader, wireString } from "../wire-reader.ts";
import { protocolOf } from "./ssh2.ts";
import { within } from "./within.ts";

export interface AnnouncedKeys {
  /** In wire form, each whole and of a type that is known; others are left out, as in ssh. */
  keys: readonly Buffer[];
  /** Asks the server to sign this connection's identity with each of these keys; false when one signature is missing, wrong or late. */
  prove(keys: readonly Buffer[]): Promise<boolean>;
}

const request = "hostkeys-00@openssh.com";
const proofRequest = "hostkeys-prove-00@openssh.com";

/** The most keys that are listened to; sshd has five kinds. Of a server that names more, no part is taken for all that it has. */
const mostKeys = 64;
/** Bytes: four times those of an RSA key of 16384 bits, the longest that OpenSSH takes. */
const largestKey = 8 * 1024;
/** How long the proof may take. OpenSSH signs at once; whoever waits is a person at a login. */
const proofLimitMs = 10_000;

/** The part of ssh2 1.17.0 that is not in `ssh2.ts`: what the proof is of, and the replies to global requests, which come in order. */
interface ProvingClient {
  _protocol: {
    _kex: { sessionID: Buffer };
    openssh_hostKeysProve(keys: readonly { getPublicSSH(): Buffer }[]): void;
  };
  _callbacks: ((failed: boolean | Error, data?: Buffer | null) => void)[];
}

/** Listens for the first announcement; to be called before the login is through, because that is when it comes. */
export const onAnnouncedKeys = (client: Client, listen: (announced: AnnouncedKeys) => void): void => {
  const { _handlers } = protocolOf(client);
  const handle = _handlers["GLOBAL_REQUEST"];
  let heard = false;
  _handlers["GLOBAL_REQUEST"] = (protocol, name, wantReply, data) => {
    if (name !== request) {
      handle?.(protocol, name, wantReply, data);
      return;
    }
    // It wants none: what would be answered to is not in the protocol.
    if (wantReply === true) handle?.(protocol, "", true, null);
    if (heard) return;
    heard = true;
    // What stands there is anything that fits into a packet: our patch has ssh2 hand it over unread.
    const blobs = data as { getPublicSSH(): Buffer }[];
    if (blobs.length > mostKeys) return;
    const keys = blobs.map((blob) => blob.getPublicSSH()).filter((key) => key.length <= largestKey && isWholeKey(key));
    listen({ keys, prove: (wanted) => prove(client as unknown as ProvingClient, wanted) });
  };
};

const prove = async (client: ProvingClient, keys: readonly Buffer[]): Promise<boolean> => {
  const { sessionID } = client._protocol._kex;
  const replied = new Promise<Buffer | null>((resolve) => {
    // ssh2 reads into a buffer that it uses again.
    client._callbacks.push((failed, data) => resolve(failed === false && data != null ? Buffer.from(data) : null));
    client._protocol.openssh_hostKeysProve(keys.map((key) => ({ getPublicSSH: () => key })));
  });
  const reply = await within(replied, proofLimitMs, null);
  if (reply === null) return false;
  const reader = new WireReader(reply);
  for (const key of keys) {
    const data = Buffer.concat([wireString(proofRequest), wireString(sessionID), wireString(key)]);
    if (!isSignedBy(key, data, reader.string())) return false;
    // The longest keys take milliseconds each.
    await new Promise(setImmediate);
  }
  return reader.isDone;
};
