/** Whole processes, as a shell would run them: from spawn to exit. */
import { readFileSync } from "node:fs";

/** Milliseconds after which a process that should have taken a fraction of a second is killed. */
const limitMs = 30_000;

/**
 * Runs a program to its end, without input, its output thrown away.
 * @returns milliseconds from spawn to exit
 * @throws Error with what it said on stderr, when it fails
 */
export const timeProcess = async (argv: readonly string[], env: Readonly<Record<string, string>>): Promise<number> => {
  const began = performance.now();
  const child = Bun.spawn([...argv], { stdin: "ignore", stdout: "ignore", stderr: "pipe", env, timeout: limitMs });
  await child.exited;
  const elapsed = performance.now() - began;
  if (child.exitCode === 0) return elapsed;
  const end = child.signalCode ?? `status ${child.exitCode}`;
  throw new Error(`${argv.join(" ")}: ${end}: ${(await child.stderr.text()).trim()}`);
};

/**
 * Memory of a process that no file backs (proc(5), `RssAnon`), in bytes.
 * @returns null when the process has gone
 */
export const anonymousMemory = (pid: number): number | null => {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, "latin1");
  } catch (failure) {
    const { code } = failure as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ESRCH") throw failure;
    return null;
  }
  // A zombie still has its file, without the lines about memory.
  const kibibytes = /^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
};
