/** Runs a program of ours on a session's server: POSIX sh, said on standard input, in no process list. */
import type { CallScope } from "../../core/call-scope.ts";
import type { CommandResult } from "../../core/command.ts";
import { plainForm } from "../../core/command-form.ts";
import type { Session } from "../../core/session.ts";
import type { Sink } from "../../core/sink.ts";

/** Bytes of an answer that are kept: some thousand jobs. */
const longestAnswer = 4 * 1024 * 1024;

export interface Answer {
  result: CommandResult;
  stdout: string;
  stderr: string;
  bytes: Uint8Array;
}

/** A sink that keeps the first bytes, and drops the rest. */
class Kept implements Sink {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  async write(chunk: Uint8Array): Promise<void> {
    const room = longestAnswer - this.#length;
    if (room <= 0) return;
    this.#chunks.push(chunk.slice(0, room));
    this.#length += Math.min(room, chunk.length);
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }
}

async function* nothing(): AsyncIterable<Uint8Array> {}

/**
 * @param label what people see of it, instead of our program
 * @param to where output goes instead of into the answer
 */
export const runScript = async (
  session: Session,
  { script, label }: { script: string; label: string },
  timeoutMs: number | null,
  scope: CallScope,
  to: { stdout?: Sink; stderr?: Sink } = {},
): Promise<Answer> => {
  const stdout = new Kept();
  const stderr = new Kept();
  const result = await session.exec(
    {
      command: script,
      label,
      form: { ...plainForm, interpreter: "sh" },
      stdin: nothing(),
      stdout: to.stdout ?? stdout,
      stderr: to.stderr ?? stderr,
      timeoutMs,
    },
    scope,
  );
  const bytes = stdout.bytes();
  return { result, bytes, stdout: Buffer.from(bytes).toString(), stderr: Buffer.from(stderr.bytes()).toString() };
};
