/** A part of a file as an answer: text where it is one. */
import { isBinary } from "../core/binary.ts";
import type { FileFacts } from "../core/files/file-facts.ts";
import { octal } from "../core/files/file-mode.ts";
import type { OpenRemoteFile } from "../core/files/remote-files.ts";
import { numberedText } from "../core/files/text/numbered-lines.ts";
import { bomOf, byteText, lineEndingOf, type TextEncoding, trimmed } from "../core/files/text/text-form.ts";
import { timeOf } from "./path-fields.ts";
import type { ReadAnswer } from "./read-file.ts";
import { type Part, readPart } from "./read-part.ts";
import { limitsOf, type ReadInput, wantedOf } from "./read-rules.ts";

/** @throws SshMcpError as OpenRemoteFile */
export const readAnswer = async (file: OpenRemoteFile, facts: FileFacts, input: ReadInput): Promise<ReadAnswer> => {
  const part = await readPart(file, facts, {
    wanted: wantedOf(input, null),
    limits: limitsOf(input),
    hash: input.hash === true,
    asText: input.base64 !== true,
  });
  const size = part.size ?? facts.size;
  const known = {
    size,
    lines: part.lines,
    sha256: part.sha256,
    mode: facts.mode === null ? null : octal(facts.mode),
    mtime: timeOf(facts.mtime),
  };
  const isRaw = input.base64 === true;
  const shown = isRaw ? { part, text: base64(part.bytes), encoding: "base64" as const, bom: false } : textIn(part);
  const { offset, bytes, truncated, startLine, endLine, nextLine } = shown.part;
  const end = offset === null ? null : offset + bytes.length;
  const isCut = truncated || (shown.part !== part && shown.part.bytes.length < part.bytes.length);
  const place = { cut: isCut, offset, nextLine, nextOffset: isCut && input.tail === undefined ? end : null, ...known };
  if (shown.text === null) {
    const { encoding, bom, text: content } = shown;
    return { content, encoding, bom, lineEnding: null, binary: true, startLine: null, endLine: null, ...place };
  }
  const numbered = input.lineNumbers === true && startLine !== null ? numberedText(shown.text, startLine) : shown.text;
  return {
    content: numbered,
    encoding: shown.encoding,
    bom: shown.bom,
    lineEnding: isRaw ? null : lineEndingOf(shown.text),
    binary: isRaw && isBinary(part.bytes),
    startLine,
    endLine,
    ...place,
  };
};

interface Shown {
  part: Part;
  /** Null when it is no text. */
  text: string | null;
  encoding: TextEncoding | null;
  bom: boolean;
}

const textIn = (whole: Part): Shown => {
  const { decodedFrom } = whole;
  // A part that begins or ends within a character gives up its piece of it.
  const cut = trimmed(whole.bytes, whole.offset !== 0, whole.truncated);
  const offset = whole.offset === null ? null : whole.offset + cut.from;
  const part = cut.bytes.length === whole.bytes.length ? whole : { ...whole, bytes: cut.bytes, offset };
  const mark = whole.offset === 0 || decodedFrom !== null ? bomOf(part.bytes) : null;
  const body = mark?.encoding === "utf-8" ? part.bytes.subarray(mark.length) : part.bytes;
  try {
    const text = strict.decode(body);
    if (!text.includes("\0"))
      return { part, text, encoding: decodedFrom ?? "utf-8", bom: mark !== null || decodedFrom !== null };
  } catch {
    if (!isBinary(whole.bytes)) return { part: whole, text: byteText(whole.bytes), encoding: "latin1", bom: false };
  }
  return { part: whole, text: null, encoding: null, bom: false };
};

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
