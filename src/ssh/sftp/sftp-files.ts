import { SshMcpError } from "../../core/errors.ts";
import type { DirectoryEntry, FileChanges, FileFacts } from "../../core/files/file-facts.ts";
import type { OpenRemoteFile, OwnerNames, RemoteFiles, WriteOptions } from "../../core/files/remote-files.ts";
import { openNoFifo } from "./fifo.ts";
import { listDirectory } from "./list-directory.ts";
import { OpenSftpFile } from "./open-sftp-file.ts";
import { ownerNames } from "./owner-names.ts";
import { openFlag, statusCode } from "./packet-types.ts";
import { renameOver, renameToNew } from "./rename-path.ts";
import {
  fileSystemOf,
  lstatPath,
  makeDirectory,
  makeLink,
  openDirectory,
  openFile,
  type PathBytes,
  readLink,
  realPath,
  removeEmptyDirectory,
  removeFile,
  setPath,
  statPath,
} from "./requests.ts";
import { whyDirectoryStays, whyNoFile, whyNoList, whyNoRoom, whyNotNew, whyNotRemoved } from "./second-look.ts";
import type { SftpClient } from "./sftp-client.ts";
import { changeFailure, isStatus, isVague, namedPath, type Reason, sentPath, sftpFailure } from "./sftp-failure.ts";
import { writeFile } from "./write-file.ts";

export interface SftpFilesOptions {
  /** What everything goes over. */
  first: SftpClient;
  /** A further channel to the same files, for large uploads over a long way; whoever gives it keeps and ends it. Null when there is none to be had. */
  another: () => Promise<SftpClient | null>;
  /** The server, for messages: `db1`. */
  where: string;
}

/** The files of a server over SFTP version 3. */
export class SftpFiles implements RemoteFiles {
  readonly via = "sftp";
  readonly #client: SftpClient;
  readonly #another: () => Promise<SftpClient | null>;
  readonly #where: string;

  constructor({ first, another, where }: SftpFilesOptions) {
    this.#client = first;
    this.#another = another;
    this.#where = where;
  }

  resolve(path: string): Promise<string> {
    return this.#on("resolve", path, (sent) => realPath(this.#client, sent));
  }

  stat(path: string): Promise<FileFacts | null> {
    return this.#on("look at", path, (sent) => orAbsent(statPath(this.#client, sent)));
  }

  lstat(path: string): Promise<FileFacts | null> {
    return this.#on("look at", path, (sent) => orAbsent(lstatPath(this.#client, sent)));
  }

  async *list(path: string): AsyncGenerator<readonly DirectoryEntry[]> {
    const sent = sentPath(path);
    const handle = await this.#on("list", path, () => openDirectory(this.#client, sent), whyNoList, true);
    try {
      yield* listDirectory(this.#client, handle);
    } catch (thrown) {
      throw sftpFailure(this.#action("list", path), thrown);
    }
  }

  readLink(path: string): Promise<string> {
    return this.#on("read the link", path, (sent) => readLink(this.#client, sent), whyNoLink);
  }

  async open(path: string): Promise<OpenRemoteFile> {
    const action = this.#action("open", path);
    const sent = sentPath(path);
    const client = this.#client;
    const look = (): Promise<FileFacts> => statPath(client, sent);
    const { opening } = await openNoFifo(client, look, () => openFile(client, sent, openFlag.read, {}), action);
    const handle = await this.#on("open", path, () => opening, whyNoFile);
    return new OpenSftpFile({ client, handle, path, sent, where: this.#where });
  }

  write(path: string, bytes: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<number> {
    const file = {
      client: this.#client,
      sent: sentPath(path),
      another: this.#another,
      action: this.#action("write", path),
    };
    return writeFile(file, bytes, options);
  }

  change(path: string, changes: FileChanges): Promise<void> {
    return this.#alter("change", path, (sent) => this.#change(sent, changes), whyNoRoom);
  }

  makeDirectory(path: string, mode: number | null): Promise<void> {
    const make = async (sent: PathBytes): Promise<void> => {
      await makeDirectory(this.#client, sent, mode === null ? {} : { mode });
      if (mode !== null) await this.#unmask(sent, mode);
    };
    return this.#alter("make the directory", path, make, whyNotNew);
  }

  async rename(from: string, to: string, replace: boolean): Promise<void> {
    const action = `cannot rename ${namedPath(from)} to ${namedPath(to)} on ${this.#where}`;
    const [source, target] = [sentPath(from), sentPath(to)];
    const failed = this.#changeFailure();
    let failure: Awaited<ReturnType<typeof renameOver>>;
    try {
      failure = await (replace ? renameOver : renameToNew)(this.#client, source, target);
    } catch (thrown) {
      throw failed(action, thrown);
    }
    if (failure !== null) throw failed(action, failure.thrown, failure.reason);
  }

  symlink(target: string, path: string): Promise<void> {
    return this.#alter("make the link", path, (sent) => makeLink(this.#client, sentPath(target), sent), whyNotNew);
  }

  remove(path: string): Promise<void> {
    return this.#alter("remove", path, (sent) => removeFile(this.#client, sent), whyNotRemoved);
  }

  removeDirectory(path: string): Promise<void> {
    return this.#alter(
      "remove the directory",
      path,
      (sent) => removeEmptyDirectory(this.#client, sent),
      whyDirectoryStays,
      true,
    );
  }

  async free(path: string): Promise<number | null> {
    const system = await this.#on("look at the disk of", path, (sent) => fileSystemOf(this.#client, sent));
    return system?.freeBytes ?? null;
  }

  names(uids: readonly number[], gids: readonly number[]): Promise<OwnerNames> {
    return this.#on("look at the owners in", ".", () => ownerNames(this.#client, uids, gids));
  }

  async #change(sent: PathBytes, { mode, uid, gid, mtime }: FileChanges): Promise<void> {
    const client = this.#client;
    const requests: Promise<void>[] = [];
    if (uid !== undefined || gid !== undefined) {
      // User and group are set together, and before the mode: chown(2) takes bits of it away.
      const now = uid === undefined || gid === undefined ? await statPath(client, sent) : null;
      const owner = { uid: uid ?? now?.uid ?? undefined, gid: gid ?? now?.gid ?? undefined };
      if (owner.uid === undefined || owner.gid === undefined) {
        throw new SshMcpError("UNSUPPORTED", "the server says neither user nor group of it");
      }
      requests.push(setPath(client, sent, { uid: owner.uid, gid: owner.gid }));
    }
    if (mode !== undefined || mtime !== undefined) {
      requests.push(
        setPath(client, sent, { ...(mode === undefined ? {} : { mode }), ...(mtime === undefined ? {} : { mtime }) }),
      );
    }
    await Promise.all(requests);
  }

  /** The umask may have taken bits of a new directory away; where it has not, nothing is changed by a name that may be another's by now. */
  async #unmask(sent: PathBytes, mode: number): Promise<void> {
    const made = await lstatPath(this.#client, sent);
    if (made.type !== "directory" && made.type !== "unknown")
      throw new SshMcpError("REMOTE_IO", "it is not the directory any more that was made");
    if (made.mode !== mode) await setPath(this.#client, sent, { mode });
  }

  #action(verb: string, path: string): string {
    return `cannot ${verb} ${namedPath(path)} on ${this.#where}`;
  }

  /** What was never sent was not done, and what is not answered may have been. */
  #changeFailure(): typeof sftpFailure {
    const wasEnded = this.#client.isEnded;
    return (...failure) => (this.#client.isEnded && !wasEnded ? changeFailure : sftpFailure)(...failure);
  }

  /** For what changes something. */
  #alter(
    verb: string,
    path: string,
    use: (sent: PathBytes) => Promise<void>,
    why: Look,
    looksAtMissing = false,
  ): Promise<void> {
    return this.#on(verb, path, use, why, looksAtMissing, this.#changeFailure());
  }

  /** @param looksAtMissing whether "no such file" may also mean that something else is there */
  async #on<T>(
    verb: string,
    path: string,
    use: (sent: PathBytes) => Promise<T>,
    why: Look | null = null,
    looksAtMissing = false,
    failed: typeof sftpFailure = sftpFailure,
  ): Promise<T> {
    const sent = sentPath(path);
    try {
      return await use(sent);
    } catch (thrown) {
      const isUnclear = isVague(thrown) || (looksAtMissing && isStatus(thrown, statusCode.noSuchFile));
      throw failed(this.#action(verb, path), thrown, isUnclear && why !== null ? await why(this.#client, sent) : null);
    }
  }
}

type Look = (client: SftpClient, sent: PathBytes) => Promise<Reason | null>;

const orAbsent = async (looking: Promise<FileFacts>): Promise<FileFacts | null> => {
  try {
    return await looking;
  } catch (thrown) {
    if (isStatus(thrown, statusCode.noSuchFile)) return null;
    throw thrown;
  }
};

const whyNoLink: Look = async (client, sent) => {
  const facts = await orAbsent(lstatPath(client, sent)).catch(() => null);
  return facts !== null && facts.type !== "symlink" ? { code: "REMOTE_IO", words: "it is not a symbolic link" } : null;
};
