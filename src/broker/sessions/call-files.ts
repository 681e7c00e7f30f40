import { SshMcpError } from "../../core/errors.ts";
import type { DirectoryEntry, FileChanges, FileFacts } from "../../core/files/file-facts.ts";
import type { OpenRemoteFile, OwnerNames, RemoteFiles, WriteOptions } from "../../core/files/remote-files.ts";
import type { CallEnd } from "./call-end.ts";
import type { KeptFiles, Lease } from "./kept-files.ts";
import { type ChangeOf, changeError } from "./unanswered-change.ts";

/** What a call's requests go through: what is kept for all, or a way of the call's own. */
export type FilesWay = KeptFiles | RemoteFiles;

const isKept = (way: FilesWay): way is KeptFiles => "begin" in way;

const noLease: Lease = { end: () => undefined, abandon: () => undefined };

interface Work {
  files: RemoteFiles;
  lease: Lease;
  kept: KeptFiles | null;
}

/** Names that a call has made and not moved are remembered, the last of them. */
const rememberedLimit = 1024;

/**
 * A server's files as one call uses them: they end with the call. When it is to end, what is under way fails with the reason; what the call itself has
 * made can still be removed for a moment, so that nothing half-written stays. Nothing else can: stopped means stopped.
 */
export class CallFiles implements RemoteFiles {
  readonly via: RemoteFiles["via"];
  readonly #call: ChangeOf;
  readonly #end: CallEnd;
  readonly #again: () => Promise<FilesWay>;
  readonly #made = new Set<string>();
  #way: FilesWay;

  /** @param again another way, when this one has ended: an idle channel gives way to commands, also between two requests */
  constructor(way: FilesWay, call: ChangeOf, again: () => Promise<FilesWay>) {
    this.via = isKept(way) ? way.files.via : way.via;
    this.#way = way;
    this.#call = call;
    this.#end = call.end;
    this.#again = again;
  }

  resolve(path: string): Promise<string> {
    return this.#ask((files) => files.resolve(path));
  }

  stat(path: string): Promise<FileFacts | null> {
    return this.#ask((files) => files.stat(path));
  }

  lstat(path: string): Promise<FileFacts | null> {
    return this.#ask((files) => files.lstat(path));
  }

  async *list(path: string): AsyncGenerator<readonly DirectoryEntry[]> {
    for (let isAgain = false; ; isAgain = true) {
      const work = await this.#begin();
      let hasBegun = false;
      try {
        for await (const entries of this.#chunks(work.files.list(path), work.lease.abandon)) {
          hasBegun = true;
          yield entries;
        }
        return;
      } catch (error) {
        if (isAgain || hasBegun || !this.#mayRepeat(work, error)) throw error;
      } finally {
        work.lease.end();
      }
    }
  }

  readLink(path: string): Promise<string> {
    return this.#ask((files) => files.readLink(path));
  }

  async open(path: string): Promise<OpenRemoteFile> {
    for (let isAgain = false; ; isAgain = true) {
      const work = await this.#begin();
      const { files, lease } = work;
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
        if (isAgain || !this.#mayRepeat(work, error)) throw error;
      }
    }
  }

  write(path: string, bytes: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<number> {
    this.#make(path);
    const write = (files: RemoteFiles): Promise<number> => files.write(path, this.#cut(bytes), options);
    return options.append === true ? this.#alter(path, write) : this.#do(write);
  }

  change(path: string, changes: FileChanges): Promise<void> {
    return this.#alter(path, (files) => files.change(path, changes));
  }

  makeDirectory(path: string, mode: number | null): Promise<void> {
    return this.#alter(path, (files) => files.makeDirectory(path, mode));
  }

  async rename(from: string, to: string, replace: boolean): Promise<void> {
    await this.#alter(to, (files) => files.rename(from, to, replace));
    this.#made.delete(from);
  }

  symlink(target: string, path: string): Promise<void> {
    this.#make(path);
    return this.#alter(path, (files) => files.symlink(target, path));
  }

  remove(path: string): Promise<void> {
    return this.#alter(path, (files) => files.remove(path), this.#made.has(path));
  }

  removeDirectory(path: string): Promise<void> {
    return this.#alter(path, (files) => files.removeDirectory(path));
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

  /** For what changes nothing: asked once more where another's request has taken the channel along. */
  async #ask<T>(request: (files: RemoteFiles) => Promise<T>): Promise<T> {
    const work = await this.#begin();
    try {
      return await this.#on(work, request);
    } catch (error) {
      if (!this.#mayRepeat(work, error)) throw error;
    }
    return await this.#do(request);
  }

  async #do<T>(request: (files: RemoteFiles) => Promise<T>): Promise<T> {
    return await this.#on(await this.#begin(), request);
  }

  /**
   * For what changes something.
   * @param isTidying whether it is done for a call that is to end as well
   */
  async #alter<T>(path: string, request: (files: RemoteFiles) => Promise<T>, isTidying = false): Promise<T> {
    const work = await this.#begin(isTidying);
    try {
      return await this.#on(work, request);
    } catch (thrown) {
      throw changeError(thrown, path, this.#call);
    }
  }

  async #on<T>({ files, lease }: Work, request: (files: RemoteFiles) => Promise<T>): Promise<T> {
    const work = request(files);
    work.then(lease.end, lease.end);
    return await this.#end.wait(work, lease.abandon);
  }

  /** Whether it failed with its channel alone, which is no matter of this call. */
  #mayRepeat({ kept }: Work, error: unknown): boolean {
    const isLost = error instanceof SshMcpError && ["CONNECTION_LOST", "REMOTE_IO"].includes(error.code);
    return isLost && this.#end.error === null && kept !== null && !kept.isOpen && kept.connection.isOpen;
  }

  async #begin(isTidying = false): Promise<Work> {
    for (;;) {
      if (!isTidying || this.#end.over.aborted) this.#end.check();
      const way = this.#way;
      if (!isKept(way)) return { files: way, lease: noLease, kept: null };
      // What a call that is to end leaves behind is removed where it can be at once.
      if (way.isOpen && (isTidying || !way.isDoubted)) return { files: way.files, lease: way.begin(), kept: way };
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
      facts: () => this.#waited(() => file.facts(), lease.abandon),
      read: (offset, length) => this.#chunks(file.read(offset, length), lease.abandon),
      close,
    };
  }

  async #waited<T>(request: () => Promise<T>, onLeft: () => void): Promise<T> {
    this.#end.check();
    return await this.#end.wait(request(), onLeft);
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
