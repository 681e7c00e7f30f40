import type { RemoteMachine } from "../../core/files/remote-files.ts";
import type { Refusal, SmallFile } from "../../core/files/transfer-side.ts";
import { Names } from "./names.ts";
import { readOverSftp } from "./read-over-sftp.ts";
import type { ServerTools } from "./remote-tools.ts";
import { TarRun } from "./tar-run.ts";

/** Files from which on a tar is worth its program. */
const worthTar = 16;
/** How often a tar may wait in vain for names, before all others are read one by one: see `Names`. */
const mostStalls = 3;

export interface ReadMany {
  machine: RemoteMachine;
  tools: () => Promise<ServerTools>;
  root: string;
  onFailed: (failure: Refusal) => void;
  notice: (message: string) => void;
}

/**
 * Small files of a server. One tar has their names on its standard input and sends them as it comes to them, so that none waits for a round trip; what
 * it does not deliver, for whatever reason, is read over SFTP, which says why.
 */
export async function* readManyRemote(
  read: ReadMany,
  paths: AsyncIterable<readonly string[]>,
): AsyncGenerator<readonly SmallFile[], void> {
  const batches = paths[Symbol.asyncIterator]();
  try {
    const first: string[] = [];
    let isOver = false;
    while (first.length < worthTar && !isOver) {
      const next = await batches.next();
      isOver = next.done === true;
      if (next.done !== true) first.push(...next.value);
    }
    const tar = first.length < worthTar ? null : (await read.tools()).tar;
    if (tar === null) {
      for (let names: readonly string[] | null = first; names !== null; names = await nextOf(batches))
        yield* readOverSftp(read, names);
      return;
    }
    const supply = new Names(first, batches);
    for (let isVain = false; !isVain && supply.stalls < mostStalls && (await supply.hasMore()); ) {
      const run = new TarRun(read, tar, supply);
      yield* run.files();
      isVain = run.isVain;
    }
    for (let names = await supply.take(); names !== null; names = await supply.take()) yield* readOverSftp(read, names);
  } finally {
    await batches.return?.();
  }
}

const nextOf = async (batches: AsyncIterator<readonly string[]>): Promise<readonly string[] | null> => {
  const next = await batches.next();
  return next.done === true ? null : next.value;
};
