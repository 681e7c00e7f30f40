import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { writeBeside } from "../../core/files/beside.ts";
import type { FileChanges, FileFacts } from "../../core/files/file-facts.ts";
import { directoryOf } from "../../core/files/final-place.ts";
import type { RemoteFiles } from "../../core/files/remote-files.ts";
import type { FileForm } from "../../core/files/transfer-side.ts";
import type { ServerTools } from "./remote-tools.ts";

export interface RemoteWrite {
  /** The final name; no link that is to be followed. */
  path: string;
  /** Runs one that no other transfer writes meanwhile. */
  alone: <T>(write: () => Promise<T>) => Promise<T>;
  /** What lies there now. */
  now: FileFacts | null;
  /** Name beside it that stays when the writing breaks; null for one that does not. */
  part: string | null;
  /** Bytes of the part that are kept. */
  from: number;
  form: FileForm;
  /** Bytes that come, as far as anybody knows. */
  expected?: number | undefined;
  /** Asked for when it is known by then. */
  tools: () => Promise<ServerTools>;
  onWritten?: (bytes: number) => void;
}

/** A file appears under its name when all of it is there, with the mode and the time that it is to have; what was there keeps its owner where it can. */
export const writeRemote = async (
  files: RemoteFiles,
  bytes: AsyncIterable<Uint8Array>,
  write: RemoteWrite,
): Promise<void> => {
  refuseDirectory(write.path, write.now);
  await write.alone(() => written(files, bytes, write));
};

const written = async (
  files: RemoteFiles,
  bytes: AsyncIterable<Uint8Array>,
  { path, now, part, from, form, expected, tools, onWritten }: RemoteWrite,
): Promise<void> => {
  const before = now?.type === "file" ? now : null;
  const mode = finalMode(form, before, needsMask(form, before) ? (await tools()).umask : 0);
  // As scp(1) and rsync(1): a copy that a crash of the server takes is made again.
  let there = from;
  const options = {
    ...{ part, from, expected, sync: false },
    onWritten: (count: number) => {
      there = from + count;
      onWritten?.(count);
    },
  };
  const writing = writeBeside(files, path, bytes, 0o600, formsOf(form, mode, before), options);
  const beside = await writing.catch(async (thrown: unknown) => {
    const { code } = toSshMcpError(thrown);
    // Nothing goes on from nothing. One that was made by somebody else meanwhile is not ours.
    const isOurs = part !== null && there === 0 && code !== "ALREADY_EXISTS" && code !== "CONNECTION_LOST";
    if (isOurs) await files.remove(`${directoryOf(path)}${part}`).catch(() => {});
    throw thrown;
  });
  try {
    // Its name is the same for everybody: another broker, or another user's transfer, may have taken it over.
    const whole = await files.lstat(beside.path);
    // A server that tells no permissions tells no type; its size may be missing as well.
    const isOther =
      whole === null || (whole.type === "file" ? whole.size !== from + beside.bytes : whole.type !== "unknown");
    if (isOther) {
      const message = `${shown(beside.path)} is not what was written: another transfer writes the same file`;
      throw new SshMcpError("PRECONDITION_FAILED", message);
    }
    await files.rename(beside.path, path, true);
  } catch (error) {
    if (part === null) await files.remove(beside.path).catch(() => {});
    throw error;
  }
};

/** As `writeAtomically` has it: who may not give it away keeps it, without what was meant for its owner's programs, and perhaps for its group. */
const formsOf = ({ mtime, masked, mode: asked }: FileForm, mode: number, before: FileFacts | null): FileChanges[] => {
  const time = mtime === null ? {} : { mtime };
  if (before === null || before.uid === null || before.gid === null) return [{ mode, ...time }];
  const { uid, gid } = before;
  const isAsked = asked !== null && !masked;
  return [
    { uid, gid, mode, ...time },
    { gid, mode: mode & 0o1777, ...time },
    // The group's bits were for a group that this file does not have: it gets what everybody has.
    { mode: isAsked ? mode & 0o1777 : (mode & 0o1707) | ((mode & 0o7) << 3), ...time },
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
