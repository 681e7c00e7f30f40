/** A part of a kept output, cut where a reader can go on. */
import { isBinary } from "../../core/binary.ts";
import { hintFor } from "../../core/hint.ts";
import type { Caller } from "../../core/operation.ts";
import { endOfHead, startOfTail } from "../../core/output.ts";
import type { OutputPage, OutputRequest } from "../../core/outputs.ts";
import type { KeptStream } from "./kept-stream.ts";
import { type KeptOutput, notKept } from "./output-store.ts";
import { search } from "./search.ts";
import { SearchTurns } from "./search-turns.ts";

const pieceBytes = 1024 * 1024;
const turns = new SearchTurns();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** @throws SshMcpError INVALID_INPUT, TIMEOUT, CANCELED: see `search`; NOT_FOUND when the output makes room for others meanwhile */
export const readPage = async (
  output: KeptOutput,
  request: OutputRequest,
  caller: Caller,
  signal: AbortSignal,
): Promise<OutputPage> => {
  const stream = output.streams[request.stream];
  const { grep } = request;
  if (grep !== null) {
    const page = await turns.take(signal, () => matchingLines(output, request, grep, signal));
    if (output.isKept && page !== null) return page;
    throw notKept(output.id, caller);
  }
  const from = beginning(stream, request);
  const { start, bytes, isTail } = rangeOf(output, stream, request, from.offset);
  const end = start + bytes.length;
  const binary = request.encoding === null && isBinary(bytes);
  const base64 = request.encoding === "base64" ? Buffer.from(bytes).toString("base64") : null;
  return {
    ...facts(output, request, start, end),
    encoding: base64 === null ? "utf-8" : "base64",
    content: base64 ?? (binary ? binaryNote(bytes.length, output.id, request, start, caller) : decoder.decode(bytes)),
    binary,
    matches: null,
    beginMissing: from.isMissing || isTail,
  };
};

interface Beginning {
  /** The first byte that is wanted and kept. */
  offset: number;
  /** Whether earlier ones were wanted. */
  isMissing: boolean;
}

const beginning = (stream: KeptStream, { offset, line, tail }: OutputRequest): Beginning => {
  const first = line ?? (tail === null ? null : Math.max(1, stream.lines - tail + 1));
  const wanted = offset ?? (first === null ? 0 : stream.offsetOfLine(first));
  const isMissing = first === null ? wanted < stream.start : !stream.hasBeginOfLine(first);
  return { offset: Math.min(Math.max(wanted, stream.start), stream.bytes), isMissing };
};

const rangeOf = (
  { running }: KeptOutput,
  stream: KeptStream,
  { length, lines, tail, encoding }: OutputRequest,
  from: number,
): { start: number; bytes: Uint8Array; isTail: boolean } => {
  const limit = lines === null ? stream.bytes : stream.offsetOfLine(stream.lineAt(from) + lines);
  // The end of an output is what its tail is asked for.
  const isTail = tail !== null && limit - from > length;
  const start = isTail ? limit - length : from;
  const all = stream.slice(start, Math.min(start + length, limit));
  if (encoding !== null) return { start, bytes: all, isTail };
  const skipped = isTail ? startOfTail(all) : 0;
  const bytes = all.subarray(skipped);
  return {
    start: start + skipped,
    bytes: bytes.subarray(0, endOf(bytes, start + all.length < limit, running)),
    isTail,
  };
};

/** Where it is best cut. */
const endOf = (bytes: Uint8Array, isCut: boolean, running: boolean): number => {
  // Less than a character is better than nothing for ever.
  if (isCut) return endOfHead(bytes) || bytes.length;
  // The rest of a character may be on its way; a line that is not over is shown.
  return running ? endOfHead(bytes.subarray(-3)) + Math.max(0, bytes.length - 3) : bytes.length;
};

/** @returns null when it is not kept any more */
const matchingLines = async (
  output: KeptOutput,
  request: OutputRequest,
  pattern: string,
  signal: AbortSignal,
): Promise<OutputPage | null> => {
  const stream = output.streams[request.stream];
  const end = stream.bytes;
  const { offset: wanted, isMissing } = beginning(stream, request);
  const { from, firstLine, pieces } = await copied(stream, wanted, end);
  if (!output.isKept) return null;
  const { context, length } = request;
  const found = await search({ pieces, pattern, context, length, lines: request.lines, firstLine }, signal);
  // More may have come, and the oldest may be gone.
  const next = found.nextLine === null ? end : Math.min(end, stream.offsetOfLine(found.nextLine));
  return {
    ...facts(output, request, from, next),
    line: firstLine,
    encoding: "utf-8",
    content: found.text,
    binary: false,
    matches: found.matches,
    beginMissing: isMissing || from > wanted,
  };
};

/** Copies in turns: all of it at once would hold the loop for more than 20 ms. */
const copied = async (stream: KeptStream, wanted: number, end: number) => {
  let from = wanted;
  let firstLine = stream.lineAt(from);
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let at = from; at < end; at += pieceBytes) {
    if (at < stream.start) {
      // More came meanwhile than is kept: what was copied is followed by a gap.
      from = Math.min(stream.start, end);
      firstLine = stream.lineAt(from);
      at = from;
      pieces = [];
    }
    pieces.push(stream.slice(at, Math.min(at + pieceBytes, end)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { from, firstLine, pieces };
};

const facts = (output: KeptOutput, { stream: name }: OutputRequest, start: number, end: number) => {
  const stream = output.streams[name];
  const more = end < stream.bytes;
  return {
    ...{ outputId: output.id, stream: name, offset: start, line: stream.lineAt(start) },
    ...{ nextOffset: more || output.running ? end : null, more },
    ...{ bytes: stream.bytes, lines: stream.lines, keptFrom: stream.start, running: output.running },
  };
};

const binaryNote = (
  length: number,
  id: string,
  { stream }: Pick<OutputRequest, "stream">,
  offset: number,
  caller: Caller,
): string => {
  const how = hintFor(caller, {
    command: `ssh-mcp output ${id}${stream === "stdout" ? "" : ` --stream ${stream}`} --offset ${offset} >FILE`,
    tool: `ssh_output ${JSON.stringify({ id, ...(stream === "stdout" ? {} : { stream }), offset, encoding: "base64" })}`,
  });
  return `[binary: ${length} bytes; ${how}]`;
};
