import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { DirectoryEntry } from "../../core/files/file-facts.ts";
import { nameProblem } from "../../core/files/file-name.ts";
import type { RemoteFiles } from "../../core/files/remote-files.ts";
import type { Refusal, TreeEntry } from "../../core/files/transfer-side.ts";
import { atOnce } from "./at-once.ts";
import { below } from "./below.ts";
import { Queue } from "./queue.ts";
import { endsAll } from "./tally.ts";

/** Directories that are listed at once. */
const listedAtOnce = 8;
/** Links that are read at once, of one directory. */
const linksAtOnce = 32;
/** Batches that wait for their reader. */
const waiting = 32;

/**
 * What is below a directory of a server: several directories are listed at once, the last found first, so that few wait. A name that is none is
 * refused, and so is a folder that cannot be read.
 */
export async function* walkRemote(
  files: RemoteFiles,
  root: string,
  onRefused: (refusal: Refusal) => void,
): AsyncGenerator<readonly TreeEntry[], void> {
  const found = new Queue<readonly TreeEntry[]>(waiting);
  const folders = [""];
  let listing = 0;
  const list = async (folder: string): Promise<void> => {
    let isEmpty = true;
    for await (const batch of files.list(below(root, folder))) {
      isEmpty &&= batch.length === 0;
      const entries = await entriesOf(files, root, folder, batch, onRefused);
      if (entries.length === 0) continue;
      await found.put(entries);
      for (const { path, facts } of entries) if (facts.type === "directory") folders.push(path);
      goOn();
    }
    // One that may be read and not entered looks so, too: servers leave out what they cannot say anything of.
    const at = below(root, folder);
    if (isEmpty && (await files.lstat(below(at, "."))) === null)
      throw new SshMcpError("NOT_FOUND", `${shown(at)} is not there any more`);
  };
  const listOne = async (folder: string): Promise<void> => {
    try {
      await list(folder);
    } catch (thrown) {
      const error = toSshMcpError(thrown);
      if (folder === "" || endsAll(error)) found.fail(error);
      else onRefused({ path: folder, code: error.code, message: error.message });
    }
    listing--;
    if (listing === 0 && folders.length === 0) found.end();
    else goOn();
  };
  const goOn = (): void => {
    while (listing < listedAtOnce) {
      const folder = folders.pop();
      if (folder === undefined) return;
      listing++;
      listOne(folder).catch((error: unknown) => found.fail(error));
    }
  };
  goOn();
  try {
    yield* found;
  } finally {
    folders.length = 0;
    found.fail(new SshMcpError("CANCELED", "nobody reads the listing any more"));
  }
}

const entriesOf = async (
  files: RemoteFiles,
  root: string,
  folder: string,
  batch: readonly DirectoryEntry[],
  onRefused: (refusal: Refusal) => void,
): Promise<TreeEntry[]> => {
  const entries: TreeEntry[] = [];
  const slow: DirectoryEntry[] = [];
  for (const entry of batch) {
    const path = below(folder, entry.name);
    const problem = nameProblem(entry.name, "linux");
    if (problem !== null) {
      const message = `${shown(entry.name)}, a name in ${shown(below(root, folder))} on the server, ${problem}`;
      onRefused({ path, code: "INVALID_INPUT", message });
    } else if (entry.facts.type === "symlink" || entry.facts.type === "unknown") slow.push(entry);
    else entries.push({ path, facts: entry.facts, linkTarget: null });
  }
  await atOnce(slow, linksAtOnce, async ({ name, facts: listed }) => {
    const path = below(folder, name);
    try {
      const facts = listed.type === "unknown" ? await files.lstat(below(root, path)) : listed;
      if (facts === null) return;
      const linkTarget = facts.type === "symlink" ? await files.readLink(below(root, path)) : null;
      entries.push({ path, facts, linkTarget });
    } catch (thrown) {
      const error = toSshMcpError(thrown);
      if (endsAll(error)) throw error;
      onRefused({ path, code: error.code, message: error.message });
    }
  });
  return entries;
};
