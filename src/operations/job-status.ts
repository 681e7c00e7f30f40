import * as v from "valibot";
import { type Context, defineOperation } from "../core/operation.ts";
import type { OutputStreamName } from "../core/outputs.ts";
import type { Session } from "../core/session.ts";
import { sessionFields } from "./fields.ts";
import {
  answerBytes,
  idIssues,
  job,
  jobId,
  jobLine,
  jobTarget,
  outputPiece,
  pieceText,
  sessionOf,
} from "./job-fields.ts";

const description = "List jobs; of one by id the state and the end of its output, or output from a byte on.";

/** A call is no place to wait longer. */
const longestWait = 300;
const streams = ["stdout", "stderr"] as const;

export const jobStatus = defineOperation({
  name: "job-status",
  command: "job show",
  tool: "ssh_job_status",
  faces: ["cli", "mcp"],
  title: "Show jobs",
  description,
  brief: { target: "", id: "", stream: "", offset: "" },
  advice: "With wait it returns as soon as the job has ended.",
  effect: "read",
  idempotent: true,
  remote: true,
  input: v.strictObject({
    target: jobTarget,
    id: v.optional(jobId),
    wait: v.optional(v.pipe(v.number(), v.description("Seconds, to 300"))),
    stream: v.optional(v.pipe(v.picklist(streams), v.description("Which output"))),
    offset: v.optional(v.pipe(v.number(), v.description("Byte; see nextOffset"))),
  }),
  output: v.object({
    target: sessionFields.name,
    jobs: v.pipe(v.array(job), v.description("The job, or all there are, the oldest first")),
    output: v.pipe(v.nullable(v.array(outputPiece)), v.description("Of one job; null for a list")),
  }),
  validate: ({ id, wait, stream, offset }) => [
    ...idIssues(id),
    ...(id === undefined && (wait ?? stream ?? offset) !== undefined
      ? [{ field: "id", message: "is needed for that" }]
      : []),
    ...(wait !== undefined && !(wait > 0 && wait <= longestWait)
      ? [{ field: "wait", message: `must be more than 0 and at most ${longestWait} seconds` }]
      : []),
    ...(offset !== undefined && !(Number.isSafeInteger(offset) && offset >= 0)
      ? [{ field: "offset", message: "must be a whole number from 0" }]
      : []),
  ],
  positionals: ["target", "id"],
  rest: null,
  durations: ["wait"],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async ({ target, id, wait, stream, offset }, context) => {
    const session = await sessionOf(target, context);
    const { name } = session.info;
    if (id === undefined) return { target: name, jobs: await context.jobs.list(session, context), output: null };
    const found =
      wait === undefined
        ? await context.jobs.show(session, id, context)
        : await context.jobs.wait(session, id, wait * 1000, context);
    const sizes = { stdout: found.stdoutBytes ?? 0, stderr: found.stderrBytes ?? 0 };
    const wanted: readonly OutputStreamName[] =
      stream === undefined ? (offset === undefined ? streams : ["stdout"]) : [stream];
    const limit = Math.floor(answerBytes / wanted.length);
    const pieces = wanted.map((each) => {
      const from = offset ?? Math.max(0, sizes[each] - limit);
      return piece(session, { id, stream: each, from, limit, isTail: offset === undefined }, context);
    });
    return { target: name, jobs: [found], output: await Promise.all(pieces) };
  },
  render: ({ target, jobs, output }) =>
    [
      ...(jobs.length === 0 ? [`no jobs on ${target}`] : [`on ${target}:`, ...jobs.map(jobLine)]),
      ...(output ?? []).map(pieceText),
    ].join("\n"),
});

interface Wanted {
  id: string;
  stream: OutputStreamName;
  from: number;
  limit: number;
  isTail: boolean;
}

/** Cut at the borders of characters: what is left out at the end is where the next read begins. */
const piece = async (session: Session, { isTail, ...wanted }: Wanted, context: Context) => {
  const { offset, size, bytes } = await context.jobs.read(session, wanted, context);
  const skipped = isTail && offset > 0 ? startOfCharacter(bytes) : 0;
  const end = offset + bytes.length < size ? endOfCharacter(bytes) : bytes.length;
  const text = decoder.decode(bytes.subarray(skipped, end));
  return { stream: wanted.stream, offset: offset + skipped, nextOffset: offset + end, size, text };
};

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

// RFC 3629, section 3: 10xxxxxx continues a character, whose first byte tells its length.
const continues = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

const startOfCharacter = (bytes: Uint8Array): number => {
  let at = 0;
  while (at < 3 && continues(bytes[at])) at++;
  return at;
};

const endOfCharacter = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length - 1); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (continues(byte)) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
};
