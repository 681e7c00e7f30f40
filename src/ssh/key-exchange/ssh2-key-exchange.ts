/**
 * The part of ssh2 1.17.0 that key exchange needs beyond its public interface, as ssh2.ts has it for the rest. `_diffieHellman` is our patch's.
 */
import type { Client } from "ssh2";
import type { ChosenGroup } from "./diffie-hellman.ts";

/** A group by its name in OpenSSL, or one that the server chose. */
export type WantedGroup = { name: string } | ChosenGroup;

/** One exchange under way. Numbers are big-endian bytes. */
export interface Agreement {
  publicKey: Promise<Buffer>;
  /** @param peerKey the server's public key, in wire form */
  secret: (peerKey: Buffer) => Promise<Buffer>;
  /** Of a group that the server chose: they are part of what it signs (RFC 4419, section 3). */
  prime?: Uint8Array;
  generator?: Uint8Array;
}

/** The lists of a KEXINIT (RFC 4253, section 7.1); `cs` is client to server. */
export interface Offer {
  kex: readonly string[];
  serverHostKey: readonly string[];
  cs: { cipher: readonly string[]; mac: readonly string[] };
  sc: { cipher: readonly string[]; mac: readonly string[] };
}

/** What both sides offered, theirs as it came. */
export interface Offers {
  ours: Offer;
  theirs: Offer;
}

interface List {
  array: readonly string[];
}

interface Protocol {
  _diffieHellman?: (group: WantedGroup) => Agreement;
  _remoteOffer?: Offer;
  _offer: {
    lists: { kex: List; serverHostKey: List; cs: { cipher: List; mac: List }; sc: { cipher: List; mac: List } };
  };
  /** Our KEXINIT, while a key exchange is under way. */
  _kexinit: Buffer | undefined;
  /** Handed to each new cipher. */
  _onWrite: (data: Uint8Array) => void;
  _onHandshakeComplete: (...negotiated: unknown[]) => void;
  /** Undefined when the connection is over. */
  _destruct: unknown;
  rekey(): void;
}

const protocolOf = (client: Client): Protocol => (client as unknown as { _protocol: Protocol })._protocol;

/** Has classic Diffie-Hellman done by somebody else, at this key exchange and at every later one. To be called at once after `connect`. */
export const agreeBy = (client: Client, agree: (group: WantedGroup) => Agreement): void => {
  protocolOf(client)._diffieHellman = agree;
};

/** Null when the server's KEXINIT has not come. */
export const offersOf = (client: Client): Offers | null => {
  const { _remoteOffer: theirs, _offer } = protocolOf(client);
  if (theirs === undefined) return null;
  const { kex, serverHostKey, cs, sc } = _offer.lists;
  const direction = ({ cipher, mac }: { cipher: List; mac: List }) => ({ cipher: cipher.array, mac: mac.array });
  return { ours: { kex: kex.array, serverHostKey: serverHostKey.array, cs: direction(cs), sc: direction(sc) }, theirs };
};

/**
 * Tells of every byte that goes out under keys, and of the end of every key exchange. To be called at once after `connect`.
 * @returns begins a key exchange, unless one is under way or the connection is over
 */
export const watchKeys = (client: Client, onSent: (bytes: number) => void, onNewKeys: () => void): (() => void) => {
  const protocol = protocolOf(client);
  const { _onWrite: write, _onHandshakeComplete: complete } = protocol;
  protocol._onWrite = (data) => {
    onSent(data.length);
    write(data);
  };
  protocol._onHandshakeComplete = (...negotiated) => {
    onNewKeys();
    complete(...negotiated);
  };
  return () => {
    if (protocol._kexinit === undefined && protocol._destruct !== undefined) protocol.rekey();
  };
};
