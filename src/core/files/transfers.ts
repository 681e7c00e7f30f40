/** Copying between this machine and servers, as operations ask for it; the broker implements it. */
import type { CallScope } from "../call-scope.ts";
import type { Become } from "../command-form.ts";
import type { DialRequest } from "../dial-request.ts";
import type { ErrorCode } from "../errors.ts";
import type { Sink } from "../sink.ts";
import type { Operand } from "./operand.ts";
import type { TransferSide } from "./transfer-side.ts";

/** How far a transfer is. Totals are null until they are known. */
export interface TransferProgress {
  bytes: number;
  totalBytes: number | null;
  files: number;
  totalFiles: number | null;
  /** The file that is being moved, when it is one. */
  path: string | null;
}

export interface TransferRequest {
  sources: readonly Operand[];
  destination: Operand;
  /** How a server is dialled, beside the operand's own target. */
  dial: Omit<DialRequest, "destination">;
  become: Become | null;
  recursive: boolean;
  /** Keep modes and times. */
  preserve: boolean;
  /** Large files at once; null is the default. */
  parallel: number | null;
  resume: boolean;
  /** Compare SHA-256 of both sides when a file is there. */
  verify: boolean;
  /** Bytes a second; null for none. */
  limit: number | null;
  /** Globs of paths below the source that are left out. */
  exclude: readonly string[];
  /** Only what differs travels; null copies everything. */
  sync: { delete: boolean; dryRun: boolean; byChecksum: boolean } | null;
  /** Between two servers: have the first one copy, with the caller's agent forwarded. */
  direct: boolean;
}

export const verifications = ["verified", "mismatched", "unavailable"] as const;
export type Verification = (typeof verifications)[number];

export interface TransferFailure {
  /** The path as its side names it. */
  path: string;
  code: ErrorCode;
  message: string;
  /** Bytes that are safely there, for `--resume`; null when it is not about bytes. */
  bytesDone: number | null;
}

export interface TransferReport {
  /** Copied. */
  files: number;
  directories: number;
  links: number;
  /** Bytes of content that travelled. */
  bytes: number;
  /** Files that were there already: resumed or synced. */
  unchanged: number;
  /** Bytes that a broken transfer had left, and that did not travel again. */
  resumedBytes: number;
  deleted: number;
  /** Null when it was not asked for, and when there was nothing to compare. */
  verification: Verification | null;
  failures: readonly TransferFailure[];
  /** Failures that are more than are listed. */
  moreFailures: number;
  /** For a dry run: `+ path` to be copied, `- path` to be deleted, at most 1,000; null else. */
  changes: readonly string[] | null;
}

export interface Transfers {
  /**
   * Copies, and reports what could not be copied by name.
   * @throws SshMcpError when nothing could be done at all: a source that is not there, a server that cannot be reached
   */
  run(request: TransferRequest, streams: TransferStreams, scope: CallScope): Promise<TransferReport>;
}

/** What a transfer has of its call beside the scope. */
export interface TransferStreams {
  local: TransferSide;
  stdin: AsyncIterable<Uint8Array>;
  stdout: Sink;
  progress(now: TransferProgress): void;
}
