import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { writeBeside } from "../../core/files/beside.ts";
import type { FileChanges, FileFacts } from "../../core/files/file-facts.ts";
import type { RemoteFiles } from "../../core/files/remote-files.ts";
import type { FileForm } from "../../core/files/transfer-side.ts";
import type { ServerTools } from "./remote-tools.ts";

export interface RemoteWrite {
  /** The final name; no link that is to be followed. */
  path: string;
  /** What lies there now. */
  now: FileFacts | null;
  /** Name beside it that stays when the writing breaks; null for one that does not. */
  part: string | null;
  /** Bytes of the part that are kept. */
  from: number;
  form: FileForm;
  /** Asked for when it is known by then. */
  tools: () => Promise<ServerTools>;
  onWritten?: (bytes: number) => void;
}

/** A file appears under its name when all of it is there, with the mode and the time that it is to have; what was there keeps its owner where it can. */
export const writeRemote = async (
  files: RemoteFiles,
  bytes: AsyncIterable<Uint8Array>,
  { path, now, part, from, form, tools, onWritten }: RemoteWrite,
): Promise<void> => {
  refuseDirectory(path, now);
  const before = now?.type === "file" ? now : null;
  const mode = finalMode(form, before, needsMask(form, before) ? (await tools()).umask : 0);
  const options = { part, from, ...(onWritten === undefined ? {} : { onWritten }) };
  const beside = await writeBeside(files, path, bytes, 0o600, formsOf(form, mode, before), options);
  try {
    await files.rename(beside.path, path, true);
  } catch (error) {
    if (part === null) await files.remove(beside.path).catch(() => {});
    throw error;
  }
};

/** Who may not give it away keeps it, without what was meant for its owner's programs. */
const formsOf = ({ mtime }: FileForm, mode: number, before: FileFacts | null): FileChanges[] => {
  const time = mtime === null ? {} : { mtime };
  if (before === null || before.uid === null || before.gid === null) return [{ mode, ...time }];
  return [
    { uid: before.uid, gid: before.gid, mode, ...time },
    { mode: mode & 0o1777, ...time },
  ];
};

/** @throws SshMcpError ALREADY_EXISTS */
export const refuseDirectory = (path: string, now: FileFacts | null): void => {
  if (now?.type === "directory") {
    throw new SshMcpError("ALREADY_EXISTS", `${shown(path)} is a directory, and is not replaced by a file`);
  }
  if (now !== null && !["file", "symlink", "unknown"].includes(now.type)) {
    throw new SshMcpError("ALREADY_EXISTS", `${shown(path)} is no regular file but a ${now.type}, and is not replaced`);
  }
};

/** Permission bits of a file that is to be as `form` says, over one that may be there. */
export const finalMode = ({ mode, masked }: FileForm, before: FileFacts | null, umask: number): number => {
  const isFree = mode === null || masked;
  if (isFree && before !== null && before.mode !== null) return before.mode;
  if (mode === null) return 0o666 & ~umask;
  return masked ? mode & 0o777 & ~umask : mode;
};

export const needsMask = ({ mode, masked }: FileForm, before: FileFacts | null): boolean =>
  (mode === null || masked) && (before?.mode ?? null) === null;
