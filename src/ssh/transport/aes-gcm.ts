/**
 * AES in Galois/Counter Mode for packets (RFC 5647, as aes128-gcm@openssh.com has it), in ssh2's place: that one makes new memory for every packet
 * several times over, and its collection cost three times as much as the encryption.
 */
import { createCipheriv, createDecipheriv, randomFillSync } from "node:crypto";
import { giveUp } from "../../core/spent-memory.ts";

/** What ssh2 has agreed on for what goes out. */
export interface OutboundKeys {
  seqno: number;
  cipherInfo: { sslName: string };
  cipherKey: Uint8Array;
  cipherIV: Uint8Array;
  /** Has to copy what it gets: the memory is used again. */
  onWrite: (bytes: Uint8Array) => void;
}

/** And for what comes in. */
export interface InboundKeys {
  seqno: number;
  decipherInfo: { sslName: string };
  decipherKey: Uint8Array;
  decipherIV: Uint8Array;
  /** Anything but undefined ends the parsing: false behind this packet, a number there. The payload's memory is its own. */
  onPayload: (payload: Buffer) => undefined | false | number;
}

const modes = ["aes-128-gcm", "aes-256-gcm"] as const;
type Mode = (typeof modes)[number];

/** @param sslName as OpenSSL names ciphers */
export const isAesGcm = (sslName: string): boolean => modes.some((mode) => mode === sslName);

const blockBytes = 16;
const tagBytes = 16;
const lengthBytes = 4;
/** OpenSSH's PACKET_MAX_SIZE, as our patch of ssh2 has it for every cipher. */
const mostPacketBytes = 256 * 1024;

/** One packet at a time is written, whoever's it is: where all of them are, until they are encrypted. */
const workspace = Buffer.allocUnsafeSlow(40 * 1024);
let isWorkspaceTaken = false;

/** Random bytes in stock: one at a time they cost more than the encryption of a small packet. */
const stock = Buffer.allocUnsafeSlow(4096);
let stocked = 0;

const takeRandom = (into: Buffer, at: number, bytes: number): void => {
  if (stocked < bytes) {
    randomFillSync(stock);
    stocked = stock.length;
  }
  stocked -= bytes;
  stock.copy(into, at, stocked, stocked + bytes);
};

/** Encrypts packets; ssh2 calls it by these names. */
export class AesGcmCipher {
  outSeqno: number;
  readonly #mode: Mode;
  readonly #key: Uint8Array;
  readonly #nonce: Buffer;
  readonly #write: (bytes: Uint8Array) => void;
  #isOver = false;

  constructor({ seqno, cipherInfo, cipherKey, cipherIV, onWrite }: OutboundKeys) {
    this.outSeqno = seqno;
    this.#mode = cipherInfo.sslName as Mode;
    this.#key = cipherKey;
    this.#nonce = Buffer.from(cipherIV);
    this.#write = onWrite;
  }

  free(): void {
    this.#isOver = true;
  }

  /** A packet whose payload, from byte 5 on, is still to be written (RFC 4253, section 6). It has to be encrypted before the next one is made, or keeps its memory. */
  allocPacket(payloadBytes: number): Buffer {
    const unpadded = 1 + payloadBytes;
    let padding = blockBytes - (unpadded % blockBytes);
    if (padding < 4) padding += blockBytes;
    const bytes = lengthBytes + unpadded + padding;
    const packet = take(bytes);
    packet.writeUInt32BE(bytes - lengthBytes, 0);
    packet[lengthBytes] = padding;
    takeRandom(packet, bytes - padding, padding);
    return packet;
  }

  encrypt(packet: Buffer): void {
    try {
      if (!this.#isOver) this.#encrypt(packet);
    } finally {
      if (packet.buffer === workspace.buffer) isWorkspaceTaken = false;
    }
  }

  #encrypt(packet: Buffer): void {
    const cipher = createCipheriv(this.#mode, this.#key, this.#nonce);
    // Before anything else is called: no nonce may serve twice, whatever becomes of this packet.
    countUp(this.#nonce);
    this.outSeqno = (this.outSeqno + 1) >>> 0;
    const length = packet.subarray(0, lengthBytes);
    cipher.setAAD(length);
    const encrypted = cipher.update(packet.subarray(lengthBytes));
    cipher.final();
    this.#write(length);
    this.#write(encrypted);
    this.#write(cipher.getAuthTag());
    giveUp(encrypted);
  }
}

const take = (bytes: number): Buffer => {
  if (isWorkspaceTaken || bytes > workspace.length) return Buffer.allocUnsafe(bytes);
  isWorkspaceTaken = true;
  return workspace.subarray(0, bytes);
};

/** Decrypts packets; ssh2 calls it by these names. */
export class AesGcmDecipher {
  inSeqno: number;
  readonly #mode: Mode;
  readonly #key: Uint8Array;
  readonly #nonce: Buffer;
  /** ssh2 puts another one here while a key exchange is under way. */
  _onPayload: InboundKeys["onPayload"];
  readonly #head = Buffer.alloc(lengthBytes);
  #headBytes = 0;
  /** Of the packet that came only in part: all behind its length, and how much of that there is. */
  #part: Buffer | null = null;
  #partBytes = 0;
  /** Nothing is read behind a packet that was not what the other side sent. */
  #isOver = false;

  constructor({ seqno, decipherInfo, decipherKey, decipherIV, onPayload }: InboundKeys) {
    this.inSeqno = seqno;
    this.#mode = decipherInfo.sslName as Mode;
    this.#key = decipherKey;
    this.#nonce = Buffer.from(decipherIV);
    this._onPayload = onPayload;
  }

  free(): void {
    this.#part = null;
    this.#isOver = true;
  }

  /**
   * @returns where the next cipher goes on, or undefined when all of it was taken
   * @throws Error when a packet is not what the other side sent, or has a length that none may have
   */
  decrypt(data: Buffer, from: number, end: number): undefined | number {
    if (this.#isOver) throw new Error("Nothing can be decrypted any more");
    for (let at = from; at < end; ) {
      if (this.#headBytes < lengthBytes) {
        const copied = data.copy(this.#head, this.#headBytes, at, end);
        at += copied;
        this.#headBytes += copied;
        if (this.#headBytes < lengthBytes) return;
        this.#isOver = true;
        mustBePossible(this.#head.readUInt32BE(0));
        this.#isOver = false;
        if (at === end) return;
      }
      const needed = this.#head.readUInt32BE(0) + tagBytes;
      let sealed: Buffer;
      if (this.#part === null && end - at >= needed) {
        sealed = data.subarray(at, at + needed);
        at += needed;
      } else {
        this.#part ??= Buffer.allocUnsafe(needed);
        const copied = data.copy(this.#part, this.#partBytes, at, end);
        at += copied;
        this.#partBytes += copied;
        if (this.#partBytes < needed) return;
        sealed = this.#part;
      }
      const payload = this.#open(sealed);
      if (this.#part !== null) giveUp(this.#part);
      this.#part = null;
      this.#partBytes = 0;
      this.#headBytes = 0;
      const verdict = this._onPayload(payload);
      if (verdict !== undefined) return verdict === false ? at : verdict;
    }
    return;
  }

  #open(sealed: Buffer): Buffer {
    const decipher = createDecipheriv(this.#mode, this.#key, this.#nonce);
    this.#isOver = true;
    decipher.setAAD(this.#head);
    const packet = decipher.update(sealed.subarray(0, -tagBytes));
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    decipher.final();
    countUp(this.#nonce);
    this.inSeqno = (this.inSeqno + 1) >>> 0;
    const padding = packet[0] ?? 0;
    if (padding < 4 || padding + 1 > packet.length) throw new Error("Bad padding length");
    this.#isOver = false;
    return packet.subarray(1, packet.length - padding);
  }
}

const mustBePossible = (length: number): void => {
  const isPossible =
    length + lengthBytes + tagBytes <= mostPacketBytes && length >= blockBytes && length % blockBytes === 0;
  if (!isPossible) throw new Error("Bad packet length");
};

/** The nonce's last eight bytes are a counter (RFC 5647, section 7.1). */
const countUp = (nonce: Buffer): void => {
  for (let at = nonce.length - 1; at >= 4; at--) {
    const next = ((nonce[at] ?? 0) + 1) & 0xff;
    nonce[at] = next;
    if (next !== 0) return;
  }
};
