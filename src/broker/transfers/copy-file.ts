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
    from = request.resume ? await kept(run, job, path, facts) : 0;
    tally.resumed(from);
    const bytes = passing(run, job.source.read(source, from), (count) => {
      passed += count;
      tally.moved(count, source);
    });
    await job.destination.write(job.root, place, bytes, from, formOf(run, facts, job.destination));
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
      yield piece;
      onPassed(piece.length);
    }
  }
}

/** How much of a part can stay: as much as is the same on both sides. */
const kept = async (run: CopyRun, job: CopyJob, path: string, facts: FileFacts): Promise<number> => {
  const place = below(job.prefix, path);
  const target = below(job.root, place);
  const part = (await job.destination.part(job.root, place)) ?? 0;
  const length = Math.min(part, facts.size);
  if (length === 0) return 0;
  const [there, here] = await Promise.all([
    job.destination.hash(target, length, true),
    job.source.hash(below(job.from, path), length, false),
  ]);
  if (there !== null && there === here) return length;
  const why = there === null || here === null ? "nothing there can compare it" : "its part is not what the source has";
  run.notice(`${shown(target)} starts over: ${why}`);
  return 0;
};

/** Bytes that the next try may find; those that were sent where nobody can say any more. */
const bytesThere = async (job: CopyJob, place: string, sent: number): Promise<number> => {
  try {
    return (await job.destination.part(job.root, place)) ?? 0;
  } catch (thrown) {
    return endsAll(toSshMcpError(thrown)) ? sent : 0;
  }
};
