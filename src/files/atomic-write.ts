import { constants } from "node:fs";
import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { posix } from "node:path";
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import { quoteWord } from "../core/quote.ts";

/** Whether a file of this name is one that `writeAtomically` had not finished: a process that was killed leaves one behind. */
export const isUnfinished = (name: string): boolean => /^\..+\.[0-9a-f]{32}\.tmp$/.test(name);

/**
 * Writes a file so that a reader, or a crash at any moment, sees the old content or the new one: a file of an unguessable name
 * beside it, fsync, rename. A symbolic link in its place is replaced and not followed.
 * @param mode its permissions, whatever the umask
 * @throws SshMcpError LOCAL_IO with the system error as its cause; the old file is as it was then, and nothing is left behind
 */
export const writeAtomically = async (path: string, bytes: string | Uint8Array, mode: number): Promise<void> => {
  const unique = crypto.randomUUID().replaceAll("-", "");
  const unfinished = posix.join(posix.dirname(path), `.${posix.basename(path)}.${unique}.tmp`);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  let made = false;
  try {
    const file = await open(unfinished, flags, mode);
    made = true;
    try {
      await writeAll(file, typeof bytes === "string" ? Buffer.from(bytes) : bytes);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (cause) {
    if (made) await unlink(unfinished).catch(() => {});
    throw failed(path, cause);
  }
};

/** One write may take less than it was given. */
const writeAll = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
  for (let written = 0; written < bytes.length; ) {
    written += (await file.write(bytes, written, bytes.length - written)).bytesWritten;
  }
};

const failed = (path: string, cause: unknown): SshMcpError => {
  const code = errorCode(cause);
  const folder = quoteWord(posix.dirname(path));
  return new SshMcpError("LOCAL_IO", `${path} cannot be written (${code})`, {
    hint: code === "ENOSPC" || code === "EDQUOT" ? `df -h ${folder}` : `ls -ld ${folder}`,
    cause,
  });
};
