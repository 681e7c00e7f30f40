import * as v from "valibot";
import { defineOperation } from "../core/operation.ts";
import { sessionFields } from "./fields.ts";
import { idIssues, jobId, jobTarget, sessionOf } from "./job-fields.ts";

export const jobRm = defineOperation({
  name: "job-rm",
  command: "job rm",
  tool: "ssh_job_rm",
  faces: ["cli"],
  title: "Remove what is left of a job",
  description: "Remove the folder of a job that has ended, with its output. One that runs is refused: kill it first.",
  advice: "",
  effect: "destructive",
  idempotent: false,
  remote: true,
  input: v.strictObject({ target: jobTarget, id: jobId }),
  output: v.object({
    target: sessionFields.name,
    removed: v.pipe(v.string(), v.description("The job's id")),
  }),
  validate: ({ id }) => idIssues(id),
  positionals: ["target", "id"],
  rest: null,
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async ({ target, id }, context) => {
    const session = await sessionOf(target, context);
    await context.jobs.remove(session, id, context);
    return { target: session.info.name, removed: id };
  },
  render: ({ target, removed }) => `removed job ${removed} of ${target}`,
});
