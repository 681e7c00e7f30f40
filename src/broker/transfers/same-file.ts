import type { FileFacts } from "../../core/files/file-facts.ts";
import type { TransferSide } from "../../core/files/transfer-side.ts";
import { below } from "./below.ts";
import { type CopyJob, type CopyRun, modesFor } from "./copy-run.ts";

/**
 * Whether a file is at its destination already. By size and whole seconds of its time, as rsync(1) does; with other times a resumed copy compares the
 * hashes, since without `preserve` no copy has its source's time. By checksum only the hashes count.
 * @param path below the source; empty for the source itself
 */
export const isThere = async (
  run: CopyRun,
  job: CopyJob,
  path: string,
  facts: FileFacts,
  now: FileFacts,
): Promise<boolean> => {
  if (now.type !== "file" || now.size !== facts.size) return false;
  const sameTime = now.mtime !== null && now.mtime === facts.mtime;
  const { sync, verify } = run.request;
  if (!verify && (sync === null ? sameTime : !sync.byChecksum)) return sameTime;
  const target = below(job.root, below(job.prefix, path));
  const same = await sameHash(job.source, below(job.from, path), job.destination, target);
  const isSame = same ?? (verify && sameTime);
  if (verify && isSame) run.tally.verified(same === null ? "unavailable" : "verified");
  return isSame;
};

/** @returns null where one of them cannot compute it */
export const sameHash = async (
  source: TransferSide,
  from: string,
  destination: TransferSide,
  to: string,
): Promise<boolean | null> => {
  const [one, other] = await Promise.all([source.hash(from, null, false), destination.hash(to, null, false)]);
  return one === null || other === null ? null : one === other;
};

/** Whether nothing is to be done for a file, as far as that shows without asking for hashes. */
export const isUntouched = (run: CopyRun, job: CopyJob, facts: FileFacts, now: FileFacts): boolean =>
  run.request.sync?.byChecksum !== true &&
  !run.request.verify &&
  now.type === "file" &&
  now.size === facts.size &&
  now.mtime !== null &&
  now.mtime === facts.mtime &&
  newMode(run, job, facts, now) === null;

/** Of a file that is there: what a copy would have given it beside its content. */
export const bringUpToDate = async (
  run: CopyRun,
  job: CopyJob,
  path: string,
  facts: FileFacts,
  now: FileFacts,
): Promise<void> => {
  const keepsTime = run.request.preserve || run.request.sync !== null;
  const mode = newMode(run, job, facts, now);
  const changes = {
    ...(mode === null ? {} : { mode }),
    ...(keepsTime && facts.mtime !== null && facts.mtime !== now.mtime ? { mtime: facts.mtime } : {}),
  };
  if (Object.keys(changes).length > 0) await job.destination.change(job.root, below(job.prefix, path), changes);
};

const newMode = ({ request }: CopyRun, { destination }: CopyJob, facts: FileFacts, now: FileFacts): number | null => {
  const mode = facts.mode === null ? null : facts.mode & modesFor(destination);
  return request.preserve && mode !== now.mode ? mode : null;
};
