/** The file beside the final one, in which its bytes are gathered. */
import { type ErrorCode, SshMcpError } from "../errors.ts";
import { shown } from "../escape.ts";
import type { FileChanges, FileFacts } from "./file-facts.ts";
import { directoryOf } from "./final-place.ts";
import { pathBytes } from "./path-text.ts";
import type { RemoteFiles, WriteOptions } from "./remote-files.ts";

export interface BesideOptions {
  /** Name to use, in the same directory; it stays when the writing breaks. Null takes a random one, which is removed then. */
  part: string | null;
  /** Bytes of the part that are kept: the bytes given go on from there. */
  from: number;
  /** As `WriteOptions.expected`. */
  expected?: number | undefined;
  /** As `WriteOptions.sync`. */
  sync?: boolean;
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
  const { part, from, expected, sync = true, onWritten } = options;
  const directory = directoryOf(path);
  const beside = `${directory}${part ?? nameBeside(path.slice(directory.length), `.${random()}.ssh-mcp-tmp`)}`;
  const input = watched(bytes);
  let form = -1;
  const onForm = (index: number): void => {
    form = index;
  };
  const formed = forms.length === 0 ? {} : { forms, onForm };
  const write = async (
    create: WriteOptions["create"],
    also: Pick<WriteOptions, "unchanged" | "isFree"> = {},
  ): Promise<Beside> => {
    const told = onWritten === undefined ? {} : { onWritten };
    const options = { offset: from, expected, create, mode, sync, ...formed, ...told, ...also };
    const written = await files.write(beside, input, options);
    return { path: beside, bytes: written, form };
  };
  try {
    if (part !== null && from > 0) {
      return await write("existing", { unchanged: await ownPart(files, beside, from) });
    }
    // Made new in any case: a link that somebody put there is never written through.
    if (part === null) return await write("new");
    // A program takes some of the bytes before it can say that the name is there.
    if (files.via === "sh") {
      await removed(files, beside);
      return await write("new");
    }
    // Both in one round trip.
    const isFree = files.lstat(beside).then((there) => there === null);
    isFree.catch(() => undefined);
    try {
      return await write("new", { isFree });
    } catch (error) {
      // Where nobody can say, what the writing says is the reason.
      if (input.failed !== null || (await isFree.catch(() => true))) throw error;
    }
    await removed(files, beside);
    return await write("new");
  } catch (error) {
    // Whether it was made is not known; one that was there before us is not ours, and a random name is not there before us.
    const isAnothers = error instanceof SshMcpError && error.code === "ALREADY_EXISTS" && input.failed === null;
    const isOurs = part === null && !isAnothers;
    if (isOurs) await files.remove(beside).catch(() => {});
    // What gave no bytes says why by itself.
    throw input.failed === null ? inTermsOf(path, error) : input.failed.error;
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
const random = (): string => crypto.getRandomValues(new Uint8Array(8)).toHex();

const removed = async (files: RemoteFiles, path: string): Promise<void> => {
  const there = await files.lstat(path);
  if (there === null) return;
  if (there.type === "directory")
    throw new SshMcpError("REMOTE_IO", `${shown(path)} is a directory where a part file should be`);
  await files.remove(path);
};

/**
 * Bytes of a part that can be gone on with; null where there is none. In a directory where others can make files, a part may be another's, who could
 * change it when it has become the final file: that one is none.
 */
export const ownPartSize = async (files: RemoteFiles, part: string): Promise<number | null> => {
  const { facts, refusal } = await lookAtPart(files, part);
  return facts === null || refusal !== null ? null : facts.size;
};

/** @returns what is known of it @throws SshMcpError NOT_FOUND; PRECONDITION_FAILED for one that `ownPartSize` does not know, or that is too short */
const ownPart = async (files: RemoteFiles, part: string, from: number): Promise<FileFacts> => {
  const { facts, refusal } = await lookAtPart(files, part);
  if (facts === null) throw new SshMcpError("NOT_FOUND", `${shown(part)} is not there any more`);
  const why = refusal ?? (facts.size < from ? "is shorter than it was" : null);
  if (why === null) return facts;
  throw new SshMcpError("PRECONDITION_FAILED", `${shown(part)} ${why}: nothing was added to it`);
};

const lookAtPart = async (
  files: RemoteFiles,
  part: string,
): Promise<{ facts: FileFacts | null; refusal: string | null }> => {
  const directory = directoryOf(part) || ".";
  const [facts, around, home] = await Promise.all([files.lstat(part), files.stat(directory), files.stat(".")]);
  if (facts === null) return { facts, refusal: null };
  if (facts.type !== "file") return { facts, refusal: "is no file" };
  if (!isShared(around, home)) return { facts, refusal: null };
  const isAnothers = facts.uid !== null && home?.uid != null && facts.uid !== home.uid;
  const isOpen = facts.mode !== null && (facts.mode & 0o022) !== 0;
  return { facts, refusal: isAnothers ? "is another user's" : isOpen ? "can be written by others" : null };
};

/** Whether anybody but this user, and root, can make a file in a directory. @param home the user's own */
const isShared = (directory: FileFacts | null, home: FileFacts | null): boolean => {
  if (directory?.mode == null || (directory.mode & 0o022) !== 0) return true;
  return directory.uid !== null && home?.uid != null && directory.uid !== 0 && directory.uid !== home.uid;
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
      return say("was not written: its directory is not there, or takes no new files");
    case "REMOTE_PERMISSION":
      return say(`was not written: no file can be made beside it, which is how it stays whole (${error.message})`);
    case "REMOTE_IO":
      return say(`was not written, and is as it was: ${error.message}`);
    default:
      return asItWas(path, error);
  }
};

/** Says of what broke a write before the file was touched that nothing happened to it. */
export const asItWas = (path: string, error: unknown): unknown => {
  if (!(error instanceof SshMcpError) || !breaking.has(error.code)) return error;
  return new SshMcpError(error.code, `${shown(path)} was not written, and is as it was: ${error.message}`, {
    ...(error.hint === null ? {} : { hint: error.hint }),
    retryable: error.retryable,
    cause: error,
  });
};

const breaking: ReadonlySet<ErrorCode> = new Set(["CONNECTION_LOST", "CANCELED", "TIMEOUT"]);

interface Watched extends AsyncIterable<Uint8Array> {
  /** What the input broke with; null while it did not, and it is the server that fails. */
  failed: { error: unknown } | null;
}

const watched = (bytes: AsyncIterable<Uint8Array>): Watched => ({
  failed: null,
  async *[Symbol.asyncIterator]() {
    try {
      yield* bytes;
    } catch (error) {
      this.failed = { error };
      throw error;
    }
  },
});
