/** Transfers that remember what they were asked, for an operation that runs alone. */
import type { CallScope } from "../../src/core/call-scope.ts";
import type { TransferReport, TransferRequest, TransferStreams, Transfers } from "../../src/core/files/transfers.ts";
import type { Report } from "../../src/operations/transfer-fields.ts";

export const copied: TransferReport = {
  files: 12,
  directories: 0,
  links: 0,
  bytes: 3_400_000,
  unchanged: 0,
  resumedBytes: 0,
  deleted: 0,
  verification: null,
  failures: [],
  moreFailures: 0,
  changes: null,
};

const failure = {
  path: "db:/etc/shadow",
  code: "REMOTE_PERMISSION",
  message: "no permission",
  bytesDone: null,
} as const;

export const report: Report = { ...copied, failures: [], changes: null, durationMs: 1200 };

/** Every field by itself. */
export const reportChanges: { [K in keyof Report]: Report[K][] } = {
  files: [11],
  directories: [1],
  links: [1],
  bytes: [3_500_000],
  unchanged: [3],
  resumedBytes: [1000],
  deleted: [2],
  verification: ["verified", "mismatched", "unavailable"],
  failures: [
    [failure],
    [{ ...failure, path: "db:/etc/other" }],
    [{ ...failure, code: "REMOTE_IO" }],
    [{ ...failure, message: "the disk is full" }],
    [{ ...failure, bytesDone: 1_000_000 }],
  ],
  moreFailures: [7],
  changes: [[], ["+ a"], ["- a"]],
  durationMs: [2400],
};

export class FakeTransfers implements Transfers {
  readonly requests: TransferRequest[] = [];
  readonly scopes: CallScope[] = [];

  /** @param work what a transfer does */
  constructor(
    readonly work: (streams: TransferStreams, scope: CallScope) => Promise<TransferReport> = async () => copied,
  ) {}

  async run(request: TransferRequest, streams: TransferStreams, scope: CallScope): Promise<TransferReport> {
    this.requests.push(request);
    this.scopes.push(scope);
    return await this.work(streams, scope);
  }
}
