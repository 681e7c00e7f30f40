/** The wanted part of an open file, with as little read of it as that takes. */
import type { FileFacts } from "../core/files/file-facts.ts";
import type { OpenRemoteFile } from "../core/files/remote-files.ts";
import { bomOf, type TextEncoding } from "../core/files/text/text-form.ts";
import { type Limits, newlinesIn, type Picked, TextWindow, type Wanted } from "../core/files/text/text-window.ts";
import { HashedBytes } from "./file-hash.ts";

export interface PartRequest {
  wanted: Wanted;
  limits: Limits;
  /** Reads all of the file, whatever its size. */
  hash: boolean;
  /** Whether UTF-16 behind its mark is read as text, and comes as UTF-8. */
  asText: boolean;
}

export interface Part extends Omit<Picked, "offset" | "startLine" | "endLine"> {
  /** What the bytes were before they came as UTF-8; null when they are as in the file. */
  decodedFrom: TextEncoding | null;
  /** Whether it is no UTF-16, though its mark says so. */
  isMalformed: boolean;
  /** Null where it is not known: of text that came as UTF-8. */
  offset: number | null;
  /** Null where nobody counted the lines before. */
  startLine: number | null;
  endLine: number | null;
  /** Of the whole file, when all of it was read; else null. */
  lines: number | null;
  sha256: string | null;
  /** Bytes that all of it has, when all of it was read. */
  size: number | null;
}

/** Up to this size a file is read whole, for its hash and its lines. */
const readWhole = 4 * 1024 * 1024;
const blockBytes = 256 * 1024;

/** @throws SshMcpError as OpenRemoteFile */
export const readPart = async (file: OpenRemoteFile, facts: FileFacts, request: PartRequest): Promise<Part> => {
  const { wanted, limits, hash } = request;
  // A size of nothing may be one of /proc.
  const isLarge = facts.size > readWhole && !hash;
  if (isLarge && wanted.kind === "tail") return await tailOf(file, facts.size, wanted.lines, limits);
  if (isLarge && wanted.kind === "bytes" && wanted.offset > 0) return await from(file, wanted, limits);
  const isHead = wanted.kind === "lines" ? wanted.from === 1 : wanted.kind === "bytes";
  const enough = isLarge && isHead ? Math.min(facts.size, Math.max(limits.bytes + 1, blockBytes)) : null;
  return await scanned(file, request, enough, facts.size <= readWhole);
};

/** @param isWhole whether the rest is read too when nothing more of it is wanted, as long as it is little */
const scanned = async (
  file: OpenRemoteFile,
  request: PartRequest,
  length: number | null,
  isWhole: boolean,
): Promise<Part> => {
  const { wanted, limits, hash, asText } = request;
  const window = new TextWindow(wanted, limits);
  const content = new HashedBytes(file.read(0, length));
  let decoder: Decoder | null = null;
  let isRead = length === null;
  for await (const chunk of content) {
    // Some of what follows was seen, which tells a whole answer from one that was cut.
    const isEnough = window.full && !hash && (!isWhole || content.bytes > readWhole);
    const mark = content.bytes === chunk.length && asText && wanted.kind !== "bytes" ? bomOf(chunk) : null;
    if (mark !== null && mark.encoding !== "utf-8") decoder = new Decoder(mark.encoding);
    const bytes = decoder === null ? chunk : decoder.push(chunk);
    if (bytes === null) return await malformed(file, request, length, isWhole);
    window.push(bytes);
    if (!isEnough) continue;
    isRead = false;
    break;
  }
  if (isRead && decoder?.end() === false) return await malformed(file, request, length, isWhole);
  const picked = window.picked();
  return {
    ...picked,
    decodedFrom: decoder?.from ?? null,
    isMalformed: false,
    offset: decoder === null ? picked.offset : null,
    lines: isRead ? window.lines : null,
    sha256: isRead ? content.digest() : null,
    size: isRead ? content.bytes : null,
  };
};

/** The same without decoding. */
const malformed = async (...[file, request, length, isWhole]: Parameters<typeof scanned>): Promise<Part> => ({
  ...(await scanned(file, { ...request, asText: false }, length, isWhole)),
  isMalformed: true,
});

/** UTF-16 as UTF-8. */
class Decoder {
  readonly from: TextEncoding;
  readonly #decoder: TextDecoder;

  constructor(from: TextEncoding) {
    this.from = from;
    this.#decoder = new TextDecoder(from, { fatal: true, ignoreBOM: true });
  }

  /** Null for what is none. */
  push(bytes: Uint8Array): Uint8Array | null {
    try {
      return encoder.encode(this.#decoder.decode(bytes, { stream: true }));
    } catch {
      return null;
    }
  }

  /** Whether it ends behind a character. */
  end(): boolean {
    try {
      return this.#decoder.decode() === "";
    } catch {
      return false;
    }
  }
}

/** From a byte on, without what is before it. */
const from = async (
  file: OpenRemoteFile,
  { offset, length }: Wanted & { kind: "bytes" },
  limits: Limits,
): Promise<Part> => {
  const window = new TextWindow({ kind: "bytes", offset: 0, length }, limits);
  const most = Math.min(length ?? Number.POSITIVE_INFINITY, limits.bytes + 1);
  for await (const chunk of file.read(offset, Number.isFinite(most) ? most : null)) {
    window.push(chunk);
    if (window.full) break;
  }
  const picked = window.picked();
  return { ...unread, ...picked, offset, startLine: null, endLine: null, nextLine: null };
};

const tailOf = async (file: OpenRemoteFile, size: number, lines: number, limits: Limits): Promise<Part> => {
  const start = Math.max(0, size - limits.bytes - 1);
  const window = new TextWindow({ kind: "tail", lines }, limits);
  for await (const chunk of file.read(start, null)) window.push(chunk);
  const { bytes, offset, ...picked } = window.picked();
  return { ...picked, ...unread, bytes, offset: start + offset, startLine: null, endLine: null, nextLine: null };
};

/** Where the last lines of a file begin, found from its end. */
export const tailStart = async (file: OpenRemoteFile, size: number, lines: number): Promise<number> => {
  let left = lines;
  let end = size;
  let isLast = true;
  while (end > 0 && left > 0) {
    const start = Math.max(0, end - blockBytes);
    const block = await bytesAt(file, start, end - start);
    // A newline at the very end ends the last line, and begins none.
    const seen = isLast && block.at(-1) === newline ? block.subarray(0, -1) : block;
    isLast = false;
    const found = newlinesIn(seen);
    if (found >= left) return start + beginOfLast(seen, left);
    left -= found;
    end = start;
  }
  return left > 0 ? 0 : end;
};

const newline = 10;

/** Behind the newline that so many lines follow. */
const beginOfLast = (block: Uint8Array, lines: number): number => {
  let left = lines;
  for (let at = block.length - 1; at >= 0; at--) if (block[at] === newline && --left === 0) return at + 1;
  return 0;
};

/** @returns fewer where the file ends */
export const bytesAt = async (file: OpenRemoteFile, offset: number, length: number): Promise<Uint8Array> => {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of file.read(offset, length)) {
    bytes.set(chunk.subarray(0, length - at), at);
    at += chunk.length;
  }
  return bytes.subarray(0, Math.min(at, length));
};

const encoder = new TextEncoder();
const unread = { decodedFrom: null, isMalformed: false, lines: null, sha256: null, size: null };
