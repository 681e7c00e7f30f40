/** Writing local files: each beside its final name, which it gets when it is whole. */
import { write } from "node:fs";
import { SshMcpError } from "../../core/errors.ts";
import { keyHeadLength } from "../../core/files/secret-names.ts";
import { type FileForm, partName } from "../../core/files/transfer-side.ts";
import { atCalls } from "./at-calls.ts";
import type { CreatedFiles } from "./created-files.ts";
import type { HandOver } from "./hand-over.ts";
import { localError, systemError } from "./local-errors.ts";
import type { Place } from "./local-places.ts";
import { cName, type LocalTree } from "./local-tree.ts";
import type { Look } from "./look.ts";
import { checkPart, dropPart, openPart } from "./part-file.ts";
import { isDevice, writeInto } from "./write-device.ts";

const never = new AbortController().signal;

/**
 * @param signal ends the waiting for whoever reads a pipe; all else ends with `bytes`
 * @throws SshMcpError LOCAL_IO, … with how many bytes are kept for a resume; the final name is as it was then
 */
export const writeFile = async (
  place: Place,
  bytes: AsyncIterable<Uint8Array>,
  from: number,
  form: FileForm,
  created: CreatedFiles,
  hand: HandOver | null = null,
  signal = never,
): Promise<void> => {
  const { tree, path, operand } = place;
  const where = operand ?? tree.shownPath(path);
  if (path === "") throw localError(where, "written", systemError("EISDIR"));
  if (operand !== null && isDevice(place)) return await writeInto(place, operand, bytes, signal);
  const { text } = tree.spot(path);
  const directory = tree.hold(path.slice(0, -text.length - 1));
  try {
    await writeBeside({ tree, directory, name: text, path, where, from, form, created, hand }, bytes);
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
  hand: HandOver | null;
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
    await handAll(file, progress, work);
    await writeAll(file, bytes, progress, work);
    const there = checkFree(calls.look(directory, name), path, created);
    shape(file, form, there);
    calls.flush(file);
    const look = calls.lookAt(file);
    checkPart(directory, part, look, where);
    calls.rename(directory, part, name);
    if (there !== null) created.forget(there);
    created.add(look, path);
  } catch (cause) {
    const refused = cause instanceof SshMcpError && cause.code === "POLICY_DENIED";
    // Nothing to go on from, or nothing that may be.
    if (file !== null && (progress.at === 0 || refused)) dropPart(directory, part, file);
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
  const final = finalMode(mode, masked, replaced);
  const isKept = replaced === null || keepOwner(file, replaced);
  const isExact = mode !== null && !masked;
  calls.changeMode(file, isKept || isExact ? final : forOtherGroup(final));
  if (mtime !== null) calls.changeTimes(file, mtime);
};

/** Its owner reads and writes it anew, whatever the source's owner may. */
const ownerBoth = 0o600;

/**
 * A file keeps its own mode where the wanted one is only a new file's, less what the source does not grant.
 * @param replaced the file whose place it takes
 */
export const finalMode = (mode: number | null, masked: boolean, replaced: Look | null): number => {
  if (mode !== null && !masked) return mode & 0o7777;
  if (replaced === null) return (mode ?? 0o666) & 0o777 & ~umask();
  return replaced.mode & 0o777 & (mode === null ? 0o777 : mode | ownerBoth);
};

/** What a mode granted one group is not for another: that gets what everybody has. */
export const forOtherGroup = (mode: number): number => mode & (0o707 | ((mode & 0o007) << 3));

let knownMask: number | null = null;

/** To ask for it is to set it, for a moment and for all threads: once. */
export const umask = (): number => {
  knownMask ??= process.umask();
  return knownMask;
};

/** Whoever may not give a file away keeps it, in the group of the other one where they are in it. @returns whether its group is the other one's */
const keepOwner = (file: number, { uid, gid }: Look): boolean => {
  const calls = atCalls();
  const own = calls.lookAt(file);
  if (uid === own.uid && gid === own.gid) return true;
  for (const owner of [uid, own.uid]) {
    try {
      calls.changeOwner(file, owner, gid);
      return true;
    } catch {
      // The next one asks for less; the last answer says what came of it.
    }
  }
  return gid === own.gid;
};

/** Whoever takes it has written it when this is over; what is left to come is then how that ended. Where content is looked at, nobody takes it. */
const handAll = async (file: number, progress: { at: number }, { tree, from, hand }: Work): Promise<void> => {
  if (hand === null || !tree.policy.secretsAllowed) return;
  const moved = await hand(file);
  if (moved === null) return;
  progress.at = moved.bytes === null ? atCalls().lookAt(file).size : from + moved.bytes;
  if (moved.code !== null) throw systemError(moved.code);
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

const writeSome = (file: number, bytes: Uint8Array, from: number, at: number): Promise<number> =>
  new Promise((resolve, reject) => {
    write(file, bytes, from, bytes.length - from, at, (failure, taken) =>
      failure === null ? resolve(taken) : reject(failure),
    );
  });
