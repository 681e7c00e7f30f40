/** Headers of tar archives: POSIX ustar (IEEE Std 1003.1, pax, "ustar Interchange Format") and what GNU tar adds to it. */
import { SshMcpError } from "../../core/errors.ts";

export const blockLength = 512;

/** Zero bytes after content of so many bytes, to the end of its block. */
export const padding = (length: number): number => (blockLength - (length % blockLength)) % blockLength;

export const tarType = {
  file: "0",
  link: "1",
  symlink: "2",
  directory: "5",
  /** GNU: the content is the name of the next member. */
  longName: "L",
  /** GNU: the content is what the next member, a link, leads to. */
  longLink: "K",
  /** pax: the content is records about the next member. */
  pax: "x",
  /** pax: the content is records about all that come. */
  paxGlobal: "g",
} as const;

export interface TarHeader {
  /** Its bytes: what they mean is the writer's business. */
  name: Uint8Array;
  type: string;
  mode: number;
  /** Bytes of content. */
  size: number;
  /** Whole seconds since the epoch. */
  mtime: number;
}

/** Bytes of the longest name that a header holds by itself; longer ones stand before it. */
export const nameLimit = 100;

const field = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
  prefix: [345, 155],
} as const;

const space = 32;
const magic = new TextEncoder().encode("ustar\x0000");

/** Writes a header into a block of zeros; the name is cut at `nameLimit`. */
export const writeHeader = (block: Uint8Array, header: TarHeader): void => {
  block.set(header.name.subarray(0, nameLimit), field.name[0]);
  writeNumber(block, field.mode, header.mode);
  writeNumber(block, field.uid, 0);
  writeNumber(block, field.gid, 0);
  writeNumber(block, field.size, header.size);
  // A time before 1970 has no octal form that all readers know.
  writeNumber(block, field.mtime, Math.max(0, header.mtime));
  block[field.type[0]] = header.type.charCodeAt(0);
  block.set(magic, field.magic[0]);
  const [at] = field.checksum;
  writeOctal(block, at, 6, checksum(block));
  block[at + 7] = space;
};

/**
 * @returns null for a block of zeros, of which an archive has two at its end
 * @throws SshMcpError PROTOCOL_ERROR for a block that is no header
 */
export const readHeader = (block: Uint8Array): TarHeader | null => {
  if (isZero(block)) return null;
  const said = readNumber(block, field.checksum);
  if (said !== checksum(block)) throw notTar("a header with a wrong checksum");
  const name = readText(block, field.name);
  const type = String.fromCharCode(block[field.type[0]] ?? 0);
  return {
    name: isPosix(block) ? joined(readText(block, field.prefix), name) : name,
    type: type === "\0" || type === "7" ? tarType.file : type,
    mode: readNumber(block, field.mode) & 0o7777,
    size: readNumber(block, field.size),
    mtime: readNumber(block, field.mtime, true),
  };
};

export const notTar = (what: string): SshMcpError =>
  new SshMcpError("PROTOCOL_ERROR", `the server's tar sent what is no archive: ${what}`);

/** GNU's own format has other things where POSIX has a prefix; its magic ends with blanks. */
const isPosix = (block: Uint8Array): boolean => block[field.magic[0] + 5] === 0 && block[field.magic[0]] === 0x75;

const joined = (prefix: Uint8Array, name: Uint8Array): Uint8Array => {
  if (prefix.length === 0) return name;
  const whole = new Uint8Array(prefix.length + 1 + name.length);
  whole.set(prefix);
  whole[prefix.length] = 0x2f;
  whole.set(name, prefix.length + 1);
  return whole;
};

/** The sum of all bytes, with the checksum's own taken as blanks. Without iterators: this is done for every file. */
const checksum = (block: Uint8Array): number => {
  const [from, length] = field.checksum;
  let sum = space * length;
  for (let at = 0; at < from; at++) sum += block[at] ?? 0;
  for (let at = from + length; at < blockLength; at++) sum += block[at] ?? 0;
  return sum;
};

const isZero = (block: Uint8Array): boolean => {
  for (let at = 0; at < blockLength; at++) if (block[at] !== 0) return false;
  return true;
};

type Field = readonly [from: number, length: number];

const writeNumber = (block: Uint8Array, [from, length]: Field, value: number): void => {
  if (value < 8 ** (length - 1)) {
    writeOctal(block, from, length - 1, Math.floor(value));
    return;
  }
  // GNU: the highest bit is set, and the rest is a number in base 256.
  let rest = value;
  for (let at = from + length - 1; at > from; at--) {
    block[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  block[from] = 0x80;
};

const writeOctal = (block: Uint8Array, from: number, digits: number, value: number): void => {
  let rest = value;
  for (let at = from + digits - 1; at >= from; at--) {
    block[at] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
};

/** @param signed of base 256: the mtime of a file from before 1970 is negative */
const readNumber = (block: Uint8Array, [from, length]: Field, signed = false): number => {
  const first = block[from] ?? 0;
  if (first >= 0x80) {
    const negative = first === 0xff;
    if (negative && !signed) throw notTar("a negative number");
    let value = negative ? -1 : first & 0x7f;
    for (let at = from + 1; at < from + length; at++) value = value * 256 + (block[at] ?? 0);
    if (!Number.isSafeInteger(value)) throw notTar("an absurd number");
    return value;
  }
  let at = from;
  const end = from + length;
  while (at < end && block[at] === space) at++;
  let value = 0;
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  // What ends a number is a blank or a zero.
  if (at < end && block[at] !== space && block[at] !== 0) throw notTar("a number that is none");
  return value;
};

const readText = (block: Uint8Array, [from, length]: Field): Uint8Array => {
  const whole = block.subarray(from, from + length);
  const end = whole.indexOf(0);
  return whole.slice(0, end < 0 ? length : end);
};
