/** Starts `program.ts` (the command line with a played server) as a process: over pipes, or within a shell line. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandOptions, type CommandOutcome, runCommand } from "../support/command.ts";
import { type ProgramOptions, type ProgramOutcome, type RunningProgram, startProgram } from "../support/program.ts";
import { tempDir } from "../support/temp.ts";

export const program = [process.execPath, join(import.meta.dir, "program.ts")];

export const start = (args: readonly string[], options: ProgramOptions = {}): RunningProgram =>
  startProgram([...program, ...args], options);

/** Runs to the end; stdin is empty unless given. */
export const run = async (
  args: readonly string[],
  { stdin, ...options }: ProgramOptions & { stdin?: string } = {},
): Promise<ProgramOutcome> => {
  const running = start(args, options);
  if (stdin !== undefined) await running.write(stdin);
  await running.end();
  return running.exit();
};

/** Runs a line of bash in which `$S` is the program. The pipes are the shell's own. */
export const shell = (line: string, options: CommandOptions = {}): Promise<CommandOutcome> =>
  runCommand(["bash", "-c", `S='${program.join(" ")}'; ${line}`], { cwd: tempDir("cli"), timeout: 60_000, ...options });

/** Runs and returns what reached the sessions besides: one entry for each request. */
export const runLogged = async (args: readonly string[], options: ProgramOptions = {}) => {
  const file = join(tempDir("log"), "log");
  const outcome = await run(args, { ...options, env: { ...options.env, FAKE_LOG: file } });
  return { ...outcome, log: readLog(file) };
};

export const readLog = (file: string): Record<string, unknown>[] =>
  readFileSync(file, "utf8")
    .split("\n")
    // What comes after the last line end is still being written.
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
