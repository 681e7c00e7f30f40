import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../src/build.ts";
import { tempDir } from "./temp.ts";

/** Compiles a small program exactly as the product is compiled. Its imports are absolute. @returns the executable's path */
export const compile = async (source: string): Promise<string> => {
  const folder = tempDir("compiled");
  const entry = join(folder, "main.ts");
  const executable = join(folder, "program");
  writeFileSync(entry, source);
  await build(entry, executable);
  return executable;
};
