import * as v from "valibot";
import { stopResults } from "../core/command.ts";
import { defineOperation } from "../core/operation.ts";
import { sessionFields } from "./fields.ts";
import { idIssues, job, jobId, jobLine, jobTarget, sessionOf } from "./job-fields.ts";

const description = "Kill a job's process group: INT, TERM, KILL; says how far that got. What it wrote stays.";

const manual =
  "INT, TERM after a second and KILL after two go to its process group (where it has none of its own: to its process and all its descendants), once its process is known by number and start time; the answer says how far that got. The status is 1 when it could not be confirmed, nor signals be sent.";

export const jobCancel = defineOperation({
  name: "job-cancel",
  command: "job kill",
  tool: "ssh_job_cancel",
  faces: ["cli", "mcp"],
  title: "Kill a job",
  description,
  manual,
  brief: { target: "", id: "" },
  advice: "Take ids from ssh_job_status.",
  effect: "destructive",
  idempotent: true,
  remote: true,
  input: v.strictObject({ target: jobTarget, id: jobId }),
  output: v.object({
    target: sessionFields.name,
    job,
    stopped: v.pipe(
      v.nullable(v.picklist(stopResults)),
      v.description(
        "confirmed: nothing of its group is left; dispatched: signals were sent; unconfirmed: none could be; null: it had ended",
      ),
    ),
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
    return { target: session.info.name, ...(await context.jobs.kill(session, id, context)) };
  },
  render: ({ target, job, stopped }) =>
    `${stopped === null ? "it had ended before" : `stopped: ${stopped}`} on ${target}\n${jobLine(job)}`,
  succeeded: ({ stopped }) => stopped !== "unconfirmed",
});
