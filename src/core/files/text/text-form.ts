/**
 * Text files as bytes: which encoding they are in, and back again without a changed byte. UTF-8 and UTF-16 are known for certain; what is neither, and
 * no binary, is taken byte for byte, as ISO 8859-1 has them.
 */
import { isBinary } from "../../binary.ts";

export const textEncodings = ["utf-8", "utf-16le", "utf-16be", "latin1"] as const;
export type TextEncoding = (typeof textEncodings)[number];

export interface TextForm {
  encoding: TextEncoding;
  /** Whether a byte order mark stands before the text; it is no part of it. */
  bom: boolean;
}

export const lineEndings = ["lf", "crlf", "mixed", "none"] as const;
export type LineEnding = (typeof lineEndings)[number];

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf16 = new TextDecoder("utf-16le", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The encoding that a byte order mark promises, and its length; null without one. */
export const bomOf = (bytes: Uint8Array): { encoding: TextEncoding; length: number } | null => {
  const [first, second, third, fourth] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return { encoding: "utf-8", length: 3 };
  if (first === 0xfe && second === 0xff) return { encoding: "utf-16be", length: 2 };
  // The other two zeros would make it UTF-32.
  const isUtf16 = first === 0xff && second === 0xfe && !(third === 0 && fourth === 0);
  return isUtf16 ? { encoding: "utf-16le", length: 2 } : null;
};

/** A whole file, or a part of one that is cut between characters, as text; null when it is binary. */
export const textOf = (bytes: Uint8Array): { text: string; form: TextForm } | null => {
  const mark = bomOf(bytes);
  const encoding = mark?.encoding ?? "utf-8";
  const body = bytes.subarray(mark?.length ?? 0);
  const text = encoding === "utf-8" ? decodedUtf8(body) : decodedUtf16(body, encoding);
  if (text !== null && !text.includes("\0")) return { text, form: { encoding, bom: mark !== null } };
  if (text !== null || isBinary(bytes)) return null;
  return { text: byteText(bytes), form: { encoding: "latin1", bom: false } };
};

/** The bytes of a text; null when a character has none in this encoding. */
export const bytesOf = (text: string, { encoding, bom }: TextForm): Uint8Array | null => {
  switch (encoding) {
    case "utf-8":
      return encoder.encode(bom ? `\ufeff${text}` : text);
    case "latin1":
      return textBytes(text);
    default:
      return utf16Bytes(bom ? `\ufeff${text}` : text, encoding === "utf-16be");
  }
};

/** Each byte as the character of its number. */
export const byteText = (bytes: Uint8Array): string => {
  let text = "";
  for (let at = 0; at < bytes.length; at += pieceLength)
    text += String.fromCharCode(...bytes.subarray(at, at + pieceLength));
  return text;
};

/** How the UTF-8 of a text looks in a text that is taken byte for byte. */
export const asByteText = (text: string): string => byteText(encoder.encode(text));

export const lineEndingOf = (text: string): LineEnding => {
  const hasCrlf = text.includes("\r\n");
  if (!/(?<!\r)\n/.test(text)) return hasCrlf ? "crlf" : "none";
  return hasCrlf ? "mixed" : "lf";
};

/** As many as a call takes as arguments on every engine. */
const pieceLength = 4096;

const decodedUtf8 = (bytes: Uint8Array): string | null => {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
};

/** Malformed UTF-16 behind its mark is no text at all: an empty answer would be the wrong one. */
const decodedUtf16 = (bytes: Uint8Array, encoding: TextEncoding): string => {
  try {
    return utf16.decode(encoding === "utf-16be" ? swapped(bytes) : bytes);
  } catch {
    return "\0";
  }
};

const swapped = (bytes: Uint8Array): Uint8Array => {
  const other = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at++) other[at] = bytes[at ^ 1] ?? 0;
  return other;
};

const utf16Bytes = (text: string, isBig: boolean): Uint8Array => {
  const bytes = new Uint8Array(text.length * 2);
  const [low, high] = isBig ? [1, 0] : [0, 1];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    bytes[at * 2 + low] = unit & 0xff;
    bytes[at * 2 + high] = unit >> 8;
  }
  return bytes;
};

const textBytes = (text: string): Uint8Array | null => {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff) return null;
    bytes[at] = code;
  }
  return bytes;
};

/** UTF-8 without the piece of a character that a cut left at its end. */
export const trimmed = (bytes: Uint8Array, isCut: boolean): Uint8Array => {
  let end = bytes.length;
  for (let back = 1; isCut && back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    // RFC 3629, section 3: the first byte tells how long its character is.
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    if (length > back) end -= back;
    break;
  }
  return bytes.subarray(0, end);
};
