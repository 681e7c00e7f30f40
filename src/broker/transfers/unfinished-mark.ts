import { unfinishedName } from "./below.ts";
import type { CopyJob, CopyRun } from "./copy-run.ts";

/** Stands in the directory that a copy makes until nothing of it is left to do; see `unfinishedName`. */
export class UnfinishedMark {
  readonly #run: CopyRun;
  readonly #job: CopyJob;
  readonly #failedBefore: number;

  constructor(run: CopyRun, job: CopyJob) {
    this.#run = run;
    this.#job = job;
    this.#failedBefore = run.tally.failureCount;
  }

  async make(): Promise<void> {
    const { now, root, destination } = this.#job;
    if (!this.#isMarked || now !== null) return;
    // A directory, because it takes one round trip. It is a help and no more: what cannot be made there, the files will say.
    await destination.makeDirectory(root, unfinishedName, 0o700).catch(() => {});
  }

  /** It stays where something failed, which may be tried again with the same words. */
  async remove(): Promise<void> {
    if (!this.#isMarked || this.#run.tally.failureCount > this.#failedBefore) return;
    await this.#job.destination.remove(this.#job.root, unfinishedName).catch(() => {});
  }

  get #isMarked(): boolean {
    const { now, prefix, root } = this.#job;
    return this.#run.request.sync === null && prefix === "" && (now === null || this.#run.unfinished.has(root));
  }
}
