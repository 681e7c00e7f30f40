import * as v from "valibot";
import { defineOperation } from "../core/operation.ts";
import { sessionFields } from "./fields.ts";
import { job, jobLine, jobTarget, sessionOf } from "./job-fields.ts";

export const jobLs = defineOperation({
  name: "job-ls",
  command: "job ls",
  tool: "ssh_job_ls",
  faces: ["cli"],
  title: "List the jobs of a server",
  description: "List the jobs of a server, the oldest first: id, state, status, times and command.",
  advice: "",
  effect: "read",
  idempotent: true,
  remote: true,
  input: v.strictObject({ target: jobTarget }),
  output: v.object({
    target: sessionFields.name,
    jobs: v.pipe(v.array(job), v.description("One entry per job")),
  }),
  validate: () => [],
  positionals: ["target"],
  rest: null,
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async ({ target }, context) => {
    const session = await sessionOf(target, context);
    return { target: session.info.name, jobs: await context.jobs.list(session, context) };
  },
  render: ({ target, jobs }) =>
    jobs.length === 0 ? `no jobs on ${target}` : [`jobs on ${target}:`, ...jobs.map(jobLine)].join("\n"),
});
