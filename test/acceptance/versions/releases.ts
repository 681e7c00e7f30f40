/** The program as another release of it: compiled from the same sources with another number. */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { mustRun } from "../../support/command.ts";
import { startProgram } from "../../support/program.ts";
import { tempDir } from "../../support/temp.ts";
import type { Outcome } from "../place.ts";

const root = resolve(import.meta.dir, "../../..");

export interface Release {
  readonly binary: string;
  /** Runs it to its end; its input is empty. */
  run(args: readonly string[], home: string): Promise<Outcome>;
}

/** @param protocol the major version of what it speaks to a broker; the real one by default */
export const buildRelease = async (version: string, protocol?: number): Promise<Release> => {
  const tree = tempDir("release");
  for (const name of ["src", "package.json", "tsconfig.json"])
    cpSync(join(root, name), join(tree, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  change(join(tree, "package.json"), /"version": "[^"]*"/, `"version": "${version}"`);
  if (protocol !== undefined) {
    change(join(tree, "src/broker/wire/protocol.ts"), /protocolVersion = \d+/, `protocolVersion = ${protocol}`);
  }
  const binary = join(tree, "ssh-mcp");
  await mustRun([process.execPath, join(tree, "src/build.ts"), "--outfile", binary], { timeout: 60_000 });
  return {
    binary,
    run: async (args, home) => {
      const program = startProgram([binary, ...args], { home });
      await program.end();
      const { status, stdout, stderr } = await program.exit();
      return { status, stdout, stderr };
    },
  };
};

const change = (path: string, from: RegExp, to: string): void => {
  const text = readFileSync(path, "utf8");
  if (!from.test(text)) throw new Error(`${path} has no ${from}`);
  writeFileSync(path, text.replace(from, to));
};
