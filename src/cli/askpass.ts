/** The program that ssh(1) has ask a person who has no terminal: `SSH_ASKPASS`. Texts from servers are escaped here. */
import { closeSync, constants, openSync } from "node:fs";
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import { escapeLine, escapeText } from "../core/escape.ts";
import type { Question } from "../core/question.ts";
import type { QuestionDevice } from "./world.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Milliseconds that a program has to put its window away. */
const graceMs = 500;
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
    const canceling = AbortSignal.any([signal, withdrawn, this.#over.signal]);
    if (withdrawn.aborted) return null;
    if (canceling.aborted) throw canceled();
    // What leads a group can be ended with all that it started; but a program that asks on the terminal would lose that with its session.
    const detached = !hasTerminal();
    const child = this.#start(escapeText(text), detached);
    const over = Promise.withResolvers<null>();
    const end = (): void => over.resolve(null);
    canceling.addEventListener("abort", end, { once: true });
    try {
      const answered = Promise.all([firstLine(child.stdout), child.exited]);
      const answer = await Promise.race([answered, over.promise]);
      if (answer === null) await ended(child, detached);
      if (withdrawn.aborted) return null;
      if (answer === null || canceling.aborted) throw canceled();
      const [line, status] = answer;
      return status === 0 ? line : null;
    } finally {
      canceling.removeEventListener("abort", end);
    }
  }

  close(): void {
    this.#over.abort();
  }

  #start(text: string, detached: boolean) {
    // It says how a question is meant that only wants a yes: no question of a login is one of them, as for ssh.
    const { SSH_ASKPASS_PROMPT: _, ...env } = this.#environment;
    try {
      return Bun.spawn([this.#program, text], { env, detached, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
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

const hasTerminal = (): boolean => {
  try {
    closeSync(openSync("/dev/tty", constants.O_RDONLY | constants.O_NOCTTY));
    return true;
  } catch {
    return false;
  }
};

/** Resolves when it has been ended: this process may be over right after. */
const ended = async (child: Bun.Subprocess<"ignore", "pipe", "inherit">, isGroup: boolean): Promise<void> => {
  const signal = (name: "SIGTERM" | "SIGKILL"): void => {
    try {
      if (isGroup) process.kill(-child.pid, name);
      else child.kill(name);
    } catch {
      // Nothing of it is left.
    }
  };
  signal("SIGTERM");
  await Promise.race([child.exited, Bun.sleep(graceMs)]);
  signal("SIGKILL");
};

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
