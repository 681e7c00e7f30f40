import { SshMcpError } from "../../core/errors.ts";
import type { DirectoryEntry, FileChanges, FileFacts } from "../../core/files/file-facts.ts";
import type { OpenRemoteFile, OwnerNames, RemoteFiles, WriteOptions } from "../../core/files/remote-files.ts";
import type { CallEnd } from "./call-end.ts";
import type { KeptFiles, Lease } from "./kept-files.ts";

/** What a call's requests go through: what is kept for all, or a way of the call's own. */
export type FilesWay = KeptFiles | RemoteFiles;

const isKept = (way: FilesWay): way is KeptFiles => "begin" in way;

const noLease: Lease = { end: () => undefined, abandon: () => undefined };

interface Work {
  files: RemoteFiles;
  lease: Lease;
}

/** Names that a call has made and not moved are remembered, the last of them. */
const rememberedLimit = 1024;

/**
 * A server's files as one call uses them: they end with the call. When it is to end, what is under way fails with the reason; what the call itself has
 * made can still be removed for a moment, so that nothing half-written stays. Nothing else can: stopped means stopped.
 */
export class CallFiles implements RemoteFiles {
  readonly via: RemoteFiles["via"];
  readonly #end: CallEnd;
  readonly #again: () => Promise<FilesWay>;
  readonly #made = new Set<string>();
  #way: FilesWay;

  /** @param again another way, when this one has ended: an idle channel gives way to commands, also between two requests */
  constructor(way: FilesWay, end: CallEnd, again: () => Promise<FilesWay>) {
    this.via = isKept(way) ? way.files.via : way.via;
    this.#way = way;
    this.#end = end;
    this.#again = again;
  }

  resolve(path: string): Promise<string> {
    return this.#do((files) => files.resolve(path));
  }

  stat(path: string): Promise<FileFacts | null> {
    return this.#do((files) => files.stat(path));
  }

  lstat(path: string): Promise<FileFacts | null> {
    return this.#do((files) => files.lstat(path));
  }

  list(path: string): AsyncIterable<readonly DirectoryEntry[]> {
    return this.#each((files) => files.list(path));
  }

  readLink(path: string): Promise<string> {
    return this.#do((files) => files.readLink(path));
  }

  async open(path: string): Promise<OpenRemoteFile> {
    const { files, lease } = await this.#begin();
    const opening = files.open(path);
    try {
      const file = await this.#end.wait(opening, lease.abandon);
      return this.#opened(file, lease);
    } catch (error) {
      // It may still be opened, with nobody to use it.
      void opening
        .then((file) => file.close())
        .catch(() => undefined)
        .finally(lease.end);
      throw error;
    }
  }

  write(path: string, bytes: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<number> {
    this.#make(path);
    return this.#do((files) => files.write(path, this.#cut(bytes), options));
  }

  change(path: string, changes: FileChanges): Promise<void> {
    return this.#do((files) => files.change(path, changes));
  }

  makeDirectory(path: string, mode: number | null): Promise<void> {
    return this.#do((files) => files.makeDirectory(path, mode));
  }

  async rename(from: string, to: string, replace: boolean): Promise<void> {
    await this.#do((files) => files.rename(from, to, replace));
    this.#made.delete(from);
  }

  symlink(target: string, path: string): Promise<void> {
    this.#make(path);
    return this.#do((files) => files.symlink(target, path));
  }

  remove(path: string): Promise<void> {
    return this.#do((files) => files.remove(path), this.#made.has(path));
  }

  removeDirectory(path: string): Promise<void> {
    return this.#do((files) => files.removeDirectory(path));
  }

  free(path: string): Promise<number | null> {
    return this.#do((files) => files.free(path));
  }

  names(uids: readonly number[], gids: readonly number[]): Promise<OwnerNames> {
    const none: OwnerNames = { users: new Map(), groups: new Map() };
    return this.#do((files) => files.names?.(uids, gids) ?? Promise.resolve(none));
  }

  #make(path: string): void {
    this.#made.delete(path);
    this.#made.add(path);
    const [oldest] = this.#made;
    if (this.#made.size > rememberedLimit && oldest !== undefined) this.#made.delete(oldest);
  }

  /** @param isTidying whether it is done for a call that is to end as well */
  async #do<T>(request: (files: RemoteFiles) => Promise<T>, isTidying = false): Promise<T> {
    const { files, lease } = await this.#begin(isTidying);
    const work = request(files);
    work.then(lease.end, lease.end);
    return await this.#end.wait(work, lease.abandon);
  }

  async #begin(isTidying = false): Promise<Work> {
    for (;;) {
      if (!isTidying || this.#end.over.aborted) this.#end.check();
      const way = this.#way;
      if (!isKept(way)) return { files: way, lease: noLease };
      if (way.isOpen) return { files: way.files, lease: way.begin() };
      // Opening a channel takes longer than a call has that is to end.
      this.#end.check();
      this.#way = await this.#again();
    }
  }

  #opened(file: OpenRemoteFile, lease: Lease): OpenRemoteFile {
    let isClosed = false;
    const close = (): void => {
      if (isClosed) return;
      isClosed = true;
      this.#end.over.removeEventListener("abort", close);
      file.close();
      lease.end();
    };
    // Nothing of a call outlives it.
    this.#end.over.addEventListener("abort", close, { once: true });
    return {
      facts: () => this.#waited(() => file.facts()),
      read: (offset, length) => this.#chunks(file.read(offset, length), () => this.#doubt()),
      close,
    };
  }

  /** A server that waits for bytes which never come, as those of /proc/kmsg, answers nothing else: whether it does is seen by asking. */
  #doubt(): void {
    const way = this.#way;
    if (!isKept(way) || !way.isOpen) return;
    const lease = way.begin();
    way.files.lstat("/").then(lease.end, lease.end);
    lease.abandon();
  }

  async #waited<T>(request: () => Promise<T>): Promise<T> {
    this.#end.check();
    return await this.#end.wait(request());
  }

  async *#each<T>(request: (files: RemoteFiles) => AsyncIterable<T>): AsyncGenerator<T> {
    const { files, lease } = await this.#begin();
    try {
      yield* this.#chunks(request(files));
    } finally {
      lease.end();
    }
  }

  /** What comes in pieces, until the call is to end: then the source is left. */
  async *#chunks<T>(source: AsyncIterable<T>, onLeft?: () => void): AsyncGenerator<T> {
    const pieces = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        this.#end.check();
        const next = await this.#end.wait(pieces.next(), onLeft);
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      void pieces.return?.()?.catch(() => undefined);
    }
  }

  /** What is to be written, until the call is to end: cut there, it must not look complete. */
  async *#cut(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    yield* this.#chunks(bytes);
    const { error } = this.#end;
    if (error !== null) throw new SshMcpError(error.code, error.message, { cause: error });
  }
}
