/**
 * Whoever writes a file waits in its line, from the last look at it until it is replaced or added to: what was decided by its content stays decided,
 * and nothing that another call of this broker wrote is lost.
 */
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import type { FileFacts } from "../core/files/file-facts.ts";
import type { RemoteFiles } from "../core/files/remote-files.ts";
import { baseName, joined, parentOf } from "../core/files/remote-path.ts";
import type { Context } from "../core/operation.ts";
import type { SessionInfo } from "../core/session.ts";
import { HashedBytes } from "./file-hash.ts";

/** The last one in line for a file, by the file. */
const lines = new Map<string, Promise<void>>();

/** Of a file on a server, whoever writes it, and by whatever name. */
export const lineOf = async ({ host, port }: SessionInfo, files: RemoteFiles, path: string): Promise<string> => {
  const place = await files.resolve(path).catch(() => placeOfNew(files, path));
  return JSON.stringify([host, port, place]);
};

/** Some servers resolve only what is there. What has no directory either is found out to be wrong when it is written. */
const placeOfNew = async (files: RemoteFiles, path: string): Promise<string> => {
  try {
    return joined(await files.resolve(parentOf(path)), baseName(path));
  } catch {
    return path;
  }
};

/**
 * Waits until nobody else is between look and rename.
 * @returns what lets the next one in, however often it is called
 * @throws what the signal was aborted with
 */
export const enter = async (line: string, { signal }: Pick<Context, "signal">): Promise<() => void> => {
  const before = lines.get(line) ?? Promise.resolve();
  const turn = Promise.withResolvers<void>();
  // Whoever gives up waiting still stands behind those before.
  const mine = Promise.all([before, turn.promise]).then(() => undefined);
  lines.set(line, mine);
  void mine.then(() => {
    if (lines.get(line) === mine) lines.delete(line);
  });
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(canceled(signal));
  signal.addEventListener("abort", abort, { once: true });
  try {
    if (signal.aborted) throw canceled(signal);
    await Promise.race([before, aborted.promise]);
    return turn.resolve;
  } catch (thrown) {
    turn.resolve();
    throw thrown;
  } finally {
    signal.removeEventListener("abort", abort);
  }
};

const canceled = ({ reason }: AbortSignal): unknown =>
  reason instanceof SshMcpError ? reason : new SshMcpError("CANCELED", "the call was canceled; nothing was written");

/** SHA-256 of a file's content now. @param size what is longer is not read further */
export const presentSha256 = async (files: RemoteFiles, path: string, size: number): Promise<string> => {
  const file = await files.open(path);
  try {
    const content = new HashedBytes(file.read(0, null));
    for await (const _ of content) if (content.bytes > size) break;
    return content.digest();
  } finally {
    file.close();
  }
};

export type Check = (now: FileFacts | null) => Promise<void>;

export interface Replaced {
  files: RemoteFiles;
  path: string;
  /** What it was when it was looked at; null for not there. */
  before: { facts: FileFacts; sha256: string } | null;
  /** See `lineOf`. */
  line: string;
  /** Whether whoever asks is first in line already. */
  isFirst?: boolean;
  /** What to do when somebody was faster. */
  hint: string;
}

/**
 * Runs what replaces a file, with a check that nobody has changed it since it was looked at: by its size and its content, for a time is of whole
 * seconds.
 * @throws SshMcpError PRECONDITION_FAILED, and what `write` throws
 */
export const replacing = async <T>(
  { files, path, before, line, isFirst = false, hint }: Replaced,
  context: Context,
  write: (check: Check) => Promise<T>,
): Promise<T> => {
  let leave = (): void => undefined;
  const check: Check = async (now) => {
    if (!isFirst) leave = await enter(line, context);
    // What others did while this one waited is seen by looking again.
    const facts = before === null ? now : await files.stat(path);
    if (facts === null && before === null) return;
    const isSameSize = facts !== null && facts.size === before?.facts.size;
    if (isSameSize && (await presentSha256(files, path, facts.size)) === before?.sha256) return;
    throw changed(path, facts === null ? "removed" : before === null ? "made" : "changed", hint);
  };
  try {
    return await write(check);
  } finally {
    leave();
  }
};

/**
 * Runs what writes a file whatever is in it: `turn` waits for those who looked before, and keeps others away until all is written.
 * @throws what `write` throws
 */
export const inLine = async <T>(
  line: Promise<string>,
  context: Pick<Context, "signal">,
  write: (turn: () => Promise<void>) => Promise<T>,
): Promise<T> => {
  let leave = (): void => undefined;
  const turn = async (): Promise<void> => {
    leave = await enter(await line, context);
  };
  try {
    return await write(turn);
  } finally {
    leave();
  }
};

/** Of a file that is not as it was when it was looked at: a new look may help. */
export class ChangedMeanwhile extends SshMcpError {}

const changed = (path: string, how: string, hint: string): SshMcpError =>
  new ChangedMeanwhile(
    "PRECONDITION_FAILED",
    `${shown(path)} was ${how} meanwhile by somebody else; nothing was written`,
    {
      hint,
    },
  );
