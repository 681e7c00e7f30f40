import { randomBytes } from "node:crypto";
import type { CallScope } from "../../core/call-scope.ts";
import { stopResults } from "../../core/command.ts";
import { SshMcpError } from "../../core/errors.ts";
import { hasEnded, type Job, type JobOutput, type JobRequest, type Jobs } from "../../core/jobs.ts";
import type { Session } from "../../core/session.ts";
import type { Sink } from "../../core/sink.ts";
import { followLogs } from "./follow-logs.ts";
import { noAnswer, noJob, notStarted, showHint } from "./job-errors.ts";
import { readReport } from "./job-report.ts";
import { killScript, listScript, logScript, readScript, removeScript, showScript, waitScript } from "./job-script.ts";
import { LostLooks, pause, pauseMs } from "./lost-looks.ts";
import { runScript } from "./run-script.ts";
import { settledStart } from "./settled-start.ts";
import { startScript } from "./start-script.ts";

/** What a look may take on a server that is slow and busy. */
const answerMs = 30_000;
/** One waiter on the server lasts that long; longer waits are several. */
const longestWaitSeconds = 300;
const blockSize = 1024;

export class BrokerJobs implements Jobs {
  async start(session: Session, request: JobRequest, scope: CallScope): Promise<Job> {
    const { command, form, title, stdin } = request;
    const id = newId();
    const { interpreter, cwd, env } = form;
    const mark = `ssh-mcp-${randomBytes(16).toString("hex")}`;
    const script = startScript({
      ...{ id, mark, command, cwd, env, stdin },
      interpreter: interpreter === "sh" || interpreter === "bash" ? interpreter : "login",
      title: title ?? "",
    });
    // A start takes a moment. Cut in the middle it would leave a question; so it is finished, and undone when nobody wants it any more.
    const uncut = { ...scope, signal: new AbortController().signal };
    const { result, stdout } = await runScript(session, { script, label: `job start ${id}` }, answerMs, uncut);
    // What else is there a login's files have printed. Anything but a word of ours, whole, is a question to be settled.
    const [, word = "", text = ""] = new RegExp(`^${mark} (\\w+) ([^]*)\n$`, "m").exec(stdout) ?? [];
    const refusal = notStarted(word, text);
    if (refusal !== null) throw refusal;
    const job =
      word === "started"
        ? fresh(id, request)
        : await settledStart(session, id, noAnswer(result, stdout).message, uncut);
    if (!scope.signal.aborted) return job;
    const { stopped } = await this.kill(session, id, uncut);
    const end = stopped === null ? "and is over" : `and was to be killed (stopped: ${stopped})`;
    throw new SshMcpError("CANCELED", `the call was canceled; the job ${id} had begun, ${end}`, {
      hint: showHint(session.info.name, id, scope.caller),
    });
  }

  async list(session: Session, scope: CallScope): Promise<Job[]> {
    const { result, stdout, stderr } = await runScript(
      session,
      { script: listScript, label: "job ls" },
      answerMs,
      scope,
    );
    const { jobs, complete } = readReport(stdout);
    if (!complete) throw noAnswer(result, stderr);
    return jobs.sort((a, b) => (a.startedAt ?? "").localeCompare(b.startedAt ?? ""));
  }

  show(session: Session, id: string, scope: CallScope): Promise<Job> {
    return this.#asked(session, id, { script: showScript(id), label: `job show ${id}` }, answerMs, scope);
  }

  async wait(session: Session, id: string, timeoutMs: number | null, scope: CallScope): Promise<Job> {
    const until = timeoutMs === null ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    const lost = new LostLooks(session, scope);
    for (;;) {
      const begun = performance.now();
      const seconds = Math.max(0, Math.min(longestWaitSeconds, (until - performance.now()) / 1000));
      try {
        const limitMs = seconds * 2000 + answerMs;
        const what = { script: waitScript(id, seconds), label: `job wait ${id}` };
        const job = await this.#asked(session, id, what, limitMs, scope);
        // Of another machine's job nothing can be awaited here.
        if (hasEnded(job) || job.state === "elsewhere" || performance.now() >= until) return job;
        lost.answered();
        if (performance.now() - begun < pauseMs)
          await pause(Math.min(pauseMs, until - performance.now()), scope.signal);
      } catch (error) {
        await lost.failed(error, until - performance.now());
        if (performance.now() >= until) return await this.show(session, id, scope);
      }
    }
  }

  async read(
    session: Session,
    { id, stream, from, limit }: Parameters<Jobs["read"]>[1],
    scope: CallScope,
  ): Promise<JobOutput> {
    const offset = from ?? Math.max(0, (await this.#size(session, id, stream, scope)) - limit);
    const skip = Math.floor(offset / blockSize);
    const blocks = Math.ceil((offset - skip * blockSize + limit) / blockSize);
    const what = { script: readScript(id, stream, skip, blocks), label: `job logs ${id}` };
    const answer = await runScript(session, what, answerMs, scope);
    const size = /^size (\d{1,15})$/m.exec(answer.stderr)?.[1];
    if (/^missing$/m.test(answer.stderr)) throw noJob(session.info.name, id, scope.caller);
    if (answer.result.outcome !== "exited" || size === undefined) throw noAnswer(answer.result, answer.stderr);
    const at = offset - skip * blockSize;
    const bytes = answer.bytes.subarray(at, at + limit);
    return { offset, nextOffset: offset + bytes.length, size: Math.max(Number(size), offset + bytes.length), bytes };
  }

  async copy(session: Session, what: Parameters<Jobs["copy"]>[1], to: Sink, scope: CallScope): Promise<void> {
    const asked = { script: logScript(what.id, what.stream, what.from), label: `job logs ${what.id}` };
    const { result, stderr } = await runScript(session, asked, null, scope, { stdout: to });
    if (/^missing$/m.test(stderr)) throw noJob(session.info.name, what.id, scope.caller);
    if (result.outcome !== "exited" || result.exitCode !== 0) throw noAnswer(result, stderr);
  }

  follow(session: Session, what: Parameters<Jobs["follow"]>[1], scope: CallScope): Promise<Job> {
    return followLogs(this, session, what, scope);
  }

  async kill(session: Session, id: string, scope: CallScope): ReturnType<Jobs["kill"]> {
    const { result, stdout, stderr } = await runScript(
      session,
      { script: killScript(id), label: `job kill ${id}` },
      answerMs,
      scope,
    );
    const job = this.#one(session, id, stdout, scope);
    if (job === null) throw noAnswer(result, stderr);
    const said = /^stopped (\w+)$/m.exec(stdout)?.[1];
    const stopped = stopResults.find((each) => each === said) ?? (hasEnded(job) ? null : "unconfirmed");
    return { job, stopped };
  }

  async remove(session: Session, id: string, scope: CallScope): Promise<void> {
    const { result, stdout, stderr } = await runScript(
      session,
      { script: removeScript(id), label: `job rm ${id}` },
      answerMs,
      scope,
    );
    const [word, ...rest] = stdout.trim().split(" ");
    if (word === "removed") return;
    if (word === "missing") throw noJob(session.info.name, id, scope.caller);
    if (word === "running") {
      throw new SshMcpError("PRECONDITION_FAILED", `the job ${id} runs, and is not removed`, {
        hint: `ssh-mcp job kill ${session.info.name} ${id}`,
      });
    }
    if (word === "failed") throw new SshMcpError("REMOTE_IO", `the job's folder cannot be removed: ${rest.join(" ")}`);
    throw noAnswer(result, stderr);
  }

  async #size(session: Session, id: string, stream: "stdout" | "stderr", scope: CallScope): Promise<number> {
    const job = await this.show(session, id, scope);
    return (stream === "stdout" ? job.stdoutBytes : job.stderrBytes) ?? 0;
  }

  async #asked(
    session: Session,
    id: string,
    what: { script: string; label: string },
    limitMs: number,
    scope: CallScope,
  ): Promise<Job> {
    const { result, stdout, stderr } = await runScript(session, what, limitMs, scope);
    const job = this.#one(session, id, stdout, scope);
    if (job === null) throw noAnswer(result, stderr);
    return job;
  }

  /** @returns null for an answer that is not complete */
  #one(session: Session, id: string, stdout: string, scope: CallScope): Job | null {
    if (/^missing$/m.test(stdout)) throw noJob(session.info.name, id, scope.caller);
    const { jobs, complete } = readReport(stdout);
    if (!complete) return null;
    const job = jobs.find((each) => each.id === id);
    // Of a start that came to nothing only the folder is left, until it is collected.
    if (job === undefined) throw noJob(session.info.name, id, scope.caller);
    return job;
  }
}

const letters = "abcdefghijkmnpqrstuvwxyz23456789";

/** 50 random bits: nobody guesses it, and a person can type it. */
const newId = (): string => Array.from(randomBytes(10), (byte) => letters[byte % 32]).join("");

const fresh = (id: string, { command, form, title }: JobRequest): Job => ({
  ...{ id, state: "running", exitCode: null, signal: null, reason: null, command: command.split("\n", 1)[0] ?? "" },
  ...{ title, cwd: form.cwd, pid: null, startedAt: null, endedAt: null, stdoutBytes: null, stderrBytes: null },
});
