import { mostPacketBytes } from "./packet-types.ts";

const noBytes: Buffer = Buffer.alloc(0);

/** Makes packets of a stream of bytes: `uint32 length | byte type | …` (draft-ietf-secsh-filexfer-02, section 3). */
export class PacketSplitter {
  readonly #onPacket: (packet: Buffer) => void;
  readonly #head = Buffer.alloc(4);
  #headBytes = 0;
  /** The packet under way, and how much of it came. */
  #packet: Buffer = noBytes;
  #packetBytes = 0;
  #hasLent = false;

  /** @param onPacket takes each packet without its length; the bytes are its own */
  constructor(onPacket: (packet: Buffer) => void) {
    this.#onPacket = onPacket;
  }

  /** Whether packets of the last chunk lie in its memory. */
  get hasLent(): boolean {
    return this.#hasLent;
  }

  /**
   * A packet that lies in one chunk is not copied; one that comes in pieces is gathered, which takes its announced length at once.
   * @returns null, or the length that no packet may have: nothing can be read after it
   */
  take(chunk: Uint8Array): number | null {
    const data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#hasLent = false;
    for (let at = 0; at < data.length; ) {
      if (this.#packet === noBytes) {
        const copied = data.copy(this.#head, this.#headBytes, at);
        at += copied;
        this.#headBytes += copied;
        if (this.#headBytes < 4) return null;
        const length = this.#head.readUInt32BE(0);
        if (length === 0 || length > mostPacketBytes) return length;
        this.#headBytes = 0;
        if (data.length - at >= length) {
          this.#hasLent = true;
          this.#onPacket(data.subarray(at, at + length));
          at += length;
        } else {
          this.#packet = Buffer.allocUnsafeSlow(length);
          this.#packetBytes = 0;
        }
      } else {
        const copied = data.copy(this.#packet, this.#packetBytes, at);
        at += copied;
        this.#packetBytes += copied;
        if (this.#packetBytes < this.#packet.length) return null;
        const whole = this.#packet;
        this.#packet = noBytes;
        this.#onPacket(whole);
      }
    }
    return null;
  }
}
