/** What `exec` takes, and what it makes of it. */
import * as v from "valibot";
import { type CommandForm, interpreters } from "../core/command-form.ts";
import { dialFields, timeoutSeconds } from "./fields.ts";
import { waitField } from "./waiting.ts";

/** MCP clients give up after 60 s: the login, this limit and the stop ladder together stay below that. */
export const defaultModelTimeoutSeconds = 50;

const seconds = (description: string) => v.pipe(v.number(), v.description(description));
const text = (description: string) => v.pipe(v.string(), v.description(description));

/**
 * Every character of it is read by a model before its first call: bounds that a schema could say as well are in `execIssues`.
 */
export const execFields = {
  target: text("Session, ssh_config alias or [user@]host[:port]; several: a,b or @group"),
  command: v.optional(text("Command line")),
  argv: v.optional(v.pipe(v.array(v.string()), v.description("Words, instead of command"))),
  cwd: v.optional(text("Directory")),
  env: v.optional(v.pipe(v.record(v.string(), v.string()), v.description("Variables"))),
  stdin: v.optional(text("Input text")),
  stdinBase64: v.optional(text("Input bytes")),
  timeout: v.optional(seconds(`Seconds to run (agents: ${defaultModelTimeoutSeconds}, else no limit)`)),
  idleTimeout: v.optional(seconds("Seconds without output")),
  onTimeout: v.optional(v.pipe(v.picklist(["background"]), v.description("Run as a job that goes on"))),
  pty: v.optional(v.pipe(v.boolean(), v.description("With a terminal"))),
  interpreter: v.optional(v.pipe(v.picklist(interpreters), v.description("What reads command"))),
  shell: v.optional(text("Lasting shell: cd, export stay")),
  sudo: v.optional(v.pipe(v.union([v.boolean(), v.string()]), v.description("As root, or this user"))),
  become: v.optional(v.pipe(v.picklist(["su"]), v.description("su instead of sudo"))),
  maxOutput: v.optional(v.pipe(v.number(), v.description("Bytes to return of a stream (16384)"))),
  connectTimeout: v.optional(timeoutSeconds("Seconds for connecting and login, when it takes one (default 15)")),
  wait: waitField,
  keep: v.optional(v.pipe(v.boolean(), v.description("Keep the output: output ID reads it again"))),
  ...dialFields,
};

export type ExecInput = v.InferOutput<v.StrictObjectSchema<typeof execFields, undefined>>;

/** How it is to be run. */
export const formOf = (input: ExecInput): CommandForm => ({
  cwd: input.cwd ?? null,
  env: input.env ?? {},
  interpreter: input.interpreter ?? null,
  pty: input.pty ?? false,
  become: becomeOf(input),
  ...(input.argv === undefined ? {} : { argv: input.argv }),
});

const becomeOf = ({ sudo, become }: ExecInput): CommandForm["become"] => {
  if (sudo === false || (sudo === undefined && become === undefined)) return null;
  return { by: become ?? "sudo", user: typeof sudo === "string" ? sudo : "root" };
};

/** The input that it brings along, which is then all there is; null for what streams in. */
export const stdinOf = ({ stdin, stdinBase64 }: ExecInput): AsyncIterable<Uint8Array> | null => {
  if (stdin === undefined && stdinBase64 === undefined) return null;
  const bytes = stdin === undefined ? Buffer.from(stdinBase64 ?? "", "base64") : Buffer.from(stdin);
  return (async function* () {
    if (bytes.length > 0) yield bytes;
  })();
};
