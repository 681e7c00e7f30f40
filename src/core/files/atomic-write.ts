/**
 * Writing a remote file so that whoever looks finds the old one or the new one, whole: beside the final name, then a rename. What this loses is said in
 * the docs: hard links, access control lists and extended attributes stay with the old file.
 */
import { SshMcpError } from "../errors.ts";
import { shown } from "../escape.ts";
import { asItWas, writeBeside } from "./beside.ts";
import type { FileChanges, FileFacts } from "./file-facts.ts";
import { octal } from "./file-mode.ts";
import { finalPlace } from "./final-place.ts";
import { gathered } from "./gathered.ts";
import type { RemoteFiles } from "./remote-files.ts";

export interface AtomicOptions {
  /** Permission bits; null leaves those of a new file to the server, and a file that is there its own. */
  mode: number | null;
  /** `new`: ALREADY_EXISTS when the name is there, be it a link; `existing`: NOT_FOUND when it is not. */
  create: "new" | "existing" | "any";
  /** Waited for when all the bytes are there, before the last look at the file: whoever has to be let pass writes meanwhile. */
  turn?: () => Promise<void>;
  /** Called right before the rename with what lies at the final name then; throws to refuse. */
  check?: (now: FileFacts | null) => Promise<void> | void;
}

export interface AtomicResult {
  /** Where the file lies: of a symbolic link what it leads to. */
  path: string;
  bytes: number;
  /** Whether there was no file before. */
  created: boolean;
  /** Permission bits of the file now; null when the server chose them. */
  mode: number | null;
  /** False when the file was another user's or group's, and the server does not let this one give it back. */
  ownerKept: boolean;
}

/**
 * A final symbolic link is followed, and stays. What was begun is removed when the writing breaks, as long as the link lasts.
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
  const { forms, meanwhile } = formsOf(before, options.mode);
  const beside = await writeBeside(files, place.path, bytes, meanwhile, forms, { part: null, from: 0 });
  let isAsked = false;
  try {
    await options.turn?.();
    const isToLook = options.create === "existing" || options.check !== undefined;
    const now = isToLook ? await files.lstat(place.path) : null;
    if (options.create === "existing" && now === null) throw gone(path);
    await options.check?.(now);
    isAsked = true;
    await files.rename(beside.path, place.path, options.create !== "new");
    return {
      path: place.path,
      bytes: beside.bytes,
      created: before === null,
      mode: forms[beside.form]?.mode ?? meanwhile,
      ownerKept: beside.form <= 0,
    };
  } catch (error) {
    await files.remove(beside.path).catch(() => {});
    if (error instanceof SshMcpError && error.code === "ALREADY_EXISTS" && options.create === "new") throw exists(path);
    if (error instanceof SshMcpError && error.code === "OUTCOME_UNKNOWN") throw maybeWritten(path, error);
    throw isAsked ? error : asItWas(path, error);
  }
};

/**
 * Adds to the end of a file, in place: who looks may find a part of it, and what another writer adds at the same time may stand in between.
 * @returns the bytes added, and where they begin
 * @throws SshMcpError as `RemoteFiles.write`, whose message says how many bytes were added; REMOTE_IO for what is no regular file; INVALID_INPUT for a
 * mode that a file which is there does not have
 */
export const appendTo = async (
  files: RemoteFiles,
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  options: AtomicOptions,
): Promise<{ bytes: number; offset: number; created: boolean }> => {
  const now = options.create === "new" ? await files.lstat(path) : await files.stat(path);
  if (now !== null && options.create === "new") throw exists(path);
  if (now === null && options.create === "existing") throw gone(path);
  refuseSpecial(path, now);
  const { mode } = options;
  if (mode !== null && now !== null && now.mode !== mode) throw otherMode(path, now.mode);
  const ready = await gathered(bytes);
  await options.turn?.();
  await options.check?.(now);
  const offset = now?.size ?? 0;
  // A file that came or went meanwhile is not cut: `any` only where a dangling link may have to be followed.
  const create = now !== null ? "existing" : options.create;
  const written = await files.write(path, ready, { offset, append: true, create, mode });
  return { bytes: written, offset, created: now === null };
};

/**
 * How the file beside is to be in the end, best first, and what mode it has until then. Another user's file stays theirs where the server lets it; where
 * it does not, no group gets what was meant for another, and no setuid bit passes to another user, unless that mode was asked for.
 * @param wanted null for what the file has
 */
const formsOf = (
  before: FileFacts | null,
  wanted: number | null,
): { forms: FileChanges[]; meanwhile: number | null } => {
  if (before === null) {
    // The system takes setuid bits away when somebody writes.
    const meanwhile = wanted === null ? null : wanted & 0o777;
    return { forms: meanwhile === wanted || wanted === null ? [] : [{ mode: wanted }], meanwhile };
  }
  const { uid, gid } = before;
  const mode = wanted ?? before.mode;
  const bits = (kept: (all: number) => number): { mode?: number } =>
    mode === null ? {} : { mode: wanted ?? kept(mode) };
  const plain = bits((all) => all & 0o1777);
  if (uid === null || gid === null) return { forms: [plain], meanwhile: wanted === null ? mode : 0o600 };
  return {
    forms: [
      { uid, gid, ...bits((all) => all) },
      { gid, ...plain },
      // The group's bits were for a group that this file does not have: it gets what everybody has.
      bits((all) => (all & 0o1707) | ((all & 0o7) << 3)),
    ],
    // What is to be another group's later must not be our group's now.
    meanwhile: mode === null ? null : 0o600,
  };
};

const maybeWritten = (path: string, error: SshMcpError): SshMcpError =>
  new SshMcpError(
    error.code,
    `whether ${shown(path)} was written is not known: it is whole, the old one or the new one (${error.message})`,
    { ...(error.hint === null ? {} : { hint: error.hint }), cause: error },
  );

const otherMode = (path: string, mode: number | null): SshMcpError =>
  new SshMcpError(
    "INVALID_INPUT",
    `${shown(path)} is there${mode === null ? "" : ` with mode ${octal(mode)}`}, which adding to it does not change; nothing was written`,
    { hint: "leave out the mode, and change it by itself" },
  );

const exists = (path: string): SshMcpError => new SshMcpError("ALREADY_EXISTS", `${shown(path)} is there already`);

const gone = (path: string): SshMcpError => new SshMcpError("NOT_FOUND", `${shown(path)} is not there`);

const refuseSpecial = (path: string, facts: FileFacts | null): void => {
  if (facts === null || facts.type === "file" || facts.type === "unknown") return;
  const what = facts.type === "directory" ? "a directory" : `no regular file but a ${facts.type}`;
  throw new SshMcpError("REMOTE_IO", `${shown(path)} is ${what}, and is not replaced`);
};
