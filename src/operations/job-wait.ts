import * as v from "valibot";
import { stopResults } from "../core/command.ts";
import { escapeLine } from "../core/escape.ts";
import { defineOperation } from "../core/operation.ts";
import { sessionFields, timeoutSeconds } from "./fields.ts";
import { endingFields, endingOfJob } from "./job-ending.ts";
import { idIssues, job, jobId, jobLine, jobTarget, sessionOf } from "./job-fields.ts";

const description = `Wait until a job has ended. The exit status is the job's own, as exec has its command's: 124 when the time is over and the job goes on, 255 when it is lost, or another machine's.
A connection that is lost meanwhile is opened again, where nobody has to be asked.`;

export const jobWait = defineOperation({
  name: "job-wait",
  command: "job wait",
  tool: "ssh_job_wait",
  faces: ["cli"],
  title: "Wait until a job has ended",
  description,
  advice: "",
  effect: "read",
  idempotent: true,
  remote: true,
  input: v.strictObject({
    target: jobTarget,
    id: jobId,
    timeout: v.optional(timeoutSeconds("Seconds to wait; no limit when not given")),
  }),
  output: v.object({
    target: sessionFields.name,
    job,
    ...endingFields,
    jobId: v.pipe(v.nullable(v.string()), v.description("Its id when it goes on; else null")),
    stopped: v.pipe(v.nullable(v.picklist(stopResults)), v.description("Always null: nothing is stopped")),
  }),
  validate: ({ id }) => idIssues(id),
  positionals: ["target", "id"],
  rest: null,
  durations: ["timeout"],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async ({ target, id, timeout }, context) => {
    const startedAt = performance.now();
    const session = await sessionOf(target, context);
    const ended = await context.jobs.wait(session, id, timeout === undefined ? null : timeout * 1000, context);
    const durationMs = Math.round(performance.now() - startedAt);
    const ending = endingOfJob(ended);
    const jobId = ending.outcome === "timedOut" ? id : null;
    return { target: session.info.name, job: ended, ...ending, durationMs, jobId, stopped: null };
  },
  render: ({ target, job, outcome, exitCode, signal, reason, durationMs, jobId, stopped }) =>
    [
      `${jobLine(job)} on ${target}`,
      `${outcome}${exitCode === null ? "" : ` with ${exitCode}`}${signal === null ? "" : ` by ${escapeLine(signal)}`}, waited ${durationMs} ms`,
      ...(reason === null ? [] : [escapeLine(reason)]),
      ...(jobId === null ? [] : [`job ${jobId} goes on`]),
      ...(stopped === null ? [] : [`stopped: ${stopped}`]),
    ].join("\n"),
});
