/** Reads the data types of RFC 4251, section 5. Behind the end everything is empty, and `isCut` says so. */
export class WireReader {
  at: number;
  isCut = false;
  readonly #data: Buffer;

  constructor(data: Uint8Array, at = 0) {
    this.#data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.at = at;
  }

  /** Whether everything was read, and nothing was missing. */
  get isDone(): boolean {
    return !this.isCut && this.at === this.#data.length;
  }

  /** Whether there is something left to read. */
  get hasMore(): boolean {
    return !this.isCut && this.at < this.#data.length;
  }

  byte(): number {
    if (this.#lacks(1)) return 0;
    this.at += 1;
    return this.#data.readUInt8(this.at - 1);
  }

  uint32(): number {
    if (this.#lacks(4)) return 0;
    this.at += 4;
    return this.#data.readUInt32BE(this.at - 4);
  }

  uint64(): bigint {
    if (this.#lacks(8)) return 0n;
    this.at += 8;
    return this.#data.readBigUInt64BE(this.at - 8);
  }

  /** A view, not a copy. */
  string(): Buffer {
    const length = this.uint32();
    if (this.#lacks(length)) return noBytes;
    this.at += length;
    return this.#data.subarray(this.at - length, this.at);
  }

  /** Text without a NUL but at its end, as OpenSSH takes it (sshbuf_get_cstring); null for other bytes. */
  text(): string | null {
    const bytes = this.string();
    const nul = bytes.indexOf(0);
    if (nul >= 0 && nul < bytes.length - 1) return null;
    return bytes.toString("utf8", 0, nul < 0 ? bytes.length : nul);
  }

  #lacks(length: number): boolean {
    this.isCut ||= this.at + length > this.#data.length;
    return this.isCut;
  }
}

const noBytes = Buffer.alloc(0);

/** Bits of a number (mpint), without the zeros in front. */
export const bitLength = (number: Uint8Array): number => {
  const first = number.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (number.length - first) * 8 - Math.clz32(number[first] ?? 0) + 24;
};

/** Bytes as a string of RFC 4251, section 5. */
export const wireString = (bytes: Uint8Array | string): Buffer => {
  const content = Buffer.from(bytes as Uint8Array);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
};
