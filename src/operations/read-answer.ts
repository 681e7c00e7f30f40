/** A part of a file as an answer: text where it is one. */
import { isBinary } from "../core/binary.ts";
import type { FileFacts } from "../core/files/file-facts.ts";
import { octal } from "../core/files/file-mode.ts";
import type { OpenRemoteFile } from "../core/files/remote-files.ts";
import { numberedText } from "../core/files/text/numbered-lines.ts";
import { lineEndingOf } from "../core/files/text/text-form.ts";
import { timeOf } from "./path-fields.ts";
import type { ReadAnswer } from "./read-file.ts";
import { type Part, readPart } from "./read-part.ts";
import { limitsOf, type ReadInput, wantedOf } from "./read-rules.ts";
import { atLeastOne, textOfPart } from "./read-text.ts";

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
  const shown = isRaw ? inBase64(await atLeastOne(file, part, 1)) : await textOfPart(file, part);
  const { offset, bytes, truncated: cut, startLine, endLine, nextLine } = shown.part;
  const end = offset === null ? null : offset + bytes.length;
  const place = { cut, offset, nextLine, nextOffset: cut && input.tail === undefined ? end : null, ...known };
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

const inBase64 = (part: Part) => ({
  part,
  text: Buffer.from(part.bytes.buffer, part.bytes.byteOffset, part.bytes.byteLength).toString("base64"),
  encoding: "base64" as const,
  bom: false,
});
