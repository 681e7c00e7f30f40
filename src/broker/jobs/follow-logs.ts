import type { CallScope } from "../../core/call-scope.ts";
import { SshMcpError } from "../../core/errors.ts";
import { hasEnded, type Job, type Jobs } from "../../core/jobs.ts";
import { type OutputStreamName, outputStreams } from "../../core/outputs.ts";
import type { Session } from "../../core/session.ts";
import type { Sink } from "../../core/sink.ts";
import { noAnswer } from "./job-errors.ts";
import { followScript } from "./job-script.ts";
import { LostLooks, pause, pauseMs } from "./lost-looks.ts";
import { runScript } from "./run-script.ts";

/** Counts what passed, so that whoever comes next goes on there. */
class Counted implements Sink {
  offset: number;
  readonly #to: Sink | null;

  constructor(to: Sink | null, offset: number) {
    this.#to = to;
    this.offset = offset;
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#to?.write(chunk);
    this.offset += chunk.length;
  }
}

/** See `Jobs.follow`. A lost link is dialled again, and the logs go on where they were cut. */
export const followLogs = async (
  jobs: Jobs,
  session: Session,
  what: Parameters<Jobs["follow"]>[1],
  scope: CallScope,
): Promise<Job> => {
  const { id, from, timeoutMs } = what;
  const until = performance.now() + (timeoutMs ?? Number.POSITIVE_INFINITY);
  const sinks = { stdout: new Counted(what.stdout, from), stderr: new Counted(what.stderr, from) };
  const offsetOf = (stream: OutputStreamName): number | null => (what[stream] === null ? null : sinks[stream].offset);
  const look = async (): Promise<Job | null> => {
    const left = timeoutMs === null ? null : Math.max(1, until - performance.now());
    const script = followScript(id, { stdout: offsetOf("stdout"), stderr: offsetOf("stderr") });
    const { result, stderr } = await runScript(
      session,
      { script, label: `job logs ${id} --follow` },
      left,
      scope,
      sinks,
    );
    if (result.outcome === "canceled") throw noAnswer(result, stderr);
    const job = await jobs.show(session, id, scope);
    if (!hasEnded(job) && job.state !== "elsewhere") {
      return result.outcome === "timedOut" || performance.now() >= until ? job : null;
    }
    for (const stream of outputStreams) {
      if (what[stream] === null) continue;
      try {
        await jobs.copy(session, { id, stream, from: { offset: sinks[stream].offset } }, sinks[stream], scope);
      } catch (error) {
        if (!(error instanceof SshMcpError) || error.code !== "NOT_FOUND") throw error;
      }
    }
    return job;
  };
  const lost = new LostLooks(session, scope);
  for (;;) {
    const begun = performance.now();
    try {
      const job = await look();
      if (job !== null) return job;
      lost.answered();
      // As where a log is not there.
      if (performance.now() - begun < pauseMs) await pause(Math.min(pauseMs, until - performance.now()), scope.signal);
    } catch (error) {
      await lost.failed(error, until - performance.now());
    }
  }
};
