import * as v from "valibot";
import { escapeLine, escapeText } from "../core/escape.ts";
import { remotePath } from "../core/files/remote-path.ts";
import { lineEndings, textEncodings } from "../core/files/text/text-form.ts";
import { defineOperation } from "../core/operation.ts";
import { count, sessionFields, timestamp } from "./fields.ts";
import { openFile } from "./opened-file.ts";
import { onFiles } from "./path-fields.ts";
import { readAnswer } from "./read-answer.ts";
import { readFileFields, readIssues } from "./read-rules.ts";
import { streamPart } from "./stream-part.ts";

const description = "Read a file on a server, or a part of it; returns content, size, lines and sha256.";

const advice = "Up to 2000 lines, 64 KiB: see nextLine, nextOffset.";

const manual = `Each file's bytes are printed as they are, whatever they are and however many; on a terminal, what would do something to it is written out, unless --raw is given. PATH is meant from the home directory.
--start-line and --end-line count lines from 1; --tail prints the last lines, and finds them from the end of the file; --offset and --limit count bytes. Lines end with a newline byte.
With --json each file is one JSON document, and one that fails is one with its target, path and error. The content is text, at most 64 KiB or --limit bytes of it, beside what there is to know of the file: the encoding is told by a byte order mark, UTF-8 is checked, and what is neither is taken byte for byte as latin1. sha256 and lines are those of the whole file, null where it was too long to be read whole: --hash reads it.`;

const output = v.object({
  target: sessionFields.name,
  path: v.pipe(v.string(), v.description("The path as it was given")),
  content: v.pipe(
    v.nullable(v.string()),
    v.description("The text, without a byte order mark; null when it is binary, or was streamed"),
  ),
  encoding: v.pipe(
    v.nullable(v.picklist([...textEncodings, "base64"])),
    v.description(
      "Encoding of the file, base64 of the content where asked for; null when it is binary, or was streamed",
    ),
  ),
  bom: v.pipe(v.boolean(), v.description("Whether the file begins with a byte order mark")),
  lineEnding: v.pipe(
    v.nullable(v.picklist(lineEndings)),
    v.description("How lines of the content end; null without text"),
  ),
  binary: v.pipe(v.boolean(), v.description("Whether it is no text: base64 gives its bytes")),
  cut: v.pipe(v.boolean(), v.description("Whether a limit kept out some of what was wanted")),
  startLine: v.pipe(v.nullable(count), v.description("First line of the content; null where not counted")),
  endLine: v.pipe(v.nullable(count), v.description("Its last line; null where not counted")),
  offset: v.pipe(v.nullable(count), v.description("Byte that it begins with; null where not known, as in UTF-16")),
  nextLine: v.pipe(v.nullable(count), v.description("startLine to read on with; null when it is not cut there")),
  nextOffset: v.pipe(v.nullable(count), v.description("offset to read on with; null when nothing was kept out")),
  size: v.pipe(count, v.description("Bytes of the whole file")),
  lines: v.pipe(v.nullable(count), v.description("Lines of the whole file; null when it was not read whole")),
  sha256: v.pipe(v.nullable(v.string()), v.description("Of the whole file; null when it was not read whole")),
  mode: v.pipe(v.nullable(v.string()), v.description("Permission bits in octal, as 0644; null where not said")),
  mtime: v.pipe(v.nullable(timestamp), v.description("When it was changed, UTC; null where not said")),
});

export type ReadAnswer = Omit<v.InferOutput<typeof output>, "target" | "path">;

export const readFile = defineOperation({
  name: "read-file",
  command: "cat",
  tool: "ssh_read_file",
  faces: ["cli", "mcp"],
  title: "Read a file on a server",
  description,
  manual,
  brief: {
    ...{ target: "", path: "", startLine: "", endLine: "", tail: "Last lines", offset: "Byte", limit: "" },
    ...{ lineNumbers: "", base64: "", sudo: "" },
  },
  advice,
  effect: "read",
  idempotent: true,
  remote: true,
  input: v.strictObject(readFileFields),
  output,
  validate: readIssues,
  operand: { target: "target", path: "path" },
  letters: { lineNumbers: "n" },
  positionals: ["target", "path"],
  rest: null,
  durations: [],
  target: "target",
  streams: "output",
  cliOnly: ["hash"],
  run: async (input, context) => {
    const path = remotePath(input.path);
    const label = `cat ${input.path}`;
    const { target, value } = await onFiles(input, label, context, async (machine) => {
      const { file, facts } = await openFile(
        machine,
        { target: input.target, sudo: input.sudo, given: input.path, path },
        context,
      );
      try {
        return context.streamed === true
          ? await streamPart(file, facts, input, context.stdout)
          : await readAnswer(file, facts, input);
      } finally {
        file.close();
      }
    });
    return { target, path: input.path, ...value };
  },
  render: ({ target, path, ...answer }) => {
    const name = `${escapeLine(path)} on ${target}: ${factsOf(answer)}`;
    if (answer.content === null) return answer.binary ? `${name}\nbinary: base64 gives its bytes` : name;
    return `${name}\n${escapeText(answer.content)}`;
  },
});

const factsOf = (answer: ReadAnswer): string =>
  [
    `${answer.size} bytes`,
    answer.lines === null ? null : `${answer.lines} lines`,
    answer.encoding,
    answer.bom ? "byte order mark" : null,
    answer.lineEnding === null ? null : `line endings ${answer.lineEnding}`,
    answer.mode === null ? null : `mode ${answer.mode}`,
    answer.mtime === null ? null : `changed ${answer.mtime}`,
    answer.sha256 === null ? null : `sha256 ${answer.sha256}`,
    ...partOf(answer),
  ]
    .filter((fact) => fact !== null)
    .join(", ");

/** Which part of it this is, and how to get at the next. */
const partOf = ({ startLine, endLine, offset, cut, nextLine, nextOffset }: ReadAnswer): (string | null)[] => [
  startLine === null && endLine === null ? null : `here lines ${startLine ?? "?"} to ${endLine ?? "?"}`,
  offset === null ? null : `from byte ${offset}`,
  cut ? "cut" : null,
  nextLine === null ? null : `next startLine ${nextLine}`,
  nextOffset === null ? null : `next offset ${nextOffset}`,
];
