/** How far a transfer is, told to whoever called. */
import { formatAmount, formatCount, formatPart } from "../core/files/amount.ts";
import { Rate } from "../core/files/rate.ts";
import type { TransferProgress } from "../core/files/transfers.ts";
import type { Context } from "../core/operation.ts";

/** Nobody reads faster. */
const intervalMs = 100;

/** `3 of 10 files, 12.3 of 100 MB`. */
export const howFar = ({ files, totalFiles, bytes, totalBytes }: TransferProgress): string => {
  const ofFiles = totalFiles === null ? formatCount(files, "file") : `${files} of ${formatCount(totalFiles, "file")}`;
  return `${ofFiles}, ${totalBytes === null ? formatAmount(bytes) : formatPart(bytes, totalBytes)}`;
};

export class ProgressTeller {
  readonly #context: Pick<Context, "progress" | "watched">;
  #rate: Rate | null = null;
  #toldAt = Number.NEGATIVE_INFINITY;
  #last: TransferProgress | null = null;

  constructor(context: Pick<Context, "progress" | "watched">) {
    this.#context = context;
  }

  /** The last that was heard; null when it never began. */
  get last(): TransferProgress | null {
    return this.#last;
  }

  /** To be called as often as one likes: it is told ten times a second at most. */
  readonly hear = (now: TransferProgress): void => {
    this.#last = now;
    const at = performance.now();
    if (this.#context.watched === false || at - this.#toldAt < intervalMs) return;
    this.#toldAt = at;
    // From the first word on: a login is no part of the way.
    this.#rate ??= new Rate(at, now.bytes);
    this.#rate.update(now.bytes, at);
    const rate = this.#rate.now;
    this.#context.progress(`${howFar(now)}${rate === null ? "" : `, ${formatAmount(rate)}/s`}`, now);
  };
}
