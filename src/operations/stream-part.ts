/** A file, or a part of it, byte for byte to whoever reads: of any size, at their pace. */
import type { FileFacts } from "../core/files/file-facts.ts";
import { octal } from "../core/files/file-mode.ts";
import type { OpenRemoteFile } from "../core/files/remote-files.ts";
import { LineRange } from "../core/files/text/line-range.ts";
import { NumberedLines } from "../core/files/text/numbered-lines.ts";
import { newlinesIn, TextWindow } from "../core/files/text/text-window.ts";
import type { Sink } from "../core/sink.ts";
import { HashedBytes } from "./file-hash.ts";
import { timeOf } from "./path-fields.ts";
import type { ReadAnswer } from "./read-file.ts";
import { tailStart } from "./read-part.ts";
import type { ReadInput } from "./read-rules.ts";

/** Of a file that does not say how long it is, as those in /proc, the last lines are held in memory: at most so much of them. */
const mostHeld = 16 * 1024 * 1024;

/** Its content goes to the sink; the answer says what is known of the file. */
export const streamPart = async (
  file: OpenRemoteFile,
  facts: FileFacts,
  input: ReadInput,
  stdout: Sink,
): Promise<ReadAnswer> => {
  const known = {
    ...{ content: null, encoding: null, bom: false, lineEnding: null, binary: false, cut: false },
    ...{ startLine: null, endLine: null, offset: null, nextLine: null, nextOffset: null, lines: null },
    mode: facts.mode === null ? null : octal(facts.mode),
    mtime: timeOf(facts.mtime),
  };
  const { tail } = input;
  if (tail !== undefined) {
    await (facts.size > 0
      ? streamTail(file, facts.size, tail, input, stdout)
      : streamUnsizedTail(file, tail, input, stdout));
    return { ...known, size: facts.size, sha256: null };
  }
  const isWhole = [input.startLine, input.endLine, input.offset, input.limit].every((each) => each === undefined);
  const content = new HashedBytes(file.read(input.offset ?? 0, byteLength(input)));
  await streamLines(content, input, stdout);
  return { ...known, size: isWhole ? content.bytes : facts.size, sha256: isWhole ? content.digest() : null };
};

/** Bytes to ask for; null for what only the lines tell, and for the rest. */
const byteLength = ({ startLine, endLine, limit }: ReadInput): number | null =>
  startLine === undefined && endLine === undefined ? (limit ?? null) : null;

const streamLines = async (
  content: AsyncIterable<Uint8Array>,
  { startLine = 1, endLine, limit, lineNumbers }: ReadInput,
  stdout: Sink,
): Promise<void> => {
  const range = new LineRange(startLine, endLine ?? null, limit ?? null);
  const numbered = lineNumbers === true ? new NumberedLines(startLine) : null;
  for await (const chunk of content) {
    const piece = range.take(chunk);
    if (piece.length > 0) await stdout.write(numbered?.push(piece) ?? piece);
    if (range.over) return;
  }
};

const streamTail = async (
  file: OpenRemoteFile,
  size: number,
  tail: number,
  { limit, lineNumbers }: ReadInput,
  stdout: Sink,
): Promise<void> => {
  const start = await tailStart(file, size, tail);
  let line = 1;
  if (lineNumbers === true) for await (const chunk of file.read(0, start)) line += newlinesIn(chunk);
  const numbered = lineNumbers === true ? new NumberedLines(line) : null;
  for await (const chunk of file.read(start, limit ?? null)) await stdout.write(numbered?.push(chunk) ?? chunk);
};

const streamUnsizedTail = async (
  file: OpenRemoteFile,
  tail: number,
  { limit = mostHeld, lineNumbers }: ReadInput,
  stdout: Sink,
): Promise<void> => {
  const window = new TextWindow({ kind: "tail", lines: tail }, { bytes: Math.min(limit, mostHeld), lines: tail });
  for await (const chunk of file.read(0, null)) window.push(chunk);
  const { bytes, startLine } = window.picked();
  if (bytes.length > 0) await stdout.write(lineNumbers === true ? new NumberedLines(startLine).push(bytes) : bytes);
};
