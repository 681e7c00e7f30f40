import { pathText } from "../../core/files/path-text.ts";
import { blockLength, notTar, padding, readHeader, type TarHeader, tarType } from "./tar-header.ts";

export interface TarMember {
  path: string;
  /** As `tarType`. */
  type: string;
  mode: number;
  mtime: number;
  size: number;
  /** May be a view of a larger chunk, which it holds. Null for what is no regular file, or a larger one than is taken. */
  content: Uint8Array | null;
}

/** Bytes of the longest name, or of the records about one member: no system has longer paths than 4 KiB. */
const metaLimit = 64 * 1024;
/** Blocks of zeros in a row: the largest records that tars fill up are of some 64 KiB. */
const zerosLimit = 2048;
/** Bytes of members that nobody asked for, or that have become too large. */
const skipLimit = 256 * 1024 * 1024;

/**
 * Reads archives as they come, one after the other as well: an end of one is skipped. Holds one member, and copies only what comes in pieces. What it
 * is given is a server's: nothing is believed but what a header's checksum covers.
 */
export class TarReader {
  readonly #contentLimit: number;
  /** Bytes that the header or the content has which is being read; where they are put together, when they come in pieces; how many there are. */
  #wanted = blockLength;
  #target: Uint8Array | null = null;
  #filled = 0;
  #skip = 0;
  /** Bytes that nobody wants, in all; blocks of zeros in a row. */
  #skipped = 0;
  #zeros = 0;
  #member: TarHeader | null = null;
  /** Said by members before, about the next. */
  #path: Uint8Array | null = null;
  #size: number | null = null;
  #mtime: number | null = null;

  /** @param contentLimit bytes of the largest file whose content is wanted */
  constructor(contentLimit: number) {
    this.#contentLimit = contentLimit;
  }

  /**
   * @returns members that are complete with this chunk
   * @throws SshMcpError PROTOCOL_ERROR
   */
  push(chunk: Uint8Array): TarMember[] {
    const done: TarMember[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (this.#skip > 0) {
        const length = Math.min(this.#skip, chunk.length - at);
        this.#skip -= length;
        at += length;
        continue;
      }
      const wanted = this.#wanted - this.#filled;
      if (this.#filled === 0 && chunk.length - at >= wanted) {
        // All of it is here, and whoever sends chunks does not touch them again.
        const whole = chunk.subarray(at, at + wanted);
        at += wanted;
        this.#filledUp(whole, done);
        continue;
      }
      this.#target ??= new Uint8Array(this.#wanted);
      const piece = chunk.subarray(at, at + wanted);
      this.#target.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled === this.#wanted) this.#filledUp(this.#target, done);
    }
    return done;
  }

  /** Whether what came ends between two members: where not, the last one is missing. */
  get isWhole(): boolean {
    return this.#member === null && this.#filled === 0 && this.#skip === 0;
  }

  #filledUp(bytes: Uint8Array, done: TarMember[]): void {
    const member = this.#member;
    this.#target = null;
    this.#filled = 0;
    if (member === null) this.#begin(readHeader(bytes), done);
    else this.#end(member, bytes, done);
  }

  #begin(header: TarHeader | null, done: TarMember[]): void {
    if (header === null) {
      if (++this.#zeros > zerosLimit) throw notTar("zeros without end");
      return;
    }
    this.#zeros = 0;
    const isMeta = header.type === tarType.longName || header.type === tarType.pax;
    const isFile = header.type === tarType.file;
    const member = isMeta ? header : this.#asSaid(header);
    if (isMeta && member.size > metaLimit) throw notTar("a name of absurd length");
    if (isMeta || (isFile && member.size <= this.#contentLimit)) {
      if (member.size === 0) {
        this.#end(member, new Uint8Array(0), done);
        return;
      }
      this.#member = member;
      this.#wanted = member.size;
      return;
    }
    // Links and directories have no content, whatever their size says.
    const hasContent = ![tarType.link, tarType.symlink, tarType.directory].some((type) => type === member.type);
    if (hasContent) this.#skip = member.size + padding(member.size);
    this.#skipped += this.#skip;
    if (this.#skipped > skipLimit) throw notTar("more than was asked for");
    if (member.type === tarType.longLink || member.type === tarType.paxGlobal) return;
    this.#tell(member, null, done);
  }

  #end(member: TarHeader, content: Uint8Array, done: TarMember[]): void {
    this.#member = null;
    this.#wanted = blockLength;
    this.#skip = padding(content.length);
    if (member.type === tarType.longName) this.#path = withoutEnd(content);
    else if (member.type === tarType.pax) this.#takeRecords(content);
    else this.#tell(member, content, done);
  }

  #asSaid(header: TarHeader): TarHeader {
    return { ...header, size: this.#size ?? header.size, mtime: this.#mtime ?? header.mtime };
  }

  #tell({ name, type, mode, size, mtime }: TarHeader, content: Uint8Array | null, done: TarMember[]): void {
    done.push({ path: pathText(this.#path ?? name), type, mode, size, mtime, content });
    this.#path = null;
    this.#size = null;
    this.#mtime = null;
  }

  /** `LENGTH KEY=VALUE\n` each; the length counts itself (IEEE Std 1003.1, pax, "pax Extended Header"). */
  #takeRecords(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
      const blank = bytes.indexOf(0x20, at);
      const length = blank < 0 ? 0 : Number(latin1(bytes.subarray(at, blank)));
      const record = bytes.subarray(blank + 1, at + length - 1);
      const equals = record.indexOf(0x3d);
      if (!Number.isInteger(length) || at + length > bytes.length || blank + 1 > at + length || equals < 0)
        throw notTar("records of pax that are none");
      this.#takeRecord(latin1(record.subarray(0, equals)), record.slice(equals + 1));
      at += length;
    }
  }

  #takeRecord(key: string, value: Uint8Array): void {
    if (key === "path") {
      this.#path = value;
      return;
    }
    if (key !== "size" && key !== "mtime") return;
    const number = Math.floor(Number(latin1(value)));
    if (!Number.isSafeInteger(number) || (key === "size" && number < 0)) throw notTar("an absurd number");
    if (key === "size") this.#size = number;
    else this.#mtime = number;
  }
}

const withoutEnd = (bytes: Uint8Array): Uint8Array => {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
};

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, 256));
