/** The programs that are measured. */
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildOnce } from "../test/support/binary.ts";
import { tempDir } from "../test/support/temp.ts";

export interface Binaries {
  /** The binary under test: a copy, so that nothing replaces it during the run. */
  readonly binary: string;
  /** A compiled Bun program without a line in it: what the runtime itself costs. */
  readonly empty: string;
}

export const makeBinaries = async (): Promise<Binaries> => {
  const folder = tempDir("bench");
  const binary = join(folder, "ssh-mcp");
  copyFileSync(buildOnce(), binary);
  // For the drivers of test/support, which would build again when a source is saved meanwhile.
  process.env["SSH_MCP_BINARY"] = binary;
  return { binary, empty: await makeEmpty(folder) };
};

const makeEmpty = async (folder: string): Promise<string> => {
  const source = join(folder, "empty.ts");
  const outfile = join(folder, "empty");
  writeFileSync(source, "");
  await Bun.build({ entrypoints: [source], minify: true, bytecode: true, format: "esm", compile: { outfile } });
  return outfile;
};
