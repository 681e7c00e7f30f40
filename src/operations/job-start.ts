import * as v from "valibot";
import { interpreters, isOwnVariable, plainForm } from "../core/command-form.ts";
import { defineOperation, type Issue } from "../core/operation.ts";
import { sessionFields, timeoutSeconds } from "./fields.ts";
import { job, jobLine, jobTarget, sessionOf } from "./job-fields.ts";

const description =
  "Start a command that goes on by itself on the server, whatever becomes of this connection; returns its id.";

const manual = `It runs in a folder of its own, ~/.ssh-mcp/jobs/ID on the server, where its command and output are; values of variables are not. Its standard input is empty. A week after its end the folder is removed by the next command about jobs.
The id is ours: when the connection is lost in the middle of a start, the server is asked what became of it, and nothing is started twice.`;

const nameGrammar = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** The environment of a process has room for that much in one piece (Linux: 128 KiB). */
const longestEnv = 96 * 1024;
const longestCommand = 256 * 1024;

interface JobInput {
  command: string;
  cwd?: string | undefined;
  env?: Record<string, string> | undefined;
  title?: string | undefined;
  interpreter?: string | undefined;
}

/** What a job cannot take. */
export const jobIssues = ({ command, cwd, env = {}, title, interpreter }: JobInput): Issue[] => [
  ...(command.trim() === "" ? [{ field: "command", message: "is empty" }] : []),
  ...(command.length > longestCommand
    ? [{ field: "command", message: `must be at most ${longestCommand} characters` }]
    : []),
  ...[
    ["command", command],
    ["cwd", cwd ?? ""],
    ["env", Object.values(env).join("")],
    ["title", title ?? ""],
  ].flatMap(([field = "", text = ""]) => (text.includes("\0") ? [{ field, message: "cannot hold a NUL byte" }] : [])),
  ...(cwd === "" ? [{ field: "cwd", message: "is empty" }] : []),
  ...Object.keys(env)
    .filter((name) => !nameGrammar.test(name))
    .map((name) => ({ field: "env", message: `${JSON.stringify(name.slice(0, 80))} is no name of a variable` })),
  ...Object.keys(env)
    .filter(isOwnVariable)
    .map((name) => ({
      field: "env",
      message: `${name.slice(0, 80)} is a name that ssh-mcp uses itself on the server`,
    })),
  ...(Buffer.byteLength(Object.entries(env).flat().join("")) > longestEnv
    ? [{ field: "env", message: `must be at most ${longestEnv} bytes for a job` }]
    : []),
  ...(title !== undefined && (title.length > 200 || /[\r\n]/.test(title))
    ? [{ field: "title", message: "must be one line of at most 200 characters" }]
    : []),
  ...(interpreter !== undefined && interpreter !== "sh" && interpreter !== "bash"
    ? [{ field: "interpreter", message: "must be sh or bash for a job" }]
    : []),
];

export const jobStart = defineOperation({
  name: "job-start",
  command: "job start",
  tool: "ssh_job_start",
  faces: ["cli", "mcp"],
  title: "Start a job",
  description,
  manual,
  brief: { target: "", command: "", cwd: "", env: "", title: "What it is for" },
  advice: "Follow it by ssh_job_status.",
  effect: "execute",
  idempotent: false,
  remote: true,
  input: v.strictObject({
    target: jobTarget,
    command: v.pipe(v.string(), v.description("Command line")),
    cwd: v.optional(v.pipe(v.string(), v.description("Directory"))),
    env: v.optional(v.pipe(v.record(v.string(), v.string()), v.description("Variables"))),
    interpreter: v.optional(v.pipe(v.picklist(interpreters), v.description("What reads it: sh or bash"))),
    title: v.optional(v.pipe(v.string(), v.description("What it is for"))),
    connectTimeout: v.optional(timeoutSeconds("Seconds for connecting and login, when it takes one (default 15)")),
  }),
  output: v.object({ target: sessionFields.name, job }),
  validate: jobIssues,
  positionals: ["target"],
  rest: "command",
  durations: ["connectTimeout"],
  target: "target",
  streams: "none",
  cliOnly: ["connectTimeout", "interpreter"],
  run: async (input, context) => {
    const session = await sessionOf(input.target, context, input.connectTimeout);
    const { command, cwd = null, env = {}, interpreter = null, title = null } = input;
    const form = { ...plainForm, cwd, env, interpreter };
    const started = await context.jobs.start(session, { command, form, title, stdin: new Uint8Array(0) }, context);
    return { target: session.info.name, job: started };
  },
  render: ({ target, job }) => `job ${jobLine(job)}\non ${target}`,
});
