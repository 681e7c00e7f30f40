/**
 * Commands that are cut loose from the connection they were started on. A job lives in a folder of its own on the server; what is known of it is
 * always read from there.
 */
import type { CallScope } from "./call-scope.ts";
import type { StopResult } from "./command.ts";
import type { CommandForm } from "./command-form.ts";
import type { OutputStreamName } from "./outputs.ts";
import type { Session } from "./session.ts";
import type { Sink } from "./sink.ts";

/**
 * `starting`: its folder is there, its command has not begun. `finished`: status 0. `failed`: another status. `killed`: it ended after somebody killed
 * it. `lost`: it is gone and has left no status; its machine was restarted, or its shell was ended by force. `elsewhere`: it was started by another
 * machine that shares the home directory, where alone can be seen whether it runs.
 */
export const jobStates = ["starting", "running", "finished", "failed", "killed", "lost", "elsewhere"] as const;
export type JobState = (typeof jobStates)[number];

export interface Job {
  id: string;
  state: JobState;
  /** As a shell reports it: 128+n for a command that a signal ended. Null while it runs, and where none was left. */
  exitCode: number | null;
  /** Without SIG; of a job whose shell was killed with it. */
  signal: string | null;
  /** What is known about why, where the state does not say it all. */
  reason: string | null;
  /** Untrusted, as everything that is read from the folder. */
  command: string;
  title: string | null;
  cwd: string | null;
  pid: number | null;
  /** By the server's clock; null where that cannot be read. */
  startedAt: string | null;
  endedAt: string | null;
  /** Bytes so far; null in a list. */
  stdoutBytes: number | null;
  stderrBytes: number | null;
}

export interface JobRequest {
  command: string;
  form: CommandForm;
  title: string | null;
  stdin: Uint8Array;
}

/** A piece of a job's output, from a byte on. */
export interface JobOutput {
  offset: number;
  /** Where the next read begins. */
  nextOffset: number;
  /** Bytes that there are. */
  size: number;
  bytes: Uint8Array;
}

const grammar = /^[a-z0-9]{4,32}$/;

export const isJobId = (text: string): boolean => grammar.test(text);

export const hasEnded = ({ state }: Pick<Job, "state">): boolean =>
  state === "finished" || state === "failed" || state === "killed" || state === "lost";

/** All throw SshMcpError: NOT_FOUND for a job that there is not, UNSUPPORTED where the server has no POSIX shell, and as `Session.exec`. */
export interface Jobs {
  /**
   * Started at most once. When the link is lost meanwhile it is looked up as soon as the server can be reached again.
   * @throws SshMcpError OUTCOME_UNKNOWN with the id when it cannot be reached; REMOTE_IO, REMOTE_PERMISSION when no folder can be made
   */
  start(session: Session, request: JobRequest, scope: CallScope): Promise<Job>;
  /** The oldest first. */
  list(session: Session, scope: CallScope): Promise<Job[]>;
  show(session: Session, id: string, scope: CallScope): Promise<Job>;
  /** Resolves when it ends, or when the time is over. A lost link is dialled again. @param timeoutMs null waits as long as it takes */
  wait(session: Session, id: string, timeoutMs: number | null, scope: CallScope): Promise<Job>;
  /** @param from a byte, or null for the last bytes there are */
  read(
    session: Session,
    what: { id: string; stream: OutputStreamName; from: number | null; limit: number },
    scope: CallScope,
  ): Promise<JobOutput>;
  /** Copies a whole log, from a byte on or its last lines. */
  copy(
    session: Session,
    what: { id: string; stream: OutputStreamName; from: { offset: number } | { lines: number } },
    to: Sink,
    scope: CallScope,
  ): Promise<void>;
  /**
   * Copies logs as they grow, to their end, when the job ends. A sink that is null is left out.
   * @returns the job; the one that still runs when the time is over
   */
  follow(
    session: Session,
    what: { id: string; from: number; timeoutMs: number | null; stdout: Sink | null; stderr: Sink | null },
    scope: CallScope,
  ): Promise<Job>;
  /** @returns how far the stop got; null when it had ended before */
  kill(session: Session, id: string, scope: CallScope): Promise<{ job: Job; stopped: StopResult | null }>;
  /** @throws SshMcpError PRECONDITION_FAILED while it runs */
  remove(session: Session, id: string, scope: CallScope): Promise<void>;
}
