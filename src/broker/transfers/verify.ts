import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { below } from "./below.ts";
import type { CopyJob, CopyRun } from "./copy-run.ts";
import { sameHash } from "./same-file.ts";

/**
 * Reads both again and compares. A copy that differs is removed: a wrong file under a right name is worse than none.
 * @param path below the source; empty for the source itself
 * @throws SshMcpError CHECKSUM_MISMATCH
 */
export const verifyCopy = async ({ tally }: CopyRun, job: CopyJob, path: string): Promise<void> => {
  const place = below(job.prefix, path);
  const target = below(job.root, place);
  const same = await sameHash(job.source, below(job.from, path), job.destination, target);
  tally.verified(same === null ? "unavailable" : same ? "verified" : "mismatched");
  if (same !== false) return;
  await job.destination.remove(job.root, place);
  throw new SshMcpError(
    "CHECKSUM_MISMATCH",
    `${shown(target)} was not the same as its source after the copy; it was removed`,
    {
      hint: "copy it again: the source may have changed meanwhile",
    },
  );
};
