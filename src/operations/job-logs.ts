import * as v from "valibot";
import { escapeText } from "../core/escape.ts";
import { defineOperation } from "../core/operation.ts";
import { sessionFields } from "./fields.ts";
import { idIssues, jobId, jobTarget, sessionOf } from "./job-fields.ts";

const description = `Print the output of a job, as it came: all there is, or from a byte on, or the last lines. With --follow it goes on as the output grows, and ends with the job.`;

const whole = (description: string) =>
  v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 50), v.description(description)));

export const jobLogs = defineOperation({
  name: "job-logs",
  command: "job logs",
  tool: "ssh_job_logs",
  faces: ["cli"],
  title: "Print the output of a job",
  description,
  advice: "",
  effect: "read",
  idempotent: true,
  remote: true,
  input: v.strictObject({
    target: jobTarget,
    id: jobId,
    stderr: v.optional(v.pipe(v.boolean(), v.description("Its error output instead"))),
    follow: v.optional(v.pipe(v.boolean(), v.description("Go on until the job has ended"))),
    offset: whole("Byte to begin with"),
    tail: whole("Lines at the end"),
  }),
  output: v.object({
    target: sessionFields.name,
    id: v.pipe(v.string(), v.description("The job's id")),
    stdout: v.pipe(v.nullable(v.string()), v.description("The output; null when it was streamed")),
    stderr: v.pipe(v.nullable(v.string()), v.description("Empty; null when the output was streamed")),
    truncated: v.pipe(v.boolean(), v.description("Whether it was cut in the middle")),
    binary: v.pipe(v.nullable(v.array(v.string())), v.description("stdout when it is no text; null when streamed")),
    outputId: v.pipe(
      v.nullable(v.string()),
      v.description("What ssh-mcp output reads it by; null when it is not kept"),
    ),
  }),
  validate: ({ id, offset, tail, follow }) => [
    ...idIssues(id),
    ...(offset !== undefined && tail !== undefined
      ? [{ field: "tail", message: "cannot be given with {offset}" }]
      : []),
    ...(follow === true && tail !== undefined ? [{ field: "tail", message: "cannot be given with {follow}" }] : []),
  ],
  positionals: ["target", "id"],
  rest: null,
  durations: [],
  target: "target",
  streams: "pipe",
  cliOnly: [],
  run: async ({ target, id, stderr, follow, offset = 0, tail }, context) => {
    const session = await sessionOf(target, context);
    const { jobs, stdout } = context;
    if (follow === true) {
      const sinks = stderr === true ? { stdout: null, stderr: stdout } : { stdout, stderr: null };
      await jobs.follow(session, { id, from: offset, timeoutMs: null, ...sinks }, context);
    } else {
      const from = tail === undefined ? { offset } : { lines: tail };
      await jobs.copy(session, { id, stream: stderr === true ? "stderr" : "stdout", from }, stdout, context);
    }
    const streamed = { stdout: null, stderr: null, truncated: false, binary: null, outputId: null };
    return { target: session.info.name, id, ...streamed };
  },
  render: ({ target, id, stdout, stderr, outputId }) =>
    [
      `output of job ${id} on ${target}${outputId === null ? "" : `, output ${outputId}`}`,
      ...(stdout === null ? [] : [escapeText(stdout)]),
      ...(stderr === null ? [] : [escapeText(stderr)]),
    ].join("\n"),
});
