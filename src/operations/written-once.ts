/** What is decided by a file's content stays decided until it is replaced: nobody of this broker writes in between. */
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import type { FileFacts } from "../core/files/file-facts.ts";
import type { RemoteFiles } from "../core/files/remote-files.ts";
import type { Context } from "../core/operation.ts";
import type { SessionInfo } from "../core/session.ts";
import { HashedBytes } from "./file-hash.ts";

/** The last one in line for a file, by the file. */
const lines = new Map<string, Promise<void>>();

/** Of one user's file on a server. */
export const lineOf = ({ host, port, user }: SessionInfo, sudo: unknown, path: string): string =>
  JSON.stringify([host, port, user, sudo === undefined || sudo === false ? null : sudo, path]);

/**
 * Waits until nobody else is between look and rename.
 * @returns what lets the next one in, however often it is called
 * @throws what the signal was aborted with
 */
const enter = async (line: string, { signal }: Pick<Context, "signal">): Promise<() => void> => {
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
  /** What to do when somebody was faster. */
  hint: string;
}

/**
 * Runs what replaces a file, with a check that nobody has changed it since it was looked at: by its size and its content, for a time is of whole
 * seconds.
 * @throws SshMcpError PRECONDITION_FAILED, and what `write` throws
 */
export const replacing = async <T>(
  { files, path, before, line, hint }: Replaced,
  context: Context,
  write: (check: Check) => Promise<T>,
): Promise<T> => {
  let leave = (): void => undefined;
  const check: Check = async (now) => {
    leave = await enter(line, context);
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

const changed = (path: string, how: string, hint: string): SshMcpError =>
  new SshMcpError("PRECONDITION_FAILED", `${shown(path)} was ${how} meanwhile by somebody else; nothing was written`, {
    hint,
  });
