/** Reading local files: what they hold, or an error. */
import { constants, read } from "node:fs";
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { FileFacts } from "../../core/files/file-facts.ts";
import { keyHeadLength } from "../../core/files/secret-names.ts";
import { type Refusal, type SmallFile, smallFileLimit } from "../../core/files/transfer-side.ts";
import { isOfProcess } from "../process-path.ts";
import { readLocal } from "../read-local.ts";
import { atCalls } from "./at-calls.ts";
import { type HandOver, leastHanded, type Moved } from "./hand-over.ts";
import { identityOf } from "./identity.ts";
import { localError, systemError } from "./local-errors.ts";
import type { Place } from "./local-places.ts";
import type { LocalTree, Spot } from "./local-tree.ts";
import type { Look } from "./look.ts";
import { Slice } from "./turns.ts";

export const pieceSize = 256 * 1024;
const never = new AbortController().signal;

/**
 * @param signal ends the reading with whatever waits
 * @param hand takes the file, once it is known that it may be read
 */
export async function* readFile(
  place: Place,
  from: number,
  signal = never,
  hand: HandOver | null = null,
): AsyncGenerator<Uint8Array, undefined> {
  const { tree, path, operand } = place;
  const where = operand ?? tree.shownPath(path);
  if (operand !== null && tree.policy.isOpen && isSpecial(place)) {
    yield* skipping(readLocal(operand, signal), from, where);
    return;
  }
  const { file, look } = openRegular(tree, place.path, where);
  try {
    const moved = look.size - from > leastHanded ? ((await hand?.(file)) ?? null) : null;
    if (moved === null) yield* pieces(file, look, from, where, signal);
    else checkMoved(moved, file, look, from, where);
  } finally {
    atCalls().close(file);
  }
}

/** What is found out of a file that somebody else has read. */
const checkMoved = ({ bytes, code }: Moved, file: number, before: Look, from: number, where: string): void => {
  if (bytes === null) throw canceled(where);
  if (code !== null) throw localError(where, "read", systemError(code), from + bytes);
  checkSame(before, atCalls().lookAt(file), from + bytes, where);
};

/** What the caller named may be a pipe, a device or a descriptor, as a shell's `<(command)` is one. */
const isSpecial = ({ tree, path, operand }: Place): boolean => {
  if (operand !== null && isOfProcess(operand)) return true;
  const { directory, name } = tree.spot(path);
  const type = atCalls().look(directory, name)?.type ?? "file";
  return type !== "file" && type !== "directory" && type !== "symlink";
};

async function* skipping(
  all: AsyncIterable<Uint8Array>,
  from: number,
  where: string,
): AsyncGenerator<Uint8Array, undefined> {
  let skip = from;
  try {
    for await (const piece of all) {
      const rest = piece.subarray(Math.min(skip, piece.length));
      skip -= piece.length - rest.length;
      // The next piece comes into the same memory.
      if (rest.length > 0) yield rest.slice();
    }
  } catch (cause) {
    throw localError(where, "read", cause);
  }
}

/**
 * @param looks whether it is looked at before it is opened
 * @throws SshMcpError LOCAL_IO for what is no regular file: it is not opened
 */
export const openRegular = (
  tree: LocalTree,
  path: string,
  where: string,
  { looks } = { looks: true },
): { file: number; look: Look } => {
  if (path === "") throw notRegular(where, "directory");
  const spot = tree.spot(path);
  try {
    return openAt(spot, tree, where, looks);
  } catch (cause) {
    throw localError(where, "read", cause);
  }
};

const openAt = (
  { directory, name }: Spot,
  tree: LocalTree,
  where: string,
  looks: boolean,
): { file: number; look: Look } => {
  const calls = atCalls();
  const before = looks ? calls.look(directory, name) : null;
  if (before !== null && before.type !== "file") throw notRegular(where, before.type);
  const file = calls.open(directory, name, constants.O_RDONLY | constants.O_NONBLOCK, 0);
  try {
    const look = calls.lookAt(file);
    if (look.type !== "file") throw notRegular(where, look.type);
    if (!tree.policy.secretsAllowed) {
      tree.policy.checkStep(identityOf(look), where);
      const head = new Uint8Array(keyHeadLength);
      const length = calls.read(file, head);
      tree.policy.checkHead(head.subarray(0, length), where);
      calls.rewind(file);
    }
    return { file, look };
  } catch (thrown) {
    calls.close(file);
    throw thrown;
  }
};

const notRegular = (where: string, type: string): SshMcpError =>
  new SshMcpError("LOCAL_IO", `${shown(where)} is no regular file: it is a ${type}`);

async function* pieces(
  file: number,
  before: Look,
  from: number,
  where: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, undefined> {
  // A size that nothing stands behind, as in /proc, is no promise of one.
  if (from > before.size && before.size > 0) throw changed(where, from, "it has become shorter");
  // What grows is read as far as it went when it was opened.
  const end = before.size > 0 ? before.size : Number.POSITIVE_INFINITY;
  let at = from;
  let next = readAt(file, at);
  try {
    for (;;) {
      const piece = (await next).subarray(0, end - at);
      if (signal.aborted) throw canceled(where);
      if (piece.length === 0) break;
      at += piece.length;
      next = readAt(file, at);
      yield piece;
    }
  } catch (cause) {
    throw localError(where, "read", cause, at);
  } finally {
    // Its descriptor must not be another's before it is done.
    await next.catch(() => undefined);
  }
  if (before.size > 0) checkSame(before, atCalls().lookAt(file), at, where);
}

const canceled = (where: string): SshMcpError => new SshMcpError("CANCELED", `${shown(where)} is not read any further`);

/** Reads ahead: whoever takes the last piece may be slow, and a failure waits for them. */
const readAt = (file: number, at: number): Promise<Uint8Array> => {
  const reading = new Promise<Uint8Array>((resolve, reject) => {
    const buffer = new Uint8Array(pieceSize);
    read(file, buffer, 0, buffer.length, at, (failure, length) =>
      failure === null ? resolve(buffer.subarray(0, length)) : reject(failure),
    );
  });
  reading.catch(() => undefined);
  return reading;
};

/**
 * What has grown begins as it was: a log file is such. What ends before its size and has that size still never had so many bytes: the files of /sys are
 * such.
 */
const checkSame = (before: Look, after: Look, read: number, where: string): void => {
  const same = before.mtime === after.mtime && before.nanoseconds === after.nanoseconds;
  if (after.size < before.size || (after.size > before.size && read < before.size)) {
    throw changed(where, read, "it has become shorter");
  }
  if (after.size === before.size && !same) throw changed(where, read, "it was written to");
};

const changed = (where: string, bytes: number, what: string): SshMcpError =>
  new SshMcpError("LOCAL_IO", `${shown(where)} cannot be read as a whole: ${what} (after ${bytes} bytes)`);

/** Bytes of content that are handed over together. */
const batchBytes = 1024 * 1024;

/** @param below joins a path of the engine's to the tree that has it */
export async function* readSmallFiles(
  find: (path: string) => Place,
  paths: AsyncIterable<readonly string[]>,
  onFailed: (failure: Refusal) => void,
): AsyncGenerator<readonly SmallFile[], undefined> {
  let batch: SmallFile[] = [];
  let bytes = 0;
  const slice = new Slice();
  for await (const some of paths) {
    for (const path of some) {
      try {
        const file = smallFile(find(path), path);
        batch.push(file);
        bytes += file.content.length;
      } catch (thrown) {
        const { code, message } = toSshMcpError(thrown);
        onFailed({ path, code, message });
      }
      if (slice.isOver) await slice.next();
      if (bytes < batchBytes) continue;
      yield batch;
      [batch, bytes] = [[], 0];
    }
    if (batch.length > 0) yield batch;
    [batch, bytes] = [[], 0];
  }
}

const smallFile = ({ tree, path: below }: Place, path: string): SmallFile => {
  const calls = atCalls();
  const where = tree.shownPath(below);
  // The walk has looked at it.
  const { file, look } = openRegular(tree, below, where, { looks: false });
  try {
    if (look.size > smallFileLimit) throw tooLarge(where);
    // What has no size is read until nothing comes.
    let content = new Uint8Array(look.size === 0 ? 4096 : look.size);
    let length = 0;
    for (;;) {
      const taken = calls.read(file, content.subarray(length));
      length += taken;
      if (taken === 0 || length === look.size || length > smallFileLimit) break;
      if (length < content.length) continue;
      const larger = new Uint8Array(content.length * 2);
      larger.set(content);
      content = larger;
    }
    if (length > smallFileLimit) throw tooLarge(where);
    if (look.size > 0) checkSame(look, calls.lookAt(file), length, where);
    return { path, facts: { ...factsOf(look), size: length }, content: content.subarray(0, length) };
  } catch (cause) {
    throw localError(where, "read", cause);
  } finally {
    calls.close(file);
  }
};

const tooLarge = (where: string): SshMcpError =>
  new SshMcpError("TOO_LARGE", `${shown(where)} has become too large to travel among small files`);

export const factsOf = ({ type, size, mode, uid, gid, mtime }: Look): FileFacts => ({
  type,
  size,
  mode,
  uid,
  gid,
  mtime,
});
