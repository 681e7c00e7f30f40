/** What the operations on jobs have in common. */
import * as v from "valibot";
import { formatDuration } from "../core/duration.ts";
import { escapeLine, escapeText, shortened } from "../core/escape.ts";
import { isJobId, type Job, jobStates } from "../core/jobs.ts";
import type { Context, Issue } from "../core/operation.ts";
import { outputStreams } from "../core/outputs.ts";
import type { Session } from "../core/session.ts";
import { count, dialRequest, timestamp } from "./fields.ts";

export const jobTarget = v.pipe(v.string(), v.minLength(1), v.maxLength(1024), v.description("Session or destination"));
export const jobId = v.pipe(v.string(), v.description("Job"));

/** Bytes of output in an answer. */
export const answerBytes = 16 * 1024;

export const idIssues = (id: string | undefined): Issue[] =>
  id === undefined || isJobId(id) ? [] : [{ field: "id", message: "is no job's id: job ls lists them" }];

export const jobFields = {
  id: v.pipe(v.string(), v.description("The job's id")),
  state: v.pipe(
    v.picklist(jobStates),
    v.description(
      "finished: status 0; failed: another; lost: it is gone and left no status; elsewhere: started by another machine with this home directory",
    ),
  ),
  exitCode: v.pipe(v.nullable(count), v.description("Exit status, 128+n after a signal; null where there is none")),
  signal: v.pipe(v.nullable(v.string()), v.description("Signal that ended it whole, without SIG; else null")),
  reason: v.pipe(v.nullable(v.string()), v.description("Why it is lost or elsewhere; else null")),
  command: v.pipe(v.string(), v.description("First line of its command, at most 300 bytes")),
  title: v.pipe(v.nullable(v.string()), v.description("What it is for; null when nobody said")),
  cwd: v.pipe(v.nullable(v.string()), v.description("Directory it began in; null where not known")),
  pid: v.pipe(v.nullable(count), v.description("Process that watches it on the server")),
  startedAt: v.pipe(v.nullable(timestamp), v.description("When it began, by the server's clock")),
  endedAt: v.pipe(v.nullable(timestamp), v.description("When it ended, by the server's clock; null while it runs")),
  stdoutBytes: v.pipe(v.nullable(count), v.description("Bytes of output; null in a list")),
  stderrBytes: v.pipe(v.nullable(count), v.description("Bytes of error output; null in a list")),
};

export const job = v.pipe(v.object(jobFields), v.description("The job"));

export const outputPiece = v.object({
  stream: v.pipe(v.picklist(outputStreams), v.description("Which output")),
  offset: v.pipe(count, v.description("Byte that the text begins with")),
  nextOffset: v.pipe(count, v.description("Where the next read begins")),
  size: v.pipe(count, v.description("Bytes there are")),
  text: v.pipe(v.string(), v.description("As UTF-8; other bytes are U+FFFD")),
});

/** The session that a target names; opened when it has to be. */
export const sessionOf = (target: string, context: Context, connectTimeout?: number): Promise<Session> => {
  context.progress(`opening ${target}`);
  return context.sessions.use(dialRequest(target, {}, connectTimeout), context);
};

export const jobLine = (each: Job): string =>
  [
    `${each.id} ${each.state}${how(each)}`,
    ...(each.startedAt === null ? [] : [`began ${each.startedAt}`]),
    ...(each.startedAt === null || each.endedAt === null
      ? []
      : [`took ${formatDuration(Date.parse(each.endedAt) - Date.parse(each.startedAt))}, ended ${each.endedAt}`]),
    ...(each.pid === null ? [] : [`pid ${each.pid}`]),
    ...(each.title === null ? [] : [`for ${shortened(each.title, 100)}`]),
    ...(each.cwd === null ? [] : [`in ${escapeLine(each.cwd)}`]),
    ...(each.stdoutBytes === null ? [] : [`stdout ${each.stdoutBytes} bytes`]),
    ...(each.stderrBytes === null ? [] : [`stderr ${each.stderrBytes} bytes`]),
    ...(each.reason === null ? [] : [escapeLine(each.reason)]),
    escapeLine(each.command),
  ].join(", ");

const how = ({ exitCode, signal }: Job): string => {
  if (signal !== null) return ` by signal ${escapeLine(signal)}`;
  return exitCode === null ? "" : ` with status ${exitCode}`;
};

type Piece = v.InferOutput<typeof outputPiece>;

export const pieceText = ({ stream, offset, nextOffset, size, text }: Piece): string =>
  size === 0 ? `${stream}: empty` : `${stream} (bytes ${offset} to ${nextOffset} of ${size}):\n${escapeText(text)}`;
