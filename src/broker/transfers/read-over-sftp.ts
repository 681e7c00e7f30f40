import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import type { SmallFile } from "../../core/files/transfer-side.ts";
import { atOnce } from "./at-once.ts";
import { Queue } from "./queue.ts";
import type { ReadMany } from "./remote-read-many.ts";
import { readSmall } from "./remote-small.ts";

/** Files that are read at once. */
const readAtOnce = 32;

/** Small files, each by itself with many under way; what cannot be read is told. */
export async function* readOverSftp(
  read: ReadMany,
  paths: readonly string[],
): AsyncGenerator<readonly SmallFile[], void> {
  const found = new Queue<SmallFile>(readAtOnce);
  const reading = atOnce(paths, readAtOnce, async (path) => {
    try {
      await found.put(await readSmall(read.machine.files, read.root, path));
    } catch (thrown) {
      const error = toSshMcpError(thrown);
      read.onFailed({ path, code: error.code, message: error.message });
    }
  });
  reading.then(
    () => found.end(),
    (error: unknown) => found.fail(error),
  );
  try {
    for (;;) {
      const files = await found.take(readAtOnce);
      if (files.length === 0) return;
      yield files;
    }
  } finally {
    found.fail(new SshMcpError("CANCELED", "nobody reads the files any more"));
  }
}
