import * as v from "valibot";
import { commandOutcomes, stopResults } from "../core/command.ts";
import { SshMcpError } from "../core/errors.ts";
import { escapeText } from "../core/escape.ts";
import { type Context, defineOperation } from "../core/operation.ts";
import { count, dialFields, dialRequest, timeoutSeconds } from "./fields.ts";
import { forPerson, waitField } from "./waiting.ts";

/** MCP clients give up after 60 s: the login, this limit and the stop ladder together stay below that. */
const defaultModelTimeoutSeconds = 50;

const description = `Run one command on a server over SSH and return its output and exit status.
The target is a session's name (ssh_sessions lists them) or a destination, opened first. The command line goes byte for byte to the login shell; each call starts afresh, so cd and export do not last.
Out of time (TIMEOUT), it is stopped on the server, and the answer says whether that is confirmed. A connection lost after the command was sent is OUTCOME_UNKNOWN: look before you run it again; nothing is repeated.`;

const advice = `Use ssh_connect first for a login with its own user, port or key. stdin is empty. A job longer than ${defaultModelTimeoutSeconds} s needs timeout, and a client that waits: many give up at 60 s.
Returns stdout, stderr, exitCode and outcome. A non-zero exit status is a result, not an error. Beyond 16 KiB a stream is cut in the middle: narrow the command; stdoutBytes and stderrBytes are exact. AUTH_REQUIRED, HOST_KEY_UNKNOWN: a person types the hint in a terminal; then repeat the call, or at once with wait.`;

const output = v.object({
  target: v.pipe(v.string(), v.description("Name of the session it ran on")),
  stdout: v.pipe(v.nullable(v.string()), v.description("Output; null when it was streamed")),
  stderr: v.pipe(v.nullable(v.string()), v.description("Error output; null when it was streamed")),
  exitCode: v.pipe(v.nullable(count), v.description("Exit status; null unless outcome is exited")),
  signal: v.pipe(v.nullable(v.string()), v.description("Signal that ended it, without SIG; null unless signaled")),
  outcome: v.pipe(
    v.picklist(commandOutcomes),
    v.description("How it ended; unknown: the connection was lost, it may have run or still run"),
  ),
  reason: v.pipe(v.nullable(v.string()), v.description("Why it is unknown, or who else canceled it; else null")),
  durationMs: v.pipe(count, v.description("Milliseconds from the request to the end")),
  stdoutBytes: v.pipe(count, v.description("Bytes of output, kept or not")),
  stderrBytes: v.pipe(count, v.description("Bytes of error output, kept or not")),
  truncated: v.pipe(v.boolean(), v.description("Whether stdout or stderr was cut in the middle")),
  stopped: v.pipe(
    v.nullable(v.picklist(stopResults)),
    v.description(
      "How far a stop got: nothing of it is left, it was signaled and ended its output, or neither; null when none was needed",
    ),
  ),
});

export const exec = defineOperation({
  name: "exec",
  command: "exec",
  tool: "ssh_exec",
  faces: ["cli", "mcp"],
  title: "Run a command over SSH",
  description,
  advice,
  effect: "execute",
  idempotent: false,
  remote: true,
  input: v.strictObject({
    target: v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(1024),
      v.description("A session's name, or a destination: a Host alias of ssh_config, [user@]host[:port]"),
    ),
    command: v.pipe(
      v.string(),
      v.minLength(1),
      // OpenSSH ends the whole connection over a longer exec request; every other command on it would be lost.
      v.maxLength(96 * 1024),
      v.description("Command line for the login shell"),
    ),
    timeout: v.optional(
      timeoutSeconds(`Seconds the command may run (default: ${defaultModelTimeoutSeconds} for agents, else none)`),
    ),
    connectTimeout: v.optional(timeoutSeconds("Seconds for connecting and login, when it takes one (default 15)")),
    wait: waitField,
    ...dialFields,
  }),
  output,
  validate: (input) => (input.command.includes("\0") ? [{ field: "command", message: "cannot hold a NUL byte" }] : []),
  positionals: ["target"],
  rest: "command",
  durations: ["timeout", "connectTimeout", "wait"],
  target: "target",
  streams: "pipe",
  cliOnly: ["user", "port", "identityFile", "connectTimeout", "jump", "auth", "configFile", "options"],
  run: async (input, context) => {
    context.progress(`opening ${input.target}`);
    const request = dialRequest(input.target, input, input.connectTimeout);
    let startedAt = 0;
    const session = await forPerson({ ...request, name: null }, input.wait, context, () => {
      startedAt = performance.now();
      return context.sessions.use(request, context);
    });
    context.progress(`running on ${session.info.name}`);
    const { reason, ...result } = await session.exec(
      {
        command: input.command,
        stdin: context.stdin,
        stdout: context.stdout,
        stderr: context.stderr,
        timeoutMs: commandTimeout(input.timeout, context, performance.now() - startedAt),
      },
      context,
    );
    return { target: session.info.name, stdout: null, stderr: null, ...result, reason, truncated: false };
  },
  render: (result) =>
    [
      headline(result),
      ...(result.stdout === null ? [] : [section("stdout", result.stdout, result.stdoutBytes)]),
      ...(result.stderr === null ? [] : [section("stderr", result.stderr, result.stderrBytes)]),
    ].join("\n"),
});

const commandTimeout = (timeout: number | undefined, context: Context, dialMs: number): number | null => {
  if (timeout !== undefined) return Math.round(timeout * 1000);
  if (context.caller.face !== "mcp") return null;
  const left = defaultModelTimeoutSeconds * 1000 - dialMs;
  if (left <= 0) throw new SshMcpError("TIMEOUT", "the login took all of the time for the command, which was not sent");
  return Math.round(left);
};

type ExecResult = v.InferOutput<typeof output>;

const headline = (result: ExecResult): string => {
  const facts = `on ${result.target}, ${result.durationMs} ms`;
  const stop = result.stopped === null ? "" : `; stopped: ${result.stopped}`;
  switch (result.outcome) {
    case "exited":
      return `exit status ${result.exitCode} ${facts}`;
    case "signaled":
      return `ended by signal ${result.signal} ${facts}`;
    case "timedOut":
      return `TIMEOUT: the command ran out of time ${facts}${stop}`;
    case "canceled":
      return `CANCELED: ${result.reason ?? "the command was canceled"} ${facts}${stop}`;
    case "unknown":
      return `OUTCOME_UNKNOWN: ${result.reason ?? "the connection was lost"} ${facts}`;
  }
};

const section = (name: string, text: string, bytes: number): string =>
  bytes === 0 ? `${name}: empty` : `${name} (${bytes} bytes):\n${escapeText(text)}`;
