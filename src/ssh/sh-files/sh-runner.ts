import { randomBytes } from "node:crypto";
import type { CommandResult } from "../../core/command.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { RemoteProgram } from "../../core/files/remote-files.ts";
import { lines, prelude } from "../../core/files/remote-scripts.ts";
import type { Sink } from "../../core/sink.ts";
import { failureOf } from "./sh-errors.ts";

export type Run = (program: RemoteProgram) => Promise<CommandResult>;

export interface Question {
  /** For messages. */
  path: string;
  /** Past participle, for messages: `listed`. */
  doing: string;
  /** What is in the way when it is another path: of a renaming the new name. */
  inTheWay?: string;
  /** Steps of a program that ends in `ok`, or in `no REASON`; `at` says a word to us meanwhile. */
  steps: readonly string[];
  /** Whether it changes something: what became of it is not known when the connection ends in the middle. Absent is false. */
  changes?: boolean;
  stdin?: AsyncIterable<Uint8Array>;
  stdout?: Sink;
}

export interface Answer {
  /** Up to `mostAnswer` bytes; empty where the question has a sink of its own. */
  stdout: Buffer;
  /** What tools said, as it may be that something is missing. */
  stderr: string;
  /** What was said by `at`. */
  words: readonly string[];
}

/** A server that has more to say to one question about one file is not answering it. */
const mostAnswer = 1024 * 1024;
const mostStderr = 64 * 1024;

/**
 * Runs one program, and tells by its own words whether it did what it should: an exit status alone may be anybody's. The words begin with a mark that
 * nobody can have guessed, so that no file name can say them.
 * @throws SshMcpError as RemoteFiles
 */
export const ask = async (run: Run, question: Question): Promise<Answer> => {
  const mark = `ssh-mcp-${randomBytes(12).toString("hex")}`;
  const stdout = question.stdout === undefined ? new Kept(mostAnswer) : null;
  const stderr = new Kept(mostStderr, "last");
  const result = await run({
    script: programOf(mark, question.steps),
    ...(question.stdin === undefined ? {} : { stdin: question.stdin }),
    stdout: question.stdout ?? stdout ?? stderr,
    stderr,
    timeoutMs: null,
  });
  const heard = hear(mark, stderr.bytes.toString("latin1"));
  const { path, doing } = question;
  const where = (): string => `while ${shown(path)} was to be ${doing}`;
  switch (result.outcome) {
    case "canceled":
      throw new SshMcpError("CANCELED", `canceled ${where()}${result.reason === null ? "" : `: ${result.reason}`}`);
    case "timedOut":
      throw new SshMcpError("TIMEOUT", `the time was over ${where()}`);
    case "unknown":
      if (question.changes === true)
        throw new SshMcpError(
          "OUTCOME_UNKNOWN",
          `whether ${shown(path)} was ${doing} is not known: the connection was lost before the server said so`,
        );
      throw new SshMcpError("CONNECTION_LOST", `the connection was lost ${where()}`);
    default:
  }
  if (stdout?.isOver) throw new SshMcpError("PROTOCOL_ERROR", `the server said too much ${where()}`);
  if (heard.end === "ok" && result.outcome === "exited")
    return { stdout: stdout?.bytes ?? Buffer.alloc(0), stderr: heard.rest, words: heard.words };
  const reason = heard.end?.startsWith("no ") ? heard.end.slice(3) : null;
  const isInTheWay = question.inTheWay !== undefined && (reason === "exists" || reason === "directory");
  const failure = isInTheWay
    ? failureOf(question.inTheWay ?? path, "replaced", reason, "")
    : failureOf(path, doing, reason, heard.rest.trim() === "" ? endOf(result) : heard.rest);
  throw Object.assign(failure, { words: heard.words });
};

const endOf = ({ outcome, signal, exitCode }: CommandResult): string =>
  outcome === "signaled"
    ? `its program was ended by the signal ${signal}`
    : `its program ended with ${exitCode} and no word`;

/** What a failed program said by `at`. */
export const wordsOf = (error: unknown): readonly string[] =>
  error instanceof SshMcpError && "words" in error ? (error.words as readonly string[]) : [];

const programOf = (mark: string, steps: readonly string[]): string =>
  lines(
    prelude,
    // Not echo, to which a backslash in a name is something to expand.
    `at(){ printf '%s\\n' "${mark} $1" >&2;}`,
    "ok(){ at ok;exit 0;}",
    'no(){ at "no $1";exit 1;}',
    // Of what is not there the tools know best why.
    'there(){ [ -e "$1" ]||[ -L "$1" ]||{ ls -ld "$1" >/dev/null;no tool;};}',
    ...steps,
  );

const hear = (mark: string, stderr: string): { end: string | null; words: string[]; rest: string } => {
  const words: string[] = [];
  const rest: string[] = [];
  let end: string | null = null;
  for (const line of stderr.split("\n")) {
    const at = line.indexOf(`${mark} `);
    if (at < 0) {
      rest.push(line);
      continue;
    }
    if (at > 0) rest.push(line.slice(0, at));
    const word = line.slice(at + mark.length + 1);
    if (word === "ok" || word.startsWith("no ")) end = word;
    else words.push(word);
  }
  return { end, words, rest: Buffer.from(rest.join("\n"), "latin1").toString("utf8") };
};

/** Bytes up to a number of them: the first ones, or the last. */
class Kept implements Sink {
  #chunks: Uint8Array[] = [];
  #length = 0;
  isOver = false;

  constructor(
    private readonly most: number,
    private readonly which: "first" | "last" = "first",
  ) {}

  async write(chunk: Uint8Array): Promise<void> {
    this.#length += chunk.length;
    this.isOver ||= this.#length > this.most;
    if (this.isOver && this.which === "first") return;
    this.#chunks.push(Uint8Array.from(chunk));
    if (this.#length > 2 * this.most) {
      this.#chunks = [Uint8Array.from(this.bytes)];
      this.#length = this.most;
    }
  }

  get bytes(): Buffer {
    const all = Buffer.concat(this.#chunks);
    return this.which === "last" ? all.subarray(Math.max(0, all.length - this.most)) : all;
  }
}
