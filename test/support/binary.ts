/** Drives the compiled binary as a person's shell would: as a process with its own HOME and a plain environment. */
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ProgramOptions, type ProgramOutcome, type RunningProgram, startProgram } from "./program.ts";

const root = resolve(import.meta.dir, "../..");

/**
 * The path of the binary: SSH_MCP_BINARY when set, else dist/ssh-mcp, which is compiled first when any source is newer.
 * @throws Error with the compiler's words
 */
export const buildOnce = (): string => {
  const given = process.env["SSH_MCP_BINARY"];
  if (given !== undefined && given !== "") return given;
  const binary = join(root, "dist/ssh-mcp");
  const built = statSync(binary, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = ["package.json", "bun.lock", ...new Bun.Glob("{src,patches}/**/*").scanSync(root)];
  if (sources.every((source) => statSync(join(root, source)).mtimeMs <= built)) return binary;
  const compiled = Bun.spawnSync([process.execPath, join(root, "src/build.ts")], { cwd: root, stdin: "ignore" });
  if (compiled.exitCode !== 0) throw new Error(`the binary does not compile:\n${compiled.stderr}`);
  return binary;
};

/** Runs the binary to its end. `stdin` is closed after what is given. */
export const run = async (
  args: readonly string[],
  options: ProgramOptions & { stdin?: string | Uint8Array } = {},
): Promise<ProgramOutcome> => {
  const program = start(args, options);
  if (options.stdin !== undefined) await program.write(options.stdin);
  await program.end();
  return program.exit();
};

/** Starts the binary, to talk to while it runs. */
export const start = (args: readonly string[], options: ProgramOptions = {}): RunningProgram =>
  startProgram([buildOnce(), ...args], options);
