/**
 * Writing a remote file so that whoever looks finds the old one or the new one, whole: beside the final name, then a rename. What this loses is said in
 * the docs: hard links, access control lists and extended attributes stay with the old file.
 */
import { SshMcpError } from "../errors.ts";
import { shown } from "../escape.ts";
import { type BesideOptions, writeBeside } from "./beside.ts";
import type { FileChanges, FileFacts } from "./file-facts.ts";
import { finalPlace } from "./final-place.ts";
import type { RemoteFiles } from "./remote-files.ts";

export interface AtomicOptions extends BesideOptions {
  /** Permission bits of a new file; null leaves them to the server. A file that is there keeps its own. */
  mode: number | null;
  /** Seconds since the epoch; null leaves the time of the writing. */
  mtime: number | null;
  /** `new`: ALREADY_EXISTS when the name is there, be it a link; `existing`: NOT_FOUND when it is not. */
  create: "new" | "existing" | "any";
  /** Called right before the rename with what lies at the final name then; throws to refuse. */
  check?: (now: FileFacts | null) => Promise<void> | void;
}

export interface AtomicResult {
  /** Where the file lies: of a symbolic link what it leads to. */
  path: string;
  /** Bytes written by this call, without those of a part that were kept. */
  bytes: number;
  /** Whether there was no file before. */
  created: boolean;
  /** Permission bits of the file now; null when the server chose them. */
  mode: number | null;
  /** False when the file was another user's or group's, and the server does not let this one give it back. */
  ownerKept: boolean;
}

/**
 * A final symbolic link is followed, and stays. A part (`part`) stays when the writing breaks; everything else that was begun is removed, as long as
 * the link lasts.
 * @throws SshMcpError as the methods of RemoteFiles; REMOTE_IO for a directory, a device, a fifo or a socket; REMOTE_PERMISSION when no
 * file can be made beside it, though it may be writable itself: nothing is written in place silently
 */
export const writeAtomically = async (
  files: RemoteFiles,
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  options: AtomicOptions,
): Promise<AtomicResult> => {
  const place = await finalPlace(files, path, options.create !== "new");
  const { facts: before } = place;
  if (before !== null && options.create === "new") throw exists(path);
  if (before === null && options.create === "existing") throw gone(path);
  refuseSpecial(path, before);
  const { forms, meanwhile } = formsOf(before, options);
  const beside = await writeBeside(files, place.path, bytes, meanwhile, forms, options);
  try {
    const isToLook = options.create === "existing" || options.check !== undefined;
    const now = isToLook ? await files.lstat(place.path) : null;
    if (options.create === "existing" && now === null) throw gone(path);
    await options.check?.(now);
    await files.rename(beside.path, place.path, options.create !== "new");
    return {
      path: place.path,
      bytes: beside.bytes,
      created: before === null,
      mode: forms[beside.form]?.mode ?? meanwhile,
      ownerKept: beside.form <= 0,
    };
  } catch (error) {
    if (options.part === null) await files.remove(beside.path).catch(() => {});
    if (error instanceof SshMcpError && error.code === "ALREADY_EXISTS" && options.create === "new") throw exists(path);
    throw error;
  }
};

/**
 * Adds to the end of a file, in place: who looks may find a part of it, and what another writer adds at the same time may be lost.
 * @returns the bytes added, and where they begin
 * @throws SshMcpError as `RemoteFiles.write`, whose message says how many bytes were added; REMOTE_IO for what is no regular file
 */
export const appendTo = async (
  files: RemoteFiles,
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  options: Pick<AtomicOptions, "mode" | "create" | "check"> & { onWritten?: (bytes: number) => void },
): Promise<{ bytes: number; offset: number; created: boolean }> => {
  const now = options.create === "new" ? await files.lstat(path) : await files.stat(path);
  if (now !== null && options.create === "new") throw exists(path);
  if (now === null && options.create === "existing") throw gone(path);
  refuseSpecial(path, now);
  await options.check?.(now);
  const offset = now?.size ?? 0;
  const { mode, onWritten } = options;
  // A file that came or went meanwhile is not cut: `any` only where a dangling link may have to be followed.
  const create = now !== null ? "existing" : options.create;
  const written = await files.write(path, bytes, {
    offset,
    create,
    mode,
    ...(onWritten === undefined ? {} : { onWritten }),
  });
  return { bytes: written, offset, created: now === null };
};

/**
 * How the file beside is to be in the end, best first, and what mode it has until then. Another user's file stays theirs where the server lets it; where
 * it does not, no group gets what was meant for another, and no setuid bit passes to another user.
 */
const formsOf = (
  before: FileFacts | null,
  { mode: wanted, mtime: time, part }: AtomicOptions,
): { forms: FileChanges[]; meanwhile: number | null } => {
  const mtime = time === null ? {} : { mtime: time };
  if (before === null) {
    // A part is opened again to go on with it; and the system takes setuid bits away when somebody writes.
    const meanwhile = wanted === null ? null : (wanted & 0o777) | (part === null ? 0 : 0o600);
    const mode = meanwhile === wanted || wanted === null ? {} : { mode: wanted };
    const form = { ...mode, ...mtime };
    return { forms: Object.keys(form).length === 0 ? [] : [form], meanwhile };
  }
  const { mode, uid, gid } = before;
  const bits = (of: number): { mode?: number } => (mode === null ? {} : { mode: of });
  const all = mode ?? 0;
  if (uid === null || gid === null) return { forms: [{ ...bits(all & 0o1777), ...mtime }], meanwhile: mode };
  return {
    forms: [
      { uid, gid, ...bits(all), ...mtime },
      { gid, ...bits(all & 0o1777), ...mtime },
      // The group's bits were for a group that this file does not have: it gets what everybody has.
      { ...bits((all & 0o1707) | ((all & 0o7) << 3)), ...mtime },
    ],
    // What is to be another group's later must not be our group's now.
    meanwhile: mode === null ? null : 0o600,
  };
};

const exists = (path: string): SshMcpError => new SshMcpError("ALREADY_EXISTS", `${shown(path)} is there already`);

const gone = (path: string): SshMcpError => new SshMcpError("NOT_FOUND", `${shown(path)} is not there`);

const refuseSpecial = (path: string, facts: FileFacts | null): void => {
  if (facts === null || facts.type === "file" || facts.type === "unknown") return;
  const what = facts.type === "directory" ? "a directory" : `no regular file but a ${facts.type}`;
  throw new SshMcpError("REMOTE_IO", `${shown(path)} is ${what}, and is not replaced`);
};
