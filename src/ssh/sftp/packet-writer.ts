/** Writes one packet: the data types of RFC 4251, section 5, behind its length and type. */
export class PacketWriter {
  #data = Buffer.allocUnsafe(256);
  #at = 5;

  constructor(type: number) {
    this.#data[4] = type;
  }

  uint32(value: number): this {
    this.#reserve(4);
    this.#at = this.#data.writeUInt32BE(value >>> 0, this.#at);
    return this;
  }

  /** @param value a safe integer, not negative */
  uint64(value: number): this {
    this.#reserve(8);
    this.#data.writeUInt32BE(Math.floor(value / 0x1_0000_0000), this.#at);
    this.#at = this.#data.writeUInt32BE(value % 0x1_0000_0000, this.#at + 4);
    return this;
  }

  string(bytes: Uint8Array): this {
    this.uint32(bytes.length);
    this.#reserve(bytes.length);
    this.#data.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /** @param following bytes of the packet that are sent behind these */
  packet(following = 0): Buffer {
    this.#data.writeUInt32BE(this.#at - 4 + following, 0);
    return this.#data.subarray(0, this.#at);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#data.length) return;
    const larger = Buffer.allocUnsafe((this.#at + bytes) * 2);
    this.#data.copy(larger, 0, 0, this.#at);
    this.#data = larger;
  }
}
