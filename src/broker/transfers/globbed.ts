import { SshMcpError } from "../../core/errors.ts";
import type { CopyRun } from "./copy-run.ts";
import type { Placed } from "./placed.ts";
import { where } from "./plan.ts";

/**
 * Sources with their patterns of `*`, `?` and `[…]` expanded, on servers: here the caller's shell has done so. A file that is called as the pattern is
 * meant itself.
 * @throws SshMcpError NOT_FOUND for a pattern that matches nothing, when it is the only source; else that is told
 */
export const globbed = async ({ tally }: CopyRun, sources: readonly Placed[]): Promise<Placed[]> => {
  const all: Placed[] = [];
  for (const source of sources) {
    if (source.machine === null || !/[*?[]/.test(source.path)) {
      all.push(source);
      continue;
    }
    try {
      if ((await source.machine.files.lstat(source.path)) !== null) {
        all.push(source);
        continue;
      }
      const paths = await source.side.glob(source.path);
      if (paths.length === 0) throw new SshMcpError("NOT_FOUND", `nothing matches ${where(source)}`);
      for (const path of paths) all.push({ ...source, path });
    } catch (thrown) {
      if (sources.length === 1) throw thrown;
      tally.failed(source.path, thrown);
    }
  }
  return all;
};
