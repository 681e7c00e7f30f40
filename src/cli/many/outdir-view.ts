/** Two files a host in a folder, and nothing of the output anywhere else. */
import { constants, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine, shown } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";
import type { Sink } from "../../core/sink.ts";
import { type HostEnd, wordsOf } from "./ended.ts";
import { hostFileName } from "./host-file-name.ts";
import type { View } from "./view.ts";

/**
 * Makes the folder where it is not there, for nobody but its owner, and removes what an earlier run has left of these hosts: an old output must not
 * pass for a new one.
 * @param tell shows how a host ended
 * @throws SshMcpError LOCAL_IO
 */
export const outdirView = (
  folder: string,
  targets: readonly string[],
  tell: (end: HostEnd, text: string) => Promise<void>,
): View => {
  const directory = resolve(folder);
  inFolder(directory, () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const target of targets) for (const path of pathsOf(directory, target)) removeFile(path);
  });
  return {
    begin: async (target) => {
      const files = await openBoth(directory, pathsOf(directory, target));
      const [stdout, stderr] = files.map((file) => sinkOf(file, directory));
      return {
        streams: stdout === undefined || stderr === undefined ? null : { stdout, stderr },
        end: async (end) => {
          for (const file of files) await file.close();
          await tell(end, `${escapeLine(target)}: ${wordsOf(end) ?? "exit status 0"}\n`);
        },
      };
    },
    // Of these there is no file: an empty one would say that it ran.
    unbegun: (end) => tell(end, ""),
    finish: async () => undefined,
  };
};

const pathsOf = (directory: string, target: string): string[] =>
  ["out", "err"].map((suffix) => join(directory, `${hostFileName(target)}.${suffix}`));

const openBoth = async (directory: string, paths: readonly string[]): Promise<FileHandle[]> => {
  const files: FileHandle[] = [];
  try {
    for (const path of paths) files.push(await open(path, newFile, 0o600));
    return files;
  } catch (cause) {
    for (const file of files) await file.close();
    throw unwritable(directory, cause);
  }
};

/** A link that somebody has put there meanwhile is not followed: open(2). */
const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** A link is removed, and what it points to is left alone. */
const removeFile = (path: string): void => {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats !== undefined) unlinkSync(path);
};

const sinkOf = (file: FileHandle, directory: string): Sink => {
  let last: Promise<void> = Promise.resolve();
  return {
    write: (chunk) => {
      const written = last
        .then(() => file.appendFile(chunk))
        .catch((cause: unknown) => Promise.reject(unwritable(directory, cause)));
      last = written.catch(() => undefined);
      return written;
    },
  };
};

const inFolder = (directory: string, work: () => void): void => {
  try {
    work();
  } catch (cause) {
    throw unwritable(directory, cause);
  }
};

const unwritable = (directory: string, cause: unknown): SshMcpError =>
  new SshMcpError("LOCAL_IO", `the outputs cannot be written to ${shown(directory)} (${errorCode(cause)})`, {
    hint: `ls -ld ${quoteWord(directory)}`,
    cause,
  });
