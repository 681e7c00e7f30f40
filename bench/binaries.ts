/** The programs that are measured. */
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "../src/build.ts";
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
  const source = join(folder, "empty.ts");
  const empty = join(folder, "empty");
  writeFileSync(source, "");
  await build(source, empty);
  return { binary, empty };
};
