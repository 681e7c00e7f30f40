/** Writing local files: each beside its final name, which it gets when it is whole. */
import { write } from "node:fs";
import { open } from "node:fs/promises";
import { SshMcpError } from "../../core/errors.ts";
import { keyHeadLength } from "../../core/files/secret-names.ts";
import { type FileForm, partName } from "../../core/files/transfer-side.ts";
import { atCalls, type CName } from "./at-calls.ts";
import type { CreatedFiles } from "./created-files.ts";
import { localError, systemError } from "./local-errors.ts";
import type { Place } from "./local-places.ts";
import { cName, type LocalTree } from "./local-tree.ts";
import type { Look } from "./look.ts";
import { openPart } from "./part-file.ts";

/** @throws SshMcpError LOCAL_IO, … with how many bytes are kept for a resume; the final name is as it was then */
export const writeFile = async (
  place: Place,
  bytes: AsyncIterable<Uint8Array>,
  from: number,
  form: FileForm,
  created: CreatedFiles,
): Promise<void> => {
  const { tree, path, operand } = place;
  const where = operand ?? tree.shownPath(path);
  if (path === "") throw localError(where, "written", systemError("EISDIR"));
  if (operand !== null && isDevice(place)) return await writeInto(operand, bytes);
  const { text } = tree.spot(path);
  const directory = tree.hold(path.slice(0, -text.length - 1));
  try {
    await writeBeside({ tree, directory, name: text, path, where, from, form, created }, bytes);
  } finally {
    atCalls().close(directory);
  }
};

interface Work {
  tree: LocalTree;
  directory: number;
  name: string;
  path: string;
  where: string;
  from: number;
  form: FileForm;
  created: CreatedFiles;
}

const writeBeside = async (work: Work, bytes: AsyncIterable<Uint8Array>): Promise<void> => {
  const { directory, where, from, form, created, path } = work;
  const calls = atCalls();
  const [name, part] = [cName(work.name), cName(partName(work.name))];
  const progress = { at: from };
  let file: number | null = null;
  try {
    checkFree(calls.look(directory, name), path, created);
    file = openPart(directory, part, from, where);
    await writeAll(file, bytes, progress, work);
    const there = checkFree(calls.look(directory, name), path, created);
    shape(file, form, there);
    calls.flush(file);
    const look = calls.lookAt(file);
    calls.rename(directory, part, name);
    if (there !== null) created.forget(there);
    created.add(look, path);
  } catch (cause) {
    const refused = cause instanceof SshMcpError && cause.code === "POLICY_DENIED";
    // Nothing to go on from, or nothing that may be.
    if (file !== null && (progress.at === 0 || refused)) removeQuietly(directory, part);
    throw localError(where, "written", cause, file === null ? null : progress.at);
  } finally {
    if (file !== null) calls.close(file);
  }
};

/**
 * @param there what lies under the final name
 * @returns it
 * @throws the system's error for a directory; SshMcpError ALREADY_EXISTS for another file of the transfer
 */
export const checkFree = (there: Look | null, path: string, created: CreatedFiles): Look | null => {
  if (there?.type === "directory") throw systemError("EISDIR");
  if (there !== null) created.check(there, path);
  return there;
};

/** Owner, mode and time of a new file, before it has its name. */
export const shape = (file: number, { mode, masked, mtime }: FileForm, there: Look | null): void => {
  const calls = atCalls();
  const replaced = there?.type === "file" ? there : null;
  if (replaced !== null) keepOwner(file, replaced);
  calls.changeMode(file, finalMode(mode, masked, replaced));
  if (mtime !== null) calls.changeTimes(file, mtime);
};

/** @param replaced the file whose place it takes */
export const finalMode = (mode: number | null, masked: boolean, replaced: Look | null): number => {
  if (mode !== null && !masked) return mode & 0o7777;
  return replaced === null ? (mode ?? 0o666) & 0o777 & ~umask() : replaced.mode & 0o777;
};

let knownMask: number | null = null;

/** To ask for it is to set it, for a moment and for all threads: once. */
export const umask = (): number => {
  knownMask ??= process.umask();
  return knownMask;
};

/** Whoever may not give a file away keeps it. */
const keepOwner = (file: number, { uid, gid }: Look): void => {
  if (uid === process.geteuid?.() && gid === process.getegid?.()) return;
  try {
    atCalls().changeOwner(file, uid, gid);
  } catch {}
};

const removeQuietly = (directory: number, name: CName): void => {
  try {
    atCalls().unlink(directory, name);
  } catch {}
};

const writeAll = async (
  file: number,
  bytes: AsyncIterable<Uint8Array>,
  progress: { at: number },
  { tree, where, from }: Work,
): Promise<void> => {
  // Whoever sends it may cut it anywhere.
  const head = new Uint8Array(tree.policy.secretsAllowed || from > 0 ? 0 : keyHeadLength);
  let known = 0;
  for await (const piece of bytes) {
    if (known < head.length) {
      const more = piece.subarray(0, head.length - known);
      head.set(more, known);
      known += more.length;
      tree.policy.checkHead(head.subarray(0, known), where);
    }
    for (let done = 0; done < piece.length; ) {
      const taken = await writeSome(file, piece, done, progress.at);
      done += taken;
      progress.at += taken;
    }
  }
};

const writeSome = (file: number, bytes: Uint8Array, from: number, at: number | null): Promise<number> =>
  new Promise((resolve, reject) => {
    write(file, bytes, from, bytes.length - from, at, (failure, taken) =>
      failure === null ? resolve(taken) : reject(failure),
    );
  });

/** What is there, and is no file that another could take the place of, as /dev/null. */
const isDevice = ({ tree, path }: Place): boolean => {
  const { directory, name } = tree.spot(path);
  const type = atCalls().look(directory, name)?.type ?? "file";
  return type === "character" || type === "block" || type === "fifo" || type === "socket";
};

const writeInto = async (path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> => {
  let done = 0;
  try {
    const file = await open(path, "r+").catch(() => open(path, "w"));
    try {
      for await (const piece of bytes) {
        for (let at = 0; at < piece.length; ) at += await writeSome(file.fd, piece, at, null);
        done += piece.length;
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw cause instanceof SshMcpError ? cause : localError(path, "written", cause, done);
  }
};
