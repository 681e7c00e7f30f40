/** File systems that are full or cannot be written to, in a mount namespace of their own: nothing of them stays behind. */
import { buildOnce } from "../../support/binary.ts";
import { type ProgramOutcome, startProgram } from "../../support/program.ts";

/** Runs a shell's lines as root where mounts are its own; `$S` is the compiled binary. */
export const inOwnMounts = async (
  lines: readonly string[],
  home: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramOutcome> => {
  const script = ["set -e", `S='${buildOnce()}'`, ...lines].join("\n");
  const program = startProgram(["unshare", "--mount", "--propagation", "private", "bash", "-c", script], { home, env });
  await program.end();
  return program.exit();
};
