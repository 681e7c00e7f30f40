/** Why something failed, where the server said no more than "Failure". */
import type { FileFacts } from "../../core/files/file-facts.ts";
import { inTurns } from "./list-directory.ts";
import {
  dropHandle,
  fileSystemOf,
  lstatPath,
  openDirectory,
  type PathBytes,
  readDirectory,
  statPath,
} from "./requests.ts";
import type { SftpClient } from "./sftp-client.ts";
import type { Reason } from "./sftp-failure.ts";

const isDirectory: Reason = { code: "REMOTE_IO", words: "it is a directory" };
const isNoDirectory: Reason = { code: "REMOTE_IO", words: "it is not a directory" };
const exists: Reason = { code: "ALREADY_EXISTS", words: "it exists already" };

/** What stood in the way of a name that was to be new. */
export const whyNotNew = async (client: SftpClient, path: PathBytes): Promise<Reason | null> =>
  (await factsOf(lstatPath(client, path))) === null ? await whyNoRoom(client, parentOf(path)) : exists;

/** What stood in the way of opening or writing a file. */
export const whyNoFile = async (client: SftpClient, path: PathBytes): Promise<Reason | null> => {
  const facts = await factsOf(statPath(client, path));
  if (facts?.type === "directory") return isDirectory;
  return await whyNoRoom(client, facts === null ? parentOf(path) : path);
};

export const whyNotRemoved = async (client: SftpClient, path: PathBytes): Promise<Reason | null> => {
  const facts = await factsOf(lstatPath(client, path));
  return facts?.type === "directory" ? isDirectory : await whyNoRoom(client, parentOf(path));
};

/** What stood in the way of a directory's removal; a status of NO_SUCH_FILE may mean that it is none. */
export const whyDirectoryStays = async (client: SftpClient, path: PathBytes): Promise<Reason | null> => {
  const facts = await factsOf(lstatPath(client, path));
  if (facts !== null && facts.type !== "directory") return isNoDirectory;
  return (await isEmpty(client, path)) === false ? { code: "REMOTE_IO", words: "the directory is not empty" } : null;
};

/** What stood in the way of listing. */
export const whyNoList = async (client: SftpClient, path: PathBytes): Promise<Reason | null> => {
  const facts = await factsOf(statPath(client, path));
  return facts !== null && facts.type !== "directory" ? isNoDirectory : null;
};

/** What stood in the way of renaming; whether the new name is there is for the caller. */
export const whyNotRenamed = async (client: SftpClient, from: PathBytes, to: PathBytes): Promise<Reason | null> => {
  const [source, target, here, there] = await Promise.all([
    factsOf(lstatPath(client, from)),
    factsOf(lstatPath(client, to)),
    factsOf(fileSystemOf(client, parentOf(from))),
    factsOf(fileSystemOf(client, parentOf(to))),
  ]);
  if (target?.type === "directory" && source?.type !== "directory") {
    return { code: "REMOTE_IO", words: "the new name is a directory" };
  }
  if (here !== null && there !== null && here.id !== there.id) {
    return { code: "REMOTE_IO", words: "the two names are on different file systems" };
  }
  return await whyNoRoom(client, parentOf(to));
};

/** @param path of something that is there */
export const whyNoRoom = async (client: SftpClient, path: PathBytes): Promise<Reason | null> => {
  const system = await factsOf(fileSystemOf(client, path));
  if (system === null) return null;
  if (system.isReadOnly) return { code: "REMOTE_IO", words: "the file system is read-only" };
  // One request at most did not fit.
  if (system.blocks > 0n && system.freeBytes < mostRequest) return { code: "REMOTE_IO", words: "the disk is full" };
  if (system.files > 0n && system.freeFiles === 0n) {
    return { code: "REMOTE_IO", words: "the file system has no room for another file" };
  }
  return null;
};

const mostRequest = 256 * 1024;

/** What a look finds; one that fails finds nothing. */
export const factsOf = async <T>(look: Promise<T>): Promise<T | null> => {
  try {
    return await look;
  } catch {
    return null;
  }
};

/** Null when nobody can say. */
const isEmpty = async (client: SftpClient, path: PathBytes): Promise<boolean | null> => {
  const handle = await factsOf(openDirectory(client, path));
  if (handle === null) return null;
  try {
    const entries = (await readDirectory(client, handle)) ?? [];
    for await (const part of inTurns(client, entries)) {
      if (part.some(({ name }) => name !== "." && name !== "..")) return false;
    }
    return true;
  } catch {
    return null;
  } finally {
    dropHandle(client, handle);
  }
};

export const isSame = (one: FileFacts, other: FileFacts): boolean =>
  one.type === other.type &&
  one.size === other.size &&
  one.mode === other.mode &&
  one.uid === other.uid &&
  one.gid === other.gid &&
  one.mtime === other.mtime;

const slash = 0x2f;

/** The directory that a name stands in. */
export const parentOf = (path: PathBytes): PathBytes => {
  let end = path.length;
  while (end > 1 && path[end - 1] === slash) end--;
  const cut = path.subarray(0, end).lastIndexOf(slash);
  return cut < 0 ? Buffer.from(".") : path.subarray(0, Math.max(cut, 1));
};
