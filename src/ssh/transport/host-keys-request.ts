/**
 * A server's word on all of its host keys, and its proof that it has them: `hostkeys-00@openssh.com` and `hostkeys-prove-00@openssh.com`
 * (PROTOCOL of OpenSSH, section 2.5). ssh2 would ask for a proof of every key at every login, and takes none of RSA keys but by the one
 * algorithm it guesses.
 */
import type { Client } from "ssh2";
import { isSignedBy } from "../signature.ts";
import { WireReader, wireString } from "../wire-reader.ts";
import { protocolOf } from "./ssh2.ts";

export interface AnnouncedKeys {
  /** In wire form; those that ssh2 cannot read are left out. */
  keys: readonly Buffer[];
  /** Asks the server to sign this connection's identity with each of these keys; false when one signature is missing, or wrong. */
  prove(keys: readonly Buffer[]): Promise<boolean>;
}

const request = "hostkeys-00@openssh.com";
const proofRequest = "hostkeys-prove-00@openssh.com";

/** The most keys that are listened to; sshd has five kinds. */
const mostKeys = 64;

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
    const keys = (data as { getPublicSSH(): Buffer }[]).slice(0, mostKeys).map((key) => key.getPublicSSH());
    listen({ keys, prove: (wanted) => prove(client as unknown as ProvingClient, wanted) });
  };
};

const prove = async (client: ProvingClient, keys: readonly Buffer[]): Promise<boolean> => {
  const { sessionID } = client._protocol._kex;
  const reply = await new Promise<Buffer | null>((resolve) => {
    client._callbacks.push((failed, data) => resolve(failed === false ? (data ?? null) : null));
    client._protocol.openssh_hostKeysProve(keys.map((key) => ({ getPublicSSH: () => key })));
  });
  if (reply === null) return false;
  // ssh2 reads into a buffer that it uses again.
  const reader = new WireReader(Buffer.from(reply));
  const proved = keys.every((key) => {
    const data = Buffer.concat([wireString(proofRequest), wireString(sessionID), wireString(key)]);
    return isSignedBy(key, data, reader.string());
  });
  return proved && reader.isDone;
};
