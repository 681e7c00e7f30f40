import { toSshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { FileFacts } from "../../core/files/file-facts.ts";
import { below } from "./below.ts";
import { type CopyJob, type CopyRun, formOf } from "./copy-run.ts";
import { endsAll } from "./tally.ts";
import { verifyCopy } from "./verify.ts";

/**
 * Copies one file by itself, going on with what a broken transfer left when that is asked for. What fails is told.
 * @param path below the source; empty for the source itself
 * @throws SshMcpError what ends everything, after it was told
 */
export const copyFile = async (run: CopyRun, job: CopyJob, path: string, facts: FileFacts): Promise<void> => {
  const { tally, request } = run;
  const place = below(job.prefix, path);
  const source = below(job.from, path);
  let from = 0;
  let passed = 0;
  try {
    // Before anything is begun at the destination: what cannot be read leaves nothing there.
    const opened = (request.resume ? await goneOn(run, job, path, facts) : null) ?? (await Opened.of(job, path, 0));
    from = opened.from;
    tally.resumed(from);
    const bytes = passing(run, opened.bytes(), (count) => {
      passed += count;
      tally.moved(count, source);
    });
    try {
      const form = formOf(run, facts, job.destination);
      await job.destination.write(job.root, place, bytes, from, form, facts.size - from);
    } finally {
      // What broke is told at once, also while the source gives nothing.
      void opened.close().catch(() => undefined);
    }
    tally.copied(1);
  } catch (thrown) {
    // A file that goes on from the end of its part has nothing to send, and is no less broken.
    const bytesDone = await bytesThere(job, place, from + passed);
    tally.failed(source, thrown, bytesDone);
    return;
  }
  if (!request.verify) return;
  await verifyCopy(run, job, path).catch((thrown: unknown) => tally.failed(below(job.root, place), thrown));
};

/** Chunks under the limit of the rate, until the call is over. */
async function* passing(
  { limit, signal }: CopyRun,
  bytes: AsyncIterable<Uint8Array>,
  onPassed: (count: number) => void,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    for await (const piece of limit === null ? [chunk] : limit.pieces(chunk)) {
      // See `lend`: afterwards it may be nobody's.
      const { length } = piece;
      yield piece;
      onPassed(length);
    }
  }
}

/** A source that is being read. */
class Opened {
  readonly from: number;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #first: IteratorResult<Uint8Array>;

  private constructor(from: number, chunks: AsyncIterator<Uint8Array>, first: IteratorResult<Uint8Array>) {
    this.from = from;
    this.#chunks = chunks;
    this.#first = first;
  }

  /** Waits for the first of its bytes. @throws as `TransferSide.read` */
  static async of({ source, from: operand }: CopyJob, path: string, from: number): Promise<Opened> {
    const chunks = source.read(below(operand, path), from)[Symbol.asyncIterator]();
    return new Opened(from, chunks, await chunks.next());
  }

  async *bytes(): AsyncGenerator<Uint8Array, void> {
    for (let next = this.#first; next.done !== true; next = await this.#chunks.next()) yield next.value;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

/** What a link that breaks may leave undone before bytes that are there: several lanes write at once. */
const mostAhead = 17 * 1024 * 1024;

/** The source behind what can stay of a part: as much as is the same on both sides. Null for nothing. */
const goneOn = async (run: CopyRun, job: CopyJob, path: string, facts: FileFacts): Promise<Opened | null> => {
  const place = below(job.prefix, path);
  const target = below(job.root, place);
  const part = (await job.destination.part(job.root, place)) ?? 0;
  const whole = Math.min(part, facts.size);
  let why = "";
  for (const length of [whole, whole - mostAhead].filter((bytes) => bytes > 0)) {
    // Open before it is compared: another file that takes its name meanwhile is not what is read, or is what is compared.
    const opened = await Opened.of(job, path, length);
    try {
      const [there, here] = await Promise.all([
        job.destination.hash(target, length, true),
        job.source.hash(below(job.from, path), length, false),
      ]);
      if (there !== null && there === here) return opened;
      why = there === null || here === null ? "nothing there can compare it" : "its part is not what the source has";
    } catch (error) {
      await opened.close();
      throw error;
    }
    await opened.close();
  }
  if (why !== "") run.notice(`${shown(target)} starts over: ${why}`);
  return null;
};

/** Bytes that the next try may find; those that were sent where nobody can say any more. */
const bytesThere = async (job: CopyJob, place: string, sent: number): Promise<number> => {
  try {
    return (await job.destination.part(job.root, place)) ?? 0;
  } catch (thrown) {
    return endsAll(toSshMcpError(thrown)) ? sent : 0;
  }
};
