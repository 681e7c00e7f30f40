/**
 * The files of a server, as one of its users. Over SFTP (draft-ietf-secsh-filexfer-02) where the server has it, else over POSIX sh: whoever calls sees
 * no difference but `via`. Paths are texts as path-text.ts says; one that does not begin with `/` is meant from the user's home. What a server says
 * is untrusted: names are checked by whoever writes them down somewhere.
 *
 * All of it throws SshMcpError, whose message names the path, escaped: NOT_FOUND, ALREADY_EXISTS, REMOTE_PERMISSION, REMOTE_IO (disk full, quota, not a
 * directory, and whatever else a server says), UNSUPPORTED where the server has no such thing, CONNECTION_LOST, PROTOCOL_ERROR, CANCELED. A change that
 * was asked for and not answered when the link ended is OUTCOME_UNKNOWN; a write that is not `append` stays CONNECTION_LOST, and can be begun again.
 */
import type { CommandResult } from "../command.ts";
import type { Sink } from "../sink.ts";
import type { DirectoryEntry, FileChanges, FileFacts } from "./file-facts.ts";

export interface OpenRemoteFile {
  /** Of the open file itself. Its size may be 0 though there is content, as in /proc. */
  facts(): Promise<FileFacts>;
  /**
   * Bytes from an offset on, up to a count or the end of the file as it is when that is reached, whatever its size was said to be. Chunks come in
   * order, are the reader's own, and no more than a bounded number of them is asked for ahead of it.
   * @param length null reads to the end
   * @throws REMOTE_IO when it ends before `facts()` and `length` say so, where it is a regular file with a size: never a short success
   */
  read(offset: number, length: number | null): AsyncIterable<Uint8Array>;
  /** Resolves at once: nobody waits for the answer. */
  close(): void;
}

export interface WriteOptions {
  /** Where the first byte goes; the file is cut there before. 0 is the whole file. */
  offset: number;
  /** Bytes that come, as far as anybody knows: for much, more is got ready at once. */
  expected?: number | undefined;
  /**
   * Adds to the end instead, wherever that is by then: the server's kernel puts each piece behind what is there, so that nothing of others is lost or
   * cut, and what two add at once can only mix. `offset` says where the end was.
   */
  append?: boolean;
  /** `new`: ALREADY_EXISTS when the name is there, and a link is never followed; `existing`: NOT_FOUND when it is not; `any` takes both. */
  create: "new" | "existing" | "any";
  /** Over SFTP: asked when the file is open, before anything is done to it. ALREADY_EXISTS when it says no: not every server heeds `new`. */
  isFree?: Promise<boolean>;
  /** Permission bits of a file that is created, set exactly before a byte is written: the server's umask has no say. Null leaves them to the server. */
  mode: number | null;
  /**
   * What `lstat` said of a file that is to be gone on with. PRECONDITION_FAILED, before a byte is written, unless that is what was opened, and no link led to it.
   */
  unchanged?: FileFacts;
  /**
   * How the file is to be when its bytes are written: the first of these that the server allows. Done to the open file, so that nobody can put another one, or a link to
   * one, in its place meanwhile; over sh only where there is a /proc.
   */
  forms?: readonly FileChanges[];
  /** False does not wait for the server's disk. */
  sync?: boolean;
  /** Told which of the forms it got. */
  onForm?: (index: number) => void;
  /** Told how many bytes the server has acknowledged, from the beginning of what was given. */
  onWritten?: (bytes: number) => void;
}

/** By id. */
export interface OwnerNames {
  users: ReadonlyMap<number, string>;
  groups: ReadonlyMap<number, string>;
}

export interface RemoteFiles {
  readonly via: "sftp" | "sh";
  /** Absolute, without symbolic links (realpath(3)); "" and "." are the home directory. */
  resolve(path: string): Promise<string>;
  /** Null when nothing is there. Follows symbolic links. */
  stat(path: string): Promise<FileFacts | null>;
  /** The same of a link itself. */
  lstat(path: string): Promise<FileFacts | null>;
  /** In batches, in the server's order, without `.` and `..`; a directory without end is the caller's to leave. */
  list(path: string): AsyncIterable<readonly DirectoryEntry[]>;
  readLink(path: string): Promise<string>;
  /** For reading; a small file warm costs two round trips: this, and then facts and content at once. */
  open(path: string): Promise<OpenRemoteFile>;
  /**
   * Writes what comes, deep enough in flight for a long round trip, and has it on the server's disk (fsync@openssh.com where it is offered, unless `sync` is false) before it
   * resolves. Not atomic: see atomic-write.ts for that.
   * @returns bytes written
   * @throws as all; the error's message says how many bytes were written
   */
  write(path: string, bytes: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<number>;
  /** chmod(2), chown(2), utimes(2): follows links. */
  change(path: string, changes: FileChanges): Promise<void>;
  /** @param mode exact; null leaves it to the server */
  makeDirectory(path: string, mode: number | null): Promise<void>;
  /** One step for whoever looks on, also over an existing name when `replace` (rename(2)); else ALREADY_EXISTS for that. */
  rename(from: string, to: string, replace: boolean): Promise<void>;
  /** @param target what the link says, byte for byte */
  symlink(target: string, path: string): Promise<void>;
  /** A file or a link, never a directory. */
  remove(path: string): Promise<void>;
  removeDirectory(path: string): Promise<void>;
  /** Bytes free to this user on the file system of the path; null where the server does not say. */
  free(path: string): Promise<number | null>;
  /** Names that the server has for these users and groups, of 1024 each at most; absent where it cannot be asked. */
  names?(uids: readonly number[], gids: readonly number[]): Promise<OwnerNames>;
}

/** A program of ours for POSIX sh. It is said on standard input, before `stdin`, and stands in no process list. */
export interface RemoteProgram {
  /** Its words are quoted by whoever made it; bytes that are no UTF-8 as path-text.ts has them. */
  script: string;
  /** Absent: the input is empty. */
  stdin?: AsyncIterable<Uint8Array>;
  /** Absent drops it. */
  stdout?: Sink;
  stderr?: Sink;
  /** Null is none. */
  timeoutMs: number | null;
}

/** One server, as one of its users: its files and its sh. */
export interface RemoteMachine {
  /** Session name, for messages. */
  readonly name: string;
  readonly files: RemoteFiles;
  /**
   * Runs a program as the same user, each on a channel of its own.
   * @throws SshMcpError UNSUPPORTED where no POSIX sh is to be had, and as `Session.exec`: nothing was run then
   */
  run(program: RemoteProgram): Promise<CommandResult>;
}
