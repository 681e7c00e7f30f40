/** The program that ssh(1) has ask a person who has no terminal: `SSH_ASKPASS`. Texts from servers are escaped here. */
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import { escapeLine, escapeText } from "../core/escape.ts";
import type { Question } from "../core/session.ts";
import type { QuestionDevice } from "./world.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Bytes of an answer; what a program prints beyond is not read. */
const longestAnswer = 64 * 1024;

/** Asks one question after the other, each in a process of its own that gets the text as its argument and prints the answer. */
export class Askpass implements QuestionDevice {
  readonly #program: string;
  readonly #environment: Environment;
  readonly #over = new AbortController();

  constructor(program: string, environment: Environment) {
    this.#program = program;
    this.#environment = environment;
  }

  /**
   * @returns its first line, or null when it ends otherwise than with success: the person declined
   * @throws SshMcpError LOCAL_IO when it cannot be started, CANCELED when the signal aborts
   */
  async ask({ text }: Question, signal: AbortSignal, withdrawn: AbortSignal): Promise<string | null> {
    const ended = AbortSignal.any([signal, withdrawn, this.#over.signal]);
    if (withdrawn.aborted) return null;
    if (ended.aborted) throw canceled();
    const child = this.#start(escapeText(text));
    const end = (): void => child.kill();
    ended.addEventListener("abort", end, { once: true });
    try {
      const answer = await firstLine(child.stdout);
      const status = await child.exited;
      if (withdrawn.aborted) return null;
      if (ended.aborted) throw canceled();
      return status === 0 ? answer : null;
    } finally {
      ended.removeEventListener("abort", end);
    }
  }

  close(): void {
    this.#over.abort();
  }

  #start(text: string) {
    // It says how a question is meant that only wants a yes: no question of a login is one of them, as for ssh.
    const { SSH_ASKPASS_PROMPT: _, ...env } = this.#environment;
    try {
      return Bun.spawn([this.#program, text], { env, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    } catch (cause) {
      const why = errorCode(cause) ?? "no reason is given";
      throw new SshMcpError(
        "LOCAL_IO",
        `${escapeLine(this.#program)}, which SSH_ASKPASS is to ask with, cannot be started: ${why}`,
        { hint: "SSH_ASKPASS_REQUIRE=never ssh-mcp …", cause },
      );
    }
  }
}

/** Reads to the end; a program that still writes must not be stopped by that. */
const firstLine = async (stream: ReadableStream<Uint8Array>): Promise<string> => {
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    if (bytes < longestAnswer) kept.push(piece.subarray(0, longestAnswer - bytes));
    bytes += piece.length;
  }
  const [line = ""] = Buffer.concat(kept).toString().split(/\r?\n/, 1);
  return line;
};

const canceled = (): SshMcpError => new SshMcpError("CANCELED", "the question was not answered");
