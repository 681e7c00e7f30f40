/** What a copy of one file counts as done, though its bytes are nobody's any more when the destination has taken them. */
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { writeHanded } from "../../../src/broker/process/write-handed.ts";
import { copyFile } from "../../../src/broker/transfers/copy-file.ts";
import type { CopyJob, CopyRun } from "../../../src/broker/transfers/copy-run.ts";
import { RateLimit } from "../../../src/broker/transfers/rate-limit.ts";
import { Tally } from "../../../src/broker/transfers/tally.ts";
import { SshMcpError } from "../../../src/core/errors.ts";
import type { FileFacts } from "../../../src/core/files/file-facts.ts";
import { giveBack, lend } from "../../../src/core/files/lent-bytes.ts";
import type { TransferSide } from "../../../src/core/files/transfer-side.ts";
import type { TransferProgress } from "../../../src/core/files/transfers.ts";
import { giveUp } from "../../../src/core/spent-memory.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);

/**
 * A destination that takes up to 4 MiB ahead writes the first one by itself, and all the others that it takes with the one for which it makes its
 * source wait: that one is gone when the source goes on.
 */
const sizes = [30_000, ...Array<number>(20).fill(250_000)];
const sumOf = (all: readonly number[]): number => all.reduce((sum, size) => sum + size, 0);
const total = sumOf(sizes);
const facts: FileFacts = { type: "file", size: total, mode: 0o644, uid: 0, gid: 0, mtime: 0 };

/** Pieces as an SFTP server's are: their memory is gone when they are given back. */
async function* lent(all: readonly number[]): AsyncGenerator<Uint8Array> {
  for (const [index, size] of all.entries()) {
    const bytes = new Uint8Array(size).fill(index + 1);
    lend(bytes, (memory) => giveUp(new Uint8Array(memory)));
    yield bytes;
  }
}

type Write = (bytes: AsyncIterable<Uint8Array>) => Promise<void>;

const copied = async (write: Write, limit: RateLimit | null = null, all: readonly number[] = sizes) => {
  const told: TransferProgress[] = [];
  const tally = new Tally((now) => told.push(now), false);
  const { signal } = new AbortController();
  const run: CopyRun = {
    ...{ tally, limit, signal, unfinished: new Set<string>(), notice: () => undefined },
    request: { resume: false, verify: false, preserve: false, sync: null } as CopyRun["request"],
  };
  const source = { read: () => lent(all) } as unknown as TransferSide;
  const destination = {
    server: null,
    write: (_root: string, _path: string, bytes: AsyncIterable<Uint8Array>) => write(bytes),
    part: () => Promise.reject(new SshMcpError("CONNECTION_LOST", "it is gone")),
  } as unknown as TransferSide;
  const job: CopyJob = { source, from: "from", destination, root: "to", prefix: "", facts, now: null };
  const failure: unknown = await copyFile(run, job, "", facts).catch((thrown: unknown) => thrown);
  return { failure, report: tally.report(false), shown: told.at(-1)?.bytes };
};

/** Nothing is looked at longer than it takes to give it back. */
const taking = (most: number): Write => {
  let taken = 0;
  return async (bytes) => {
    for await (const piece of bytes) {
      taken += piece.length;
      giveBack(piece);
      expect(piece.buffer.byteLength).toBe(0);
      if (taken >= most) throw new SshMcpError("CONNECTION_LOST", "the connection was lost");
    }
  };
};

describe("what has travelled is counted", () => {
  test("when it is given back at once", async () => {
    const { failure, report, shown } = await copied(taking(Number.POSITIVE_INFINITY));
    expect([failure, report.bytes, report.files, shown]).toEqual([undefined, total, 1, total]);
  });

  test("when it goes into a file that the client has handed over", async () => {
    const path = join(tempDir("handed"), "to");
    const exchange = { isOver: false, sayHanded: () => undefined, sayEnd: () => undefined };
    const { failure, report, shown } = await copied(async (bytes) => {
      expect(await writeHanded(await open(path, "w"), bytes, 0, exchange)).toBeNull();
    });
    expect([failure, report.bytes, report.files, shown]).toEqual([undefined, total, 1, total]);
    const there = readFileSync(path);
    expect(there.equals(Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, index + 1))))).toBe(true);
  });

  test("under a limit, which cuts it", async () => {
    const limit = new RateLimit(2_400_000, new AbortController().signal);
    const few = sizes.slice(0, 3);
    let pieces = 0;
    const write: Write = async (bytes) => {
      for await (const piece of bytes) {
        pieces++;
        giveBack(piece);
      }
    };
    const { report, shown } = await copied(write, limit, few);
    expect([report.bytes, shown]).toEqual([sumOf(few), sumOf(few)]);
    expect(pieces).toBeGreaterThan(few.length);
  });

  test("as far as it came when it broke", async () => {
    const { failure, report } = await copied(taking(30_000 + 10 * 250_000));
    expect(failure).toMatchObject({ code: "CONNECTION_LOST" });
    // The piece that it broke with may be counted or not.
    expect(report.bytes).toBeOneOf([9, 10].map((pieces) => 30_000 + pieces * 250_000));
    expect(report.failures).toMatchObject([{ bytesDone: report.bytes }]);
  });
});
