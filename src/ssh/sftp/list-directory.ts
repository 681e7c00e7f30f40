import type { DirectoryEntry } from "../../core/files/file-facts.ts";
import { Malformed } from "./malformed.ts";
import type { Entries } from "./replies.ts";
import { dropHandle, type Handle, readDirectory } from "./requests.ts";
import type { SftpClient } from "./sftp-client.ts";

/** READDIRs at once: OpenSSH answers each with 100 names, and a small directory with one. */
const firstDepth = 3;
const mostDepth = 32;
/** Batches without a name: none is the end of a directory, and none may come forever. */
const mostEmpty = 64;

/**
 * The entries of an open directory, which is closed afterwards. The longer it is, the more is asked for ahead.
 * @throws StatusReply, SshMcpError
 */
export async function* listDirectory(client: SftpClient, handle: Handle): AsyncGenerator<readonly DirectoryEntry[]> {
  const batches: Promise<Entries | null>[] = [];
  let depth = firstDepth;
  let hasEnded = false;
  let empty = 0;
  try {
    while (!hasEnded || batches.length > 0) {
      while (!hasEnded && batches.length < depth) {
        const batch = readDirectory(client, handle);
        batch.catch(() => undefined);
        batches.push(batch);
      }
      const entries = await batches.shift();
      // A server that works on several requests at once may say the end before the last names: the rest is still looked at.
      if (entries === null || entries === undefined) hasEnded = true;
      else {
        let isEmpty = true;
        for await (const part of inTurns(client, entries)) {
          if (part.length > 0) isEmpty = false;
          const named = part.filter(({ name }) => name !== "." && name !== "..");
          if (named.length > 0) yield named;
        }
        empty = isEmpty ? empty + 1 : 0;
        if (empty > mostEmpty) throw client.breakOff("a directory without names and without end");
        depth = Math.min(mostDepth, depth + 1);
      }
    }
  } finally {
    dropHandle(client, handle);
  }
}

/** The parts of one batch; others have their turn between two of them. */
export async function* inTurns(client: SftpClient, entries: Entries): AsyncGenerator<readonly DirectoryEntry[]> {
  let isFirst = true;
  try {
    for (const part of entries) {
      if (!isFirst) await new Promise(setImmediate);
      isFirst = false;
      yield part;
    }
  } catch (thrown) {
    throw thrown instanceof Malformed ? client.breakOff(thrown.message) : thrown;
  }
}
