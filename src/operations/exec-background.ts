/** `onTimeout: "background"`: the command is a job from its begin, which is waited for, so that it can go on when the call ends. */
import type { CommandResult } from "../core/command.ts";
import type { CommandForm } from "../core/command-form.ts";
import { SshMcpError } from "../core/errors.ts";
import { hasEnded } from "../core/jobs.ts";
import type { Context, Issue } from "../core/operation.ts";
import type { Session } from "../core/session.ts";
import { endingOfJob } from "./job-ending.ts";
import { jobIssues } from "./job-start.ts";

/** Held in the server's memory until the job reads it. */
const longestInput = 256 * 1024;

interface BackgroundInput {
  onTimeout?: "background" | undefined;
  command?: string | undefined;
  cwd?: string | undefined;
  env?: Record<string, string> | undefined;
  interpreter?: string | undefined;
  pty?: boolean | undefined;
  shell?: string | undefined;
  sudo?: boolean | string | undefined;
  become?: string | undefined;
  stdin?: string | undefined;
  stdinBase64?: string | undefined;
  idleTimeout?: number | undefined;
}

/** What a job cannot be. */
export const backgroundIssues = (input: BackgroundInput): Issue[] => {
  if (input.onTimeout === undefined) return [];
  const others = (["sudo", "become", "idleTimeout"] as const).filter(
    (field) => input[field] !== undefined && input[field] !== false,
  );
  const { stdin = "", stdinBase64 = "" } = input;
  const tooLong = Buffer.byteLength(stdin) > longestInput || stdinBase64.length > (longestInput * 4) / 3;
  return [
    ...others.map((field) => ({ field, message: "cannot be given with {onTimeout}: it runs as a job" })),
    ...(tooLong
      ? [
          {
            field: stdin === "" ? "stdinBase64" : "stdin",
            message: `must be at most ${longestInput} bytes with {onTimeout}`,
          },
        ]
      : []),
    ...jobIssues({ ...input, command: input.command ?? "words" }).filter(({ field }) => field !== "command"),
  ];
};

interface BackgroundRequest {
  command: string;
  form: CommandForm;
  stdin: AsyncIterable<Uint8Array>;
  timeoutMs: number | null;
}

/** Its result as `exec` has it; with the job's id when it goes on, and null when it has ended and nothing is left of it. */
export const execInBackground = async (
  session: Session,
  { command, form, stdin, timeoutMs }: BackgroundRequest,
  context: Context,
): Promise<CommandResult & { jobId: string | null }> => {
  const startedAt = performance.now();
  const counts = { stdout: 0, stderr: 0 };
  const counted = (stream: "stdout" | "stderr") => ({
    write: async (chunk: Uint8Array): Promise<void> => {
      counts[stream] += chunk.length;
      await context[stream].write(chunk);
    },
  });
  const input = await inTime(all(stdin), timeoutMs, context.signal);
  const { id } = await context.jobs.start(session, { command, form, title: null, stdin: input }, context);
  const result = (facts: Pick<CommandResult, "outcome" | "exitCode" | "signal" | "reason">, jobId: string | null) => ({
    ...facts,
    stopped: null,
    durationMs: Math.round(performance.now() - startedAt),
    ...{ stdoutBytes: counts.stdout, stderrBytes: counts.stderr, jobId },
  });
  try {
    const left = timeoutMs === null ? null : Math.max(1, timeoutMs - (performance.now() - startedAt));
    const sinks = { stdout: counted("stdout"), stderr: counted("stderr") };
    const job = await context.jobs.follow(session, { id, from: 0, timeoutMs: left, ...sinks }, context);
    if (!hasEnded(job)) return result(endingOfJob(job), id);
    // What cannot be removed now is collected in a week.
    await context.jobs.remove(session, id, context).catch(() => undefined);
    return result(endingOfJob(job), null);
  } catch (error) {
    if (context.signal.aborted) {
      const uncut = { ...context, signal: new AbortController().signal };
      // That it began and was canceled is known even where nobody can look.
      const { stopped } = await context.jobs
        .kill(session, id, uncut)
        .catch(() => ({ stopped: "unconfirmed" as const }));
      return { ...result({ outcome: "canceled", exitCode: null, signal: null, reason: null }, id), stopped };
    }
    const reason = error instanceof SshMcpError ? error.message : "the connection was lost";
    return result({ outcome: "unknown", exitCode: null, signal: null, reason }, id);
  }
};

/**
 * A job is not begun before it has all of its input.
 * @throws SshMcpError TIMEOUT, CANCELED, and as the input does
 */
const inTime = async (
  input: Promise<Uint8Array>,
  timeoutMs: number | null,
  signal: AbortSignal,
): Promise<Uint8Array> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = (): void =>
    reject(new SshMcpError("CANCELED", "canceled before its input had ended; nothing was started"));
  const late = (): void =>
    reject(new SshMcpError("TIMEOUT", "its input had not ended when its time was over; nothing was started"));
  const timer = timeoutMs === null ? null : setTimeout(late, timeoutMs);
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    return await Promise.race([input, promise]);
  } finally {
    if (timer !== null) clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
  }
};

/** @throws SshMcpError TOO_LARGE */
const all = async (stdin: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    length += chunk.length;
    if (length > longestInput) {
      throw new SshMcpError("TOO_LARGE", `a job takes at most ${longestInput} bytes of input; nothing was started`);
    }
    chunks.push(chunk.slice());
  }
  return Buffer.concat(chunks);
};
