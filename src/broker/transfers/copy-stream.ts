import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { directoryOf, finalPlace } from "../../core/files/final-place.ts";
import { endsWithSlash } from "../../core/files/remote-path.ts";
import { partName } from "../../core/files/transfer-side.ts";
import type { Sink } from "../../core/sink.ts";
import { nameOf } from "./below.ts";
import type { CopyRun } from "./copy-run.ts";
import type { Placed } from "./placed.ts";
import { where } from "./plan.ts";

/** Standard input becomes a file, when all of it has come. @throws as TransferSide */
export const fromStream = async (
  { tally, limit }: CopyRun,
  stdin: AsyncIterable<Uint8Array>,
  destination: Placed,
): Promise<void> => {
  const now = await destination.side.look(destination.path);
  if (now?.type === "directory" || endsWithSlash(destination.path)) {
    throw new SshMcpError(
      "INVALID_INPUT",
      `${where(destination)} is a directory: standard input needs the name of a file`,
    );
  }
  const counted = async function* (): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of stdin) {
      for await (const piece of limit === null ? [chunk] : limit.pieces(chunk)) {
        const { length } = piece;
        yield piece;
        tally.moved(length, destination.path);
      }
    }
  };
  const { side, machine, path } = destination;
  const place = machine === null ? null : await finalPlace(machine.files, path, true);
  try {
    await side.write(path, "", counted(), 0, { mode: null, mtime: null, masked: true });
  } catch (error) {
    // What came through a stream does not come again: nothing goes on from its part, where that is not another transfer's.
    const isOurs = toSshMcpError(error).code !== "PRECONDITION_FAILED";
    if (isOurs && machine !== null && place !== null) await machine.files.remove(partOf(place.path)).catch(() => {});
    throw error;
  }
  tally.copied(1);
};

const partOf = (path: string): string => `${directoryOf(path)}${partName(nameOf(path))}`;

/** A file becomes standard output. @throws as TransferSide; what was written by then stays written */
export const toStream = async ({ tally, limit, signal }: CopyRun, source: Placed, stdout: Sink): Promise<void> => {
  const facts = await source.side.look(source.path);
  if (facts === null) throw new SshMcpError("NOT_FOUND", `${where(source)} is not there`);
  if (facts.type !== "file" && facts.type !== "unknown") {
    throw new SshMcpError("INVALID_INPUT", `${where(source)} is no regular file (${facts.type})`);
  }
  tally.expect(facts.size);
  tally.expectNoMore();
  for await (const chunk of source.side.read(source.path, 0)) {
    for await (const piece of limit === null ? [chunk] : limit.pieces(chunk)) {
      signal.throwIfAborted();
      const { length } = piece;
      await stdout.write(piece);
      tally.moved(length, source.path);
    }
  }
  tally.copied(1);
};
