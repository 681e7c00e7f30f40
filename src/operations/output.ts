import * as v from "valibot";
import { escapeText } from "../core/escape.ts";
import { defineOperation, type Issue } from "../core/operation.ts";
import { defaultCaptureLimit } from "../core/output.ts";
import { isLost, largestAnswerBytes, outputStreams } from "../core/outputs.ts";
import { count } from "./fields.ts";

const description = "Read on in the output of a command that was cut or still runs: a page, or what matches.";

const manual = `The output is a command's that ran with exec --keep; the broker keeps the newest 8 MiB of each stream in memory, 64 MiB in all, and lets the oldest output go first. Without a choice all that is kept is printed, byte for byte; on a terminal, what would do something to it is written out, unless --raw is given.
--offset and --line say where to begin, --length how many bytes to read. --tail and --lines count lines. --grep takes a JavaScript regular expression and prints as grep -n does, with --context lines around each match. --encoding base64 prints the bytes so that they are text.
The exit status is 1, and a note says what is missing, when some of what was asked for is not kept any more; it is 1 as well when --grep finds nothing.`;

const advice = "See nextOffset, keptFrom.";

const longestPattern = 1000;
const mostContext = 100;

const number = (text: string) => v.optional(v.pipe(v.number(), v.description(text)));

/** Every character of it is read by a model before its first call: bounds are in `validate`. */
const fields = {
  id: v.pipe(v.string(), v.description("outputId")),
  stream: v.optional(v.pipe(v.picklist(outputStreams), v.description("Which"))),
  offset: number("Byte"),
  line: number("Line"),
  tail: number("Last lines"),
  length: number("Bytes"),
  grep: v.optional(v.pipe(v.string(), v.description("Regex"))),
  context: number("Around"),
  encoding: v.optional(v.pipe(v.picklist(["base64"]), v.description("Binary"))),
  lines: number("At most so many lines"),
};

const input = v.strictObject(fields);
type Input = v.InferOutput<typeof input>;

const whole = (
  value: number | undefined,
  field: keyof Input,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): Issue[] =>
  value === undefined || (Number.isInteger(value) && value >= least && value <= most)
    ? []
    : [
        {
          field,
          message: `must be a whole number from ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ""}`,
        },
      ];

const issuesOf = (input: Input): Issue[] => {
  const starts = (["offset", "line", "tail"] as const).filter((field) => input[field] !== undefined);
  return [
    ...(starts.length > 1 ? [{ field: starts[1] ?? "", message: `cannot be given beside {${starts[0]}}` }] : []),
    ...whole(input.offset, "offset", 0),
    ...whole(input.line, "line", 1),
    ...whole(input.tail, "tail", 1),
    ...whole(input.lines, "lines", 1),
    ...whole(input.length, "length", 1, largestAnswerBytes),
    ...whole(input.context, "context", 0, mostContext),
    ...(input.context !== undefined && input.grep === undefined
      ? [{ field: "context", message: "says nothing without {grep}" }]
      : []),
    ...(input.grep !== undefined && input.encoding !== undefined
      ? [{ field: "encoding", message: "cannot be given beside {grep}" }]
      : []),
    ...(input.grep !== undefined && (input.grep === "" || input.grep.length > longestPattern)
      ? [{ field: "grep", message: `must be 1 to ${longestPattern} characters` }]
      : []),
  ];
};

const output = v.object({
  outputId: v.pipe(v.string(), v.description("The output's own name")),
  stream: v.pipe(v.picklist(outputStreams), v.description("Which of its streams this is")),
  encoding: v.pipe(v.picklist(["utf-8", "base64"]), v.description("What the content is written in")),
  content: v.pipe(v.string(), v.description("This part of it; with grep, the lines as grep -n prints them")),
  binary: v.pipe(v.boolean(), v.description("Whether it is no text, and the content only says so")),
  offset: v.pipe(count, v.description("Byte that this part begins with")),
  line: v.pipe(count, v.description("Line that it begins in, from 1")),
  nextOffset: v.pipe(v.nullable(count), v.description("Where to read on; null when nothing more will come")),
  more: v.pipe(v.boolean(), v.description("Whether more is there now")),
  bytes: v.pipe(count, v.description("Bytes of the whole stream so far")),
  lines: v.pipe(count, v.description("Lines of the whole stream so far")),
  keptFrom: v.pipe(count, v.description("First byte that is still kept")),
  beginMissing: v.pipe(
    v.boolean(),
    v.description("Whether what was asked for begins earlier: not kept any more, or a tail that was too long"),
  ),
  matches: v.pipe(v.nullable(count), v.description("Lines of these that match; null without grep")),
  running: v.pipe(v.boolean(), v.description("Whether the command still runs")),
});

export const readOutput = defineOperation({
  name: "output",
  command: "output",
  tool: "ssh_output",
  help: {
    id: "The outputId that exec --keep named",
    stream: "Which of its outputs (default stdout)",
    offset: "The byte to begin at",
    line: "The line to begin at",
    tail: "Its last lines, so many",
    length: "How many bytes to read",
    grep: "Only lines that this regular expression matches",
    context: "So many lines around each match",
    encoding: "Print the bytes so that they are text",
  },
  faces: ["cli", "mcp"],
  title: "Read a kept output",
  description,
  manual,
  brief: { tail: "", length: "", context: "", stream: "", offset: "", line: "", grep: "", encoding: "" },
  advice,
  effect: "read",
  idempotent: true,
  remote: false,
  input,
  output,
  validate: issuesOf,
  positionals: ["id"],
  rest: null,
  durations: [],
  target: null,
  streams: "none",
  cliOnly: ["lines"],
  run: (input, { outputs }) =>
    outputs.read({
      ...{ id: input.id, stream: input.stream ?? "stdout" },
      ...{ offset: input.offset ?? null, line: input.line ?? null, tail: input.tail ?? null },
      ...{ lines: input.lines ?? null, length: input.length ?? defaultCaptureLimit },
      ...{ grep: input.grep ?? null, context: input.context ?? 0, encoding: input.encoding ?? null },
    }),
  succeeded: (page) => page.matches !== 0 && !isLost(page),
  render: (page) => `${headline(page)}\n${escapeText(page.content)}`,
});

type Page = v.InferOutput<typeof output>;

const headline = (page: Page): string =>
  [
    `${page.outputId} ${page.stream}${page.binary ? " (binary)" : ""}, ${page.encoding}, from byte ${page.offset} (line ${page.line})`,
    `of ${page.bytes} bytes and ${page.lines} lines`,
    ...(page.matches === null ? [] : [`${page.matches} matching`]),
    ...(page.keptFrom === 0 ? [] : [`kept from byte ${page.keptFrom}`]),
    ...(page.beginMissing
      ? [`less than was asked for: ${isLost(page) ? "the begin is gone" : "too long a tail"}`]
      : []),
    ...(page.running ? ["still running"] : []),
    page.nextOffset === null ? "the end" : `${page.more ? "more" : "whatever comes"} at offset ${page.nextOffset}`,
  ].join(", ");
