/** OpenSSH's key revocation lists (PROTOCOL.krl), asked about one key as krl.c of OpenSSH 9.2 answers. */
import { createHash } from "node:crypto";
import { isSignedBy } from "../signature.ts";
import { WireReader } from "../wire-reader.ts";
import type { ShownKey } from "./judge-host-key.ts";

/** `SSHKRL\n\0`. */
const magic = Buffer.from("SSHKRL\n\0", "latin1");
const formatVersion = 1;

const sections = { certificates: 1, keys: 2, sha1: 3, signature: 4, sha256: 5 } as const;
const certificateSections = { serials: 0x20, range: 0x21, bitmap: 0x22, keyIds: 0x23 } as const;

/** Entries that are looked at before everybody else has a turn: some milliseconds. */
const entriesAtOnce = 2_000;

/** Whether a file is such a list at all. */
export const isRevocationList = (file: Uint8Array): boolean =>
  Buffer.compare(file.subarray(0, magic.length), magic) === 0;

/**
 * Whether a list revokes a key, its certificate or the certificate's authority.
 * @throws Error when the list is damaged, or has parts that are not known: then it can vouch for nothing
 */
export const isRevokedByList = async (file: Buffer, shown: ShownKey): Promise<boolean> => {
  const search = new Search(shown);
  const reader = new WireReader(file, magic.length);
  if (reader.uint32() !== formatVersion) throw new Error("is of another version");
  // Version, date and flags of the list; a reserved field; a comment.
  for (let field = 0; field < 3; field++) reader.uint64();
  for (let field = 0; field < 2; field++) reader.string();
  let signed = false;
  while (reader.hasMore) {
    const type = reader.byte();
    // Signatures come last, each of everything before it and the key that it is by.
    if (signed && type !== sections.signature) throw new Error("has entries behind its signature");
    const section = reader.string();
    if (type === sections.signature) {
      signed = true;
      if (!isSignedBy(section, file.subarray(0, reader.at), reader.string())) throw new Error("has a wrong signature");
    } else if (type === sections.certificates) {
      await search.certificates(section);
    } else {
      await search.listed(type, section);
    }
  }
  if (!reader.isDone) throw new Error("is cut short");
  return search.found;
};

/** The whole list is read, also when an answer is found: a damaged one must not revoke some keys and let others pass. */
class Search {
  found = false;
  readonly #shown: ShownKey;
  /** The key, and the authority of its certificate. */
  readonly #keys: readonly Uint8Array[];
  #entries = 0;

  constructor(shown: ShownKey) {
    this.#shown = shown;
    this.#keys = shown.certificate === null ? [shown.key] : [shown.key, shown.certificate.signatureKey];
  }

  /** Keys, or digests of them. */
  async listed(type: number, section: Uint8Array): Promise<void> {
    const wanted = this.#keys.map((key) => searchedAs(type, key));
    const reader = new WireReader(section);
    while (reader.hasMore) {
      await this.#turn();
      const entry = reader.string();
      this.found ||= wanted.some((one) => Buffer.compare(one, entry) === 0);
    }
    if (!reader.isDone) throw damaged();
  }

  /** What one authority, or with an empty key any, has revoked. */
  async certificates(section: Uint8Array): Promise<void> {
    const reader = new WireReader(section);
    const authority = reader.string();
    reader.string();
    const { certificate } = this.#shown;
    const concerns =
      certificate !== null && (authority.length === 0 || Buffer.compare(authority, certificate.signatureKey) === 0);
    while (reader.hasMore) {
      const type = reader.byte();
      const entries = new WireReader(reader.string());
      while (entries.hasMore) {
        await this.#turn();
        const isListed = revokes(type, entries);
        if (concerns && isListed(certificate)) this.found = true;
      }
      if (!entries.isDone) throw damaged();
    }
    if (!reader.isDone) throw damaged();
  }

  async #turn(): Promise<void> {
    this.#entries++;
    if (this.#entries % entriesAtOnce === 0) await new Promise(setImmediate);
  }
}

const searchedAs = (type: number, key: Uint8Array): Uint8Array => {
  if (type === sections.keys) return key;
  if (type === sections.sha1) return createHash("sha1").update(key).digest();
  if (type === sections.sha256) return createHash("sha256").update(key).digest();
  throw new Error(`has a section of the unknown type ${type}`);
};

type Test = (certificate: { serial: bigint; keyId: string }) => boolean;

/** Reads one entry. Serial number 0 is what a certificate has when nobody gave it one: it is never revoked by number. */
const revokes = (type: number, entries: WireReader): Test => {
  switch (type) {
    case certificateSections.serials: {
      const revoked = entries.uint64();
      return ({ serial }) => serial !== 0n && serial === revoked;
    }
    case certificateSections.range: {
      const [first, last] = [entries.uint64(), entries.uint64()];
      return ({ serial }) => serial !== 0n && serial >= first && serial <= last;
    }
    case certificateSections.bitmap: {
      const offset = entries.uint64();
      const bits = entries.string();
      return ({ serial }) => serial !== 0n && serial >= offset && isSet(bits, serial - offset);
    }
    case certificateSections.keyIds: {
      const revoked = entries.text();
      if (revoked === null) throw damaged();
      return ({ keyId }) => keyId === revoked;
    }
    default:
      throw new Error(`has certificates by the unknown criterion ${type}`);
  }
};

/** A bit of a number in big endian; the lowest one is 0. */
const isSet = (number: Uint8Array, bit: bigint): boolean => {
  if (bit >= BigInt(number.length) * 8n) return false;
  const at = Number(bit);
  return ((number[number.length - 1 - (at >> 3)] ?? 0) & (1 << (at & 7))) !== 0;
};

const damaged = (): Error => new Error("is damaged");
