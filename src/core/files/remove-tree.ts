/** Removing a directory with all that is in it, by the names that a server lists: where there is no sh that could do it at once. */
import { SshMcpError } from "../errors.ts";
import { shown } from "../escape.ts";
import type { DirectoryEntry } from "./file-facts.ts";
import { nameProblem } from "./file-name.ts";
import type { RemoteFiles } from "./remote-files.ts";
import { joined } from "./remote-path.ts";

/** Requests on their way at once. */
const atOnce = 32;
/** Looks into one directory: names may come while others go. */
const mostLooks = 16;

/**
 * No link is followed: what is listed as a directory is looked at by lstat right before it is entered. SFTP knows no way to hold a directory
 * between the two, so that whoever may write there can still turn it into a link in the middle.
 * @param path absolute, and no link
 * @returns how many names were removed, its own among them
 * @throws SshMcpError as RemoteFiles; PROTOCOL_ERROR for a name that is none
 */
export const removeTree = async (files: RemoteFiles, path: string, signal: AbortSignal): Promise<number> => {
  let removed = 0;
  for (let look = 0; ; look++) {
    let found = 0;
    for await (const batch of files.list(path)) {
      signal.throwIfAborted();
      found += batch.length;
      removed += await removeEntries(files, path, batch, signal);
    }
    if (found > 0 && look < mostLooks) continue;
    await files.removeDirectory(path);
    return removed + 1;
  }
};

const removeEntries = async (
  files: RemoteFiles,
  directory: string,
  entries: readonly DirectoryEntry[],
  signal: AbortSignal,
): Promise<number> => {
  let removed = 0;
  const directories: string[] = [];
  const plain: string[] = [];
  for (const { name, facts } of entries) {
    const problem = nameProblem(name, "linux");
    if (problem !== null) throw new SshMcpError("PROTOCOL_ERROR", `a name in ${shown(directory)} ${problem}`);
    const mayBeDirectory = facts.type === "directory" || facts.type === "unknown";
    (mayBeDirectory ? directories : plain).push(joined(directory, name));
  }
  for (let at = 0; at < plain.length; at += atOnce) {
    signal.throwIfAborted();
    await together(plain.slice(at, at + atOnce).map((path) => gone(files.remove(path))));
  }
  removed += plain.length;
  for (const path of directories) {
    signal.throwIfAborted();
    const facts = await files.lstat(path);
    if (facts === null) continue;
    if (facts.type === "directory") removed += await removeTree(files, path, signal);
    else {
      await gone(files.remove(path));
      removed++;
    }
  }
  return removed;
};

/** All have ended when the first failure is told. */
const together = async (work: readonly Promise<void>[]): Promise<void> => {
  const failed = (await Promise.allSettled(work)).find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
};

/** What somebody else has removed is removed. */
const gone = async (work: Promise<void>): Promise<void> => {
  try {
    await work;
  } catch (thrown) {
    if (!(thrown instanceof SshMcpError && thrown.code === "NOT_FOUND")) throw thrown;
  }
};
