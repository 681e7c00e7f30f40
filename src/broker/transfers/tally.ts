import { type ErrorCode, type SshMcpError, toSshMcpError } from "../../core/errors.ts";
import type { TransferFailure, TransferProgress, TransferReport, Verification } from "../../core/files/transfers.ts";

/** Failures that are listed by name. */
const listedFailures = 100;
/** Changes of a dry run that are listed. */
const listedChanges = 1000;
/** Milliseconds between two words about progress. */
const progressEvery = 100;

/** Errors of one file: the others go on. Every other error is the end of the transfer. */
const ofOneFile: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "REMOTE_PERMISSION",
  "REMOTE_IO",
  "LOCAL_IO",
  "UNSUPPORTED",
  "TOO_LARGE",
  "CHECKSUM_MISMATCH",
  "POLICY_DENIED",
  "INVALID_INPUT",
  "PRECONDITION_FAILED",
]);

export const endsAll = (error: SshMcpError): boolean => !ofOneFile.has(error.code);

/** What a transfer has done, and says while it does it. */
export class Tally {
  readonly #say: (now: TransferProgress) => void;
  readonly #isDry: boolean;
  readonly #now: TransferProgress = { bytes: 0, totalBytes: null, files: 0, totalFiles: null, path: null };
  readonly #expected = { bytes: 0, files: 0 };
  readonly #failures: TransferFailure[] = [];
  readonly #changes: string[] = [];
  #failed = 0;
  #saidAt = Number.NEGATIVE_INFINITY;
  #verification: Verification | null = null;
  readonly counts = { files: 0, directories: 0, links: 0, bytes: 0, unchanged: 0, resumedBytes: 0, deleted: 0 };

  constructor(say: (now: TransferProgress) => void, isDry: boolean) {
    this.#say = say;
    this.#isDry = isDry;
  }

  /** A file that is to travel. */
  expect(bytes: number): void {
    this.#expected.files++;
    this.#expected.bytes += bytes;
  }

  /** Bytes of all files that are to travel, as far as they are known. */
  get expectedBytes(): number {
    return this.#expected.bytes;
  }

  /** Whether anything was done that a report should tell. */
  get hasBegun(): boolean {
    const { files, directories, links, bytes, unchanged, deleted } = this.counts;
    return files + directories + links + bytes + unchanged + deleted + this.#failed > 0;
  }

  /** All files are known. */
  expectNoMore(): void {
    this.#now.totalBytes = this.#expected.bytes;
    this.#now.totalFiles = this.#expected.files;
    this.#tell(true);
  }

  /** Content that travelled. @param path the file, when it is one that is long under way */
  moved(bytes: number, path: string | null): void {
    this.counts.bytes += bytes;
    this.#now.bytes += bytes;
    this.#now.path = path;
    this.#tell(false);
  }

  /** Content that was there already, of a file that travels. */
  resumed(bytes: number): void {
    this.counts.resumedBytes += bytes;
    this.#now.bytes += bytes;
  }

  copied(files: number): void {
    this.counts.files += files;
    this.#now.files += files;
    this.#tell(false);
  }

  change(sign: "+" | "-", path: string): void {
    if (this.#changes.length < listedChanges) this.#changes.push(`${sign} ${path}`);
  }

  /** The worst of all files is what is said. */
  verified(one: Verification): void {
    const order: readonly (Verification | null)[] = [null, "verified", "unavailable", "mismatched"];
    if (order.indexOf(one) > order.indexOf(this.#verification)) this.#verification = one;
  }

  fail(failure: TransferFailure): void {
    this.#failed++;
    if (this.#failures.length < listedFailures) this.#failures.push(failure);
  }

  /**
   * Notes the failure of one file.
   * @throws what was thrown, as an error with a code, when it is the end of all
   */
  failed(path: string, thrown: unknown, bytesDone: number | null = null): void {
    const error = toSshMcpError(thrown);
    if (!this.#told.has(error)) this.fail({ path, code: error.code, message: error.message, bytesDone });
    this.#told.add(error);
    if (!endsAll(error)) return;
    this.#endings.add(error.code);
    throw error;
  }

  /** Whether this very error is among the failures, or an end of the same kind: a link that is lost is heard of by everything that waits on it. */
  hasTold(error: SshMcpError): boolean {
    return this.#told.has(error) || this.#endings.has(error.code);
  }

  readonly #endings = new Set<ErrorCode>();
  readonly #told = new WeakSet<SshMcpError>();

  report(verifies: boolean): TransferReport {
    this.#tell(true);
    return {
      ...this.counts,
      verification: verifies ? this.#verification : null,
      failures: this.#failures,
      moreFailures: this.#failed - this.#failures.length,
      changes: this.#isDry ? this.#changes : null,
    };
  }

  get failureCount(): number {
    return this.#failed;
  }

  #tell(always: boolean): void {
    const at = performance.now();
    if (!always && at - this.#saidAt < progressEvery) return;
    this.#saidAt = at;
    this.#say({ ...this.#now });
  }
}
