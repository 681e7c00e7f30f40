/** Runs commands in a lasting shell, and keeps what they wrote. */
import type { CommandResult } from "../../../../src/core/command.ts";
import type { LastingShell } from "../../../../src/ssh/commands/shell/lasting-shell.ts";

export interface RanIn extends CommandResult {
  stdout: string;
  stderr: string;
}

export interface RunInOptions {
  timeoutMs?: number;
  idleTimeoutMs?: number;
  signal?: AbortSignal;
  onStdout?: (text: string) => void;
  encoding?: BufferEncoding;
}

export const runIn = async (shell: LastingShell, command: string, options: RunInOptions = {}): Promise<RanIn> => {
  const { encoding = "utf8" } = options;
  const out: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
  const sink = (stream: "stdout" | "stderr") => ({
    write: async (chunk: Uint8Array) => {
      out[stream].push(Buffer.from(chunk));
      if (stream === "stdout") options.onStdout?.(Buffer.concat(out.stdout).toString());
    },
  });
  const result = await shell.run(
    {
      command,
      stdin: nothing(),
      stdout: sink("stdout"),
      stderr: sink("stderr"),
      timeoutMs: options.timeoutMs ?? null,
      idleTimeoutMs: options.idleTimeoutMs ?? null,
    },
    null,
    options.signal ?? new AbortController().signal,
  );
  const text = (stream: "stdout" | "stderr"): string => Buffer.concat(out[stream]).toString(encoding);
  return { ...result, stdout: text("stdout"), stderr: text("stderr") };
};

async function* nothing(): AsyncGenerator<Uint8Array> {}
