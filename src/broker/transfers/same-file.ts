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
  const { sync } = run.request;
  if (sync === null ? sameTime : !sync.byChecksum) return sameTime;
  const target = below(job.root, below(job.prefix, path));
  return (await sameHash(job.source, below(job.from, path), job.destination, target)) === true;
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

/** Of a file that is there: what a copy would have given it beside its content. */
export const bringUpToDate = async (
  { request }: CopyRun,
  { root, prefix, destination }: CopyJob,
  path: string,
  facts: FileFacts,
  now: FileFacts,
): Promise<void> => {
  const keepsTime = request.preserve || request.sync !== null;
  const mode = facts.mode === null ? null : facts.mode & modesFor(destination);
  const changes = {
    ...(request.preserve && mode !== null && mode !== now.mode ? { mode } : {}),
    ...(keepsTime && facts.mtime !== null && facts.mtime !== now.mtime ? { mtime: facts.mtime } : {}),
  };
  if (Object.keys(changes).length > 0) await destination.change(root, below(prefix, path), changes);
};
