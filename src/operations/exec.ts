import * as v from "valibot";
import { commandOutcomes, stopResults } from "../core/command.ts";
import { SshMcpError } from "../core/errors.ts";
import { escapeText } from "../core/escape.ts";
import { type Context, defineOperation } from "../core/operation.ts";
import { outputStreams } from "../core/outputs.ts";
import { quoteWords } from "../core/quote.ts";
import { execInBackground } from "./exec-background.ts";
import { execHelp, execManual } from "./exec-help.ts";
import { hostsField, severalText } from "./exec-hosts.ts";
import { defaultModelTimeoutSeconds, execFields, formOf, stdinOf } from "./exec-input.ts";
import { execIssues } from "./exec-rules.ts";
import { count, dialRequest } from "./fields.ts";
import { forPerson } from "./waiting.ts";

const description =
  "Run a command on a server over SSH; returns stdout, stderr, exitCode. Out of time, it is stopped there.";

const advice = "Cut output: see ssh_output. Long work: a job.";

const resultFields = {
  target: v.pipe(v.string(), v.description("Name of the session it ran on; of several, the target as given")),
  stdout: v.pipe(v.nullable(v.string()), v.description("Output; null when it was streamed")),
  stderr: v.pipe(v.nullable(v.string()), v.description("Error output; null when it was streamed")),
  exitCode: v.pipe(v.nullable(count), v.description("Exit status; null unless outcome is exited")),
  signal: v.pipe(v.nullable(v.string()), v.description("Signal that ended it, without SIG; null unless signaled")),
  outputId: v.pipe(
    v.nullable(v.string()),
    v.description("What ssh_output reads the whole output by; null when none is kept"),
  ),
  outcome: v.pipe(
    v.nullable(v.picklist(commandOutcomes)),
    v.description(
      "How it ended, the worst of several; unknown: the connection was lost, it may have run or still run; null when no host took it",
    ),
  ),
  reason: v.pipe(v.nullable(v.string()), v.description("Why it is unknown, or who else canceled it; else null")),
  durationMs: v.pipe(count, v.description("Milliseconds from the request to the end")),
  stdoutBytes: v.pipe(count, v.description("Bytes of output, kept or not")),
  stderrBytes: v.pipe(count, v.description("Bytes of error output, kept or not")),
  truncated: v.pipe(v.boolean(), v.description("Whether stdout or stderr was cut in the middle")),
  binary: v.pipe(
    v.nullable(v.array(v.picklist(outputStreams))),
    v.description("Streams that are no text, of which only that is said; null when they were streamed"),
  ),
  jobId: v.pipe(v.nullable(v.string()), v.description("The job that it goes on as, when its time was over; else null")),
  stopped: v.pipe(
    v.nullable(v.picklist(stopResults)),
    v.description(
      "How far a stop got: nothing of it is left, it was signaled and ended its output, or neither; null when none was needed",
    ),
  ),
};

const output = v.object({ ...resultFields, hosts: hostsField(resultFields) });

export const exec = defineOperation({
  name: "exec",
  command: "exec",
  tool: "ssh_exec",
  faces: ["cli", "mcp"],
  title: "Run a command over SSH",
  description,
  manual: execManual,
  help: execHelp,
  brief: {
    command: "",
    cwd: "",
    env: "",
    stdin: "",
    stdinBase64: "",
    pty: "",
    interpreter: "",
    become: "",
    argv: "Instead of command",
    timeout: "Seconds to run (50)",
    maxOutput: "Bytes of a stream (16384)",
    wait: "Seconds to wait for a person",
  },
  advice,
  effect: "execute",
  idempotent: false,
  remote: true,
  input: v.strictObject(execFields),
  output,
  validate: execIssues,
  positionals: ["target"],
  rest: "command",
  words: "argv",
  durations: ["timeout", "idleTimeout", "connectTimeout", "wait"],
  target: "target",
  streams: "pipe",
  cliOnly: ["user", "port", "identityFile", "connectTimeout", "jump", "auth", "configFile", "options", "keep"],
  run: async (input, context) => {
    context.progress(`opening ${input.target}`);
    const request = dialRequest(input.target, input, input.connectTimeout);
    let startedAt = 0;
    const session = await forPerson({ ...request, name: null }, input.wait, context, () => {
      startedAt = performance.now();
      return context.sessions.use(request, context);
    });
    context.progress(`running on ${session.info.name}`);
    context.outputs.ranOn(session.info.name);
    const command = {
      command: input.command ?? quoteWords(input.argv ?? []),
      form: formOf(input),
      shell: input.shell ?? null,
      stdin: stdinOf(input) ?? context.stdin,
      stdout: context.stdout,
      stderr: context.stderr,
      timeoutMs: commandTimeout(input.timeout, context, performance.now() - startedAt),
      idleTimeoutMs: input.idleTimeout === undefined ? null : Math.round(input.idleTimeout * 1000),
    };
    const { reason, ...result } =
      input.onTimeout === "background"
        ? await execInBackground(session, command, context)
        : { ...(await session.exec(command, context)), jobId: null };
    return {
      target: session.info.name,
      stdout: null,
      stderr: null,
      ...result,
      reason,
      truncated: false,
      binary: null,
      outputId: null,
      hosts: null,
    };
  },
  render: (result) => (result.hosts === null ? answerText(result) : severalText(result.hosts, answerText)),
});

const answerText = (result: HostResult): string =>
  [
    headline(result),
    ...(result.stdout === null ? [] : [section("stdout", result.stdout, result.stdoutBytes)]),
    ...(result.stderr === null ? [] : [section("stderr", result.stderr, result.stderrBytes)]),
  ].join("\n");

const commandTimeout = (timeout: number | undefined, context: Context, dialMs: number): number | null => {
  const waitedMs = context.waitedMs ?? 0;
  if (timeout !== undefined) return Math.round(timeout * 1000 - waitedMs);
  if (context.caller.face !== "mcp") return null;
  const left = defaultModelTimeoutSeconds * 1000 - waitedMs - dialMs;
  if (left <= 0) throw new SshMcpError("TIMEOUT", "the login took all of the time for the command, which was not sent");
  return Math.round(left);
};

type HostResult = Omit<v.InferOutput<typeof output>, "hosts">;

const headline = (result: HostResult): string => {
  const kept = result.outputId === null ? "" : `, output ${result.outputId}`;
  const facts = `on ${result.target}, ${result.durationMs} ms${kept}`;
  const stop = result.stopped === null ? "" : `; stopped: ${result.stopped}`;
  const asJob = result.jobId === null ? "" : ` as job ${result.jobId}`;
  switch (result.outcome) {
    case "exited":
      return `${endedShell(result)}exit status ${result.exitCode} ${facts}`;
    case "signaled":
      return `${endedShell(result)}ended by signal ${result.signal} ${facts}`;
    case "timedOut":
      if (result.jobId !== null)
        return `BACKGROUND: it goes on as job ${result.jobId} ${facts}; ssh_job_status follows it`;
      return `TIMEOUT: the command ran out of time ${facts}${stop}`;
    case "canceled":
      return `CANCELED: ${result.reason ?? "the command was canceled"}${asJob} ${facts}${stop}`;
    case "unknown":
      return `OUTCOME_UNKNOWN: ${result.reason ?? "the connection was lost"}${asJob} ${facts}`;
    case null:
      return `no result ${facts}`;
  }
};

/** A command that ended has a reason only where it took its lasting shell along. */
const endedShell = ({ reason }: HostResult): string => (reason === null ? "" : `${reason}\n`);

const section = (name: string, text: string, bytes: number): string =>
  bytes === 0 ? `${name}: empty` : `${name} (${bytes} bytes):\n${escapeText(text)}`;
