/** The bytes of a part as text: it begins and ends between characters, and has one at least. */
import { isBinary } from "../core/binary.ts";
import type { OpenRemoteFile } from "../core/files/remote-files.ts";
import { bomOf, byteText, type TextEncoding, trimmed } from "../core/files/text/text-form.ts";
import { bytesAt, type Part } from "./read-part.ts";

export interface PartText {
  part: Part;
  /** Null when it is no text. */
  text: string | null;
  encoding: TextEncoding | null;
  bom: boolean;
}

/** @throws SshMcpError as OpenRemoteFile */
export const textOfPart = async (file: OpenRemoteFile, whole: Part): Promise<PartText> => {
  const binary = { part: whole, text: null, encoding: null, bom: false };
  if (whole.isMalformed) return binary;
  const part = await betweenCharacters(file, whole);
  const { decodedFrom } = part;
  const mark = part.offset === 0 || decodedFrom !== null ? bomOf(part.bytes) : null;
  const body = mark?.encoding === "utf-8" ? part.bytes.subarray(mark.length) : part.bytes;
  const text = decoded(body);
  if (text?.includes("\0")) return binary;
  const bom = mark !== null || decodedFrom !== null;
  if (text !== null) return { part, text, encoding: decodedFrom ?? "utf-8", bom };
  // Of bytes that are no UTF-8 each is a character.
  const bytes = await atLeastOne(file, whole, 1);
  return isBinary(bytes.bytes)
    ? { ...binary, part: bytes }
    : { part: bytes, text: byteText(bytes.bytes), encoding: "latin1", bom: false };
};

/** Bytes, where a cut between characters left none of them. */
export const atLeastOne = async (file: OpenRemoteFile, part: Part, length: number): Promise<Part> => {
  const { bytes, offset, truncated, startLine } = part;
  if (bytes.length > 0 || !truncated || offset === null) return part;
  // One more tells whether it is the end.
  const more = await bytesAt(file, offset, length + 1);
  return {
    ...part,
    bytes: more.subarray(0, length),
    truncated: more.length > length,
    endLine: startLine,
    nextLine: null,
  };
};

/** Without the pieces of characters that a cut left; when nothing else is there, the next character. */
const betweenCharacters = async (file: OpenRemoteFile, whole: Part): Promise<Part> => {
  const { offset } = whole;
  if (offset === null) return whole;
  const from = await pieceLength(file, offset, whole.bytes);
  const bytes = trimmed(whole.bytes.subarray(from), whole.truncated);
  const part = bytes.length === whole.bytes.length ? whole : { ...whole, bytes, offset: offset + from };
  if (part.bytes.length > 0 || !whole.truncated) return part;
  const next = await bytesAt(file, offset + from, longestCharacter);
  return await atLeastOne(file, part, Math.max(1, characterLength(next[0] ?? 0)));
};

const longestCharacter = 4;

/** RFC 3629, section 3: the first byte tells how long its character is; 0 for one that is no first byte. */
const characterLength = (byte: number): number =>
  byte < 0x80 ? 1 : byte < 0xc0 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;

/** Bytes at the beginning that belong to a character before. What only looks so, as in an older encoding, is told by what stands before. */
const pieceLength = async (file: OpenRemoteFile, offset: number, bytes: Uint8Array): Promise<number> => {
  if (offset === 0 || characterLength(bytes[0] ?? 0) !== 0) return 0;
  const start = Math.max(0, offset - longestCharacter + 1);
  const around = await bytesAt(file, start, 2 * longestCharacter);
  for (let at = offset - start - 1; at >= 0; at--) {
    const length = characterLength(around[at] ?? 0);
    if (length === 0) continue;
    const isCharacter = decoded(around.subarray(at, at + length)) !== null;
    return isCharacter ? Math.max(0, start + at + length - offset) : 0;
  }
  return 0;
};

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const decoded = (bytes: Uint8Array): string | null => {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
};
