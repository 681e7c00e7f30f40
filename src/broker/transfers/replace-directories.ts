import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { TreeEntry } from "../../core/files/transfer-side.ts";
import { below } from "./below.ts";
import { copyFile } from "./copy-file.ts";
import type { CopyJob, CopyRun } from "./copy-run.ts";

/**
 * Files and links where the destination has directories. These make way, with all that is in them, only when nothing failed, as all else that is deleted.
 * @throws what ends everything
 */
export const replaceDirectories = async (
  run: CopyRun,
  job: CopyJob,
  entries: readonly TreeEntry[],
  link: (entry: TreeEntry) => Promise<void>,
): Promise<void> => {
  const { tally } = run;
  const hasFailed = tally.failureCount > 0;
  for (const entry of entries) {
    const place = below(job.prefix, entry.path);
    const target = below(job.root, place);
    try {
      if (hasFailed) {
        const why = "not all of the source could be copied, and nothing is deleted then";
        throw new SshMcpError("ALREADY_EXISTS", `${shown(target)} is a directory, and stays: ${why}`);
      }
      await job.destination.remove(job.root, place);
    } catch (thrown) {
      tally.failed(target, thrown);
      continue;
    }
    tally.counts.deleted++;
    if (entry.facts.type === "symlink") await link(entry);
    else await copyFile(run, job, entry.path, entry.facts);
  }
};
