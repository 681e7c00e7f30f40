import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { atOnce } from "./at-once.ts";
import { below } from "./below.ts";
import type { CopyJob, CopyRun } from "./copy-run.ts";
import type { Listing } from "./listing.ts";

const deletedAtOnce = 16;

/**
 * Deletes what the source has not. Nothing at all where anything could not be read or copied before, or where the source is empty: a disk that is not
 * mounted, or a wrong name, looks so too.
 */
export const deleteLeftOver = async (
  { tally, request, notice }: CopyRun,
  { from, root, prefix, destination }: CopyJob,
  there: Listing,
  source: { isEmpty: boolean },
): Promise<void> => {
  const left: string[] = [];
  for (const some of there.leftOver()) {
    left.push(...some);
    // Other calls get their turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (left.length === 0) return;
  if (source.isEmpty) {
    const message = `${shown(from)} is empty: nothing was deleted in ${shown(below(root, prefix))}`;
    tally.failed(from, new SshMcpError("PRECONDITION_FAILED", message));
    return;
  }
  if (tally.failureCount > 0) {
    notice(`nothing was deleted: not all of ${shown(from)} could be copied`);
    return;
  }
  await atOnce(left, deletedAtOnce, async (path) => {
    const place = below(prefix, path);
    tally.change("-", below(root, place));
    if (request.sync?.dryRun === true) return;
    try {
      await destination.remove(root, place);
      tally.counts.deleted++;
    } catch (thrown) {
      tally.failed(below(root, place), thrown);
    }
  });
};
