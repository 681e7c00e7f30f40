import { smallFileLimit } from "../../core/files/transfer-side.ts";
import { atOnce } from "./at-once.ts";
import { below } from "./below.ts";
import { copyFile } from "./copy-file.ts";
import { type CopyJob, type CopyRun, compares } from "./copy-run.ts";
import { TreeCopy } from "./copy-tree.ts";
import { refuseFull } from "./room.ts";
import { bringUpToDate, isThere } from "./same-file.ts";

/** Small files that were named by themselves, and large ones. */
const atATime = { small: 24, large: 3 } as const;

/** Files first, since their sizes are known; then one directory after the other. @throws what ends everything */
export const copyJobs = async (run: CopyRun, jobs: readonly CopyJob[]): Promise<void> => {
  const trees = jobs.filter(({ facts }) => facts.type === "directory");
  const files: CopyJob[] = [];
  await atOnce(
    jobs.filter(({ facts }) => facts.type !== "directory"),
    atATime.small,
    async (job) => {
      if (await isToTravel(run, job)) files.push(job);
    },
  );
  for (const { facts } of files) run.tally.expect(facts.size);
  if (trees.length === 0) run.tally.expectNoMore();
  await refuseWithoutRoom(run, files);
  const small = files.filter(({ facts }) => facts.size <= smallFileLimit);
  const large = files.filter(({ facts }) => facts.size > smallFileLimit);
  const copy = (job: CopyJob): Promise<void> => copyFile(run, job, "", job.facts);
  await atOnce(small, atATime.small, copy);
  await atOnce(large, run.request.parallel ?? atATime.large, copy);
  let left = trees.length;
  for (const tree of trees) {
    await new TreeCopy(run, tree).copy(() => {
      if (--left === 0) run.tally.expectNoMore();
    });
  }
};

const isToTravel = async (run: CopyRun, job: CopyJob): Promise<boolean> => {
  const { now, facts, root, prefix } = job;
  const isDry = run.request.sync?.dryRun === true;
  try {
    if (now !== null && compares(run) && (await isThere(run, job, "", facts, now))) {
      if (!isDry) await bringUpToDate(run, job, "", facts, now);
      run.tally.counts.unchanged++;
      return false;
    }
  } catch (thrown) {
    run.tally.failed(job.from, thrown);
    return false;
  }
  if (isDry) run.tally.change("+", below(root, prefix));
  return !isDry;
};

/** Bytes that are worth a question beforehand: what fits nearly everywhere is just written. */
const worthAsking = 64 * 1024 * 1024;

const refuseWithoutRoom = async (run: CopyRun, files: readonly CopyJob[]): Promise<void> => {
  const [first] = files;
  const needed = files.reduce((sum, { facts }) => sum + facts.size, 0);
  // A part that is there already needs no room again.
  if (first === undefined || run.request.resume || needed < worthAsking) return;
  const free = await first.destination.free(first.root).catch(() => null);
  if (free !== null) refuseFull(first, needed, free);
};
