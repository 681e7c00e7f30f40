/** The file beside the final one, in which its bytes are gathered. */
import { SshMcpError } from "../errors.ts";
import { shown } from "../escape.ts";
import type { FileChanges } from "./file-facts.ts";
import { directoryOf } from "./final-place.ts";
import { pathBytes } from "./path-text.ts";
import type { RemoteFiles, WriteOptions } from "./remote-files.ts";

export interface BesideOptions {
  /** Name to use, in the same directory; it stays when the writing breaks. Null takes a random one, which is removed then. */
  part: string | null;
  /** Bytes of the part that are kept: the bytes given go on from there. */
  from: number;
  onWritten?: (bytes: number) => void;
}

export interface Beside {
  path: string;
  bytes: number;
  /** Index of the form that it has; -1 where there was none. */
  form: number;
}

/**
 * @param path no symbolic link, as `finalPlace` says
 * @param mode while it is written
 */
export const writeBeside = async (
  files: RemoteFiles,
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  mode: number | null,
  forms: readonly FileChanges[],
  options: BesideOptions,
): Promise<Beside> => {
  const { part, from, onWritten } = options;
  const directory = directoryOf(path);
  const beside = `${directory}${part ?? nameBeside(path.slice(directory.length), `.${random()}.ssh-mcp-tmp`)}`;
  const input = watched(bytes);
  let form = -1;
  const onForm = (index: number): void => {
    form = index;
  };
  const formed = forms.length === 0 ? {} : { forms, onForm };
  const write = async (create: WriteOptions["create"]): Promise<Beside> => {
    const told = onWritten === undefined ? {} : { onWritten };
    const written = await files.write(beside, input, { offset: from, create, mode, ...formed, ...told });
    return { path: beside, bytes: written, form };
  };
  try {
    if (part !== null && from > 0) {
      await ownPart(files, beside, directory, from);
      return await write("existing");
    }
    // Made new in any case: a link that somebody put there is never written through.
    if (part !== null) await removed(files, beside);
    return await write("new");
  } catch (error) {
    // Whether it was made is not known; one that was there before us is not ours, and a random name is not there before us.
    const isOurs = part === null && !(error instanceof SshMcpError && error.code === "ALREADY_EXISTS");
    if (isOurs) await files.remove(beside).catch(() => {});
    throw input.failed ? error : inTermsOf(path, error);
  }
};

/** Some file systems end names at 143 bytes (eCryptfs), most at 255. */
const longestName = 143;

/** `.NAMEsuffix`, cut so that a file system takes it. @param suffix ASCII */
export const nameBeside = (name: string, suffix: string): string => {
  const characters = [...name];
  const longest = longestName - 1 - suffix.length;
  let length = pathBytes(name).length;
  while (length > longest) length -= pathBytes(characters.pop() ?? "").length;
  return `.${characters.join("")}${suffix}`;
};

/** Nobody can have put a file there before: 64 bits. */
const random = (): string => crypto.randomUUID().replaceAll("-", "").slice(0, 16);

const removed = async (files: RemoteFiles, path: string): Promise<void> => {
  const there = await files.lstat(path);
  if (there === null) return;
  if (there.type === "directory")
    throw new SshMcpError("REMOTE_IO", `${shown(path)} is a directory where a part file should be`);
  await files.remove(path);
};

/** In a directory where others can make files, a part may be another's, who could change it when it has become the final file. */
const ownPart = async (files: RemoteFiles, part: string, directory: string, from: number): Promise<void> => {
  const [facts, around, home] = await Promise.all([files.lstat(part), files.stat(directory || "."), files.stat(".")]);
  if (facts === null) throw new SshMcpError("NOT_FOUND", `${shown(part)} is not there any more`);
  const isShared = around?.mode == null || (around.mode & 0o022) !== 0;
  const isStrange = isShared && facts.uid !== null && home?.uid != null && facts.uid !== home.uid;
  if (facts.type === "file" && facts.size >= from && !isStrange) return;
  const why = facts.type !== "file" ? "is no file" : isStrange ? "is another user's" : "is shorter than it was";
  throw new SshMcpError("PRECONDITION_FAILED", `${shown(part)} ${why}: nothing was added to it`);
};

/** Says of the file that was asked for what a server says of the one beside it. */
const inTermsOf = (path: string, error: unknown): unknown => {
  if (!(error instanceof SshMcpError)) return error;
  const say = (words: string): SshMcpError =>
    new SshMcpError(error.code, `${shown(path)} ${words}`, {
      ...(error.hint === null ? {} : { hint: error.hint }),
      cause: error,
    });
  switch (error.code) {
    case "NOT_FOUND":
      return say("was not written: its directory is not there");
    case "REMOTE_PERMISSION":
      return say(`was not written: no file can be made beside it, which is how it stays whole (${error.message})`);
    case "REMOTE_IO":
      return say(`was not written, and is as it was: ${error.message}`);
    default:
      return error;
  }
};

interface Watched extends AsyncIterable<Uint8Array> {
  /** Whether it was the input that broke, and not the server. */
  failed: boolean;
}

const watched = (bytes: AsyncIterable<Uint8Array>): Watched => ({
  failed: false,
  async *[Symbol.asyncIterator]() {
    try {
      yield* bytes;
    } catch (error) {
      this.failed = true;
      throw error;
    }
  },
});
