import type { FileFacts } from "../../core/files/file-facts.ts";
import type { FileForm, TransferSide } from "../../core/files/transfer-side.ts";
import type { TransferRequest } from "../../core/files/transfers.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { Tally } from "./tally.ts";

/** What all copying of one call has in common. */
export interface CopyRun {
  request: TransferRequest;
  tally: Tally;
  /** Null for none. */
  limit: RateLimit | null;
  signal: AbortSignal;
  /** Destinations that an earlier copy made and was not through with. */
  unfinished: Set<string>;
  notice(message: string): void;
}

/** From one place to another: a file, or a directory with all that is in it. */
export interface CopyJob {
  source: TransferSide;
  /** The operand. */
  from: string;
  destination: TransferSide;
  /** The operand. */
  root: string;
  /** Where it goes below the root; empty for the root itself. */
  prefix: string;
  /** Of the source. */
  facts: FileFacts;
  /** Of what is at its final place now; null for nothing. */
  now: FileFacts | null;
}

/** How a file is to be at its destination. */
export const formOf = ({ request }: CopyRun, facts: FileFacts, destination: TransferSide): FileForm => {
  const mtime = request.preserve || request.sync !== null ? facts.mtime : null;
  const mode = facts.mode === null ? null : facts.mode & modesFor(destination);
  return request.preserve
    ? { mode, mtime, masked: false }
    : { mode: mode === null ? null : mode & 0o777, mtime, masked: true };
};

/** A server does not decide that a program runs as its owner here. */
export const modesFor = (destination: TransferSide): number => (destination.server === null ? 0o777 : 0o7777);

/** Whether content is looked at where sizes and times say that nothing changed. */
export const compares = ({ request }: CopyRun): boolean => request.resume || request.sync !== null;
