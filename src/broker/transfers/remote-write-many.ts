import { toSshMcpError } from "../../core/errors.ts";
import { type FileForm, partName, type Refusal, type SmallFile } from "../../core/files/transfer-side.ts";
import { atOnce } from "./at-once.ts";
import { below, folderOf, nameOf } from "./below.ts";
import type { ServerTools } from "./remote-tools.ts";
import { finalMode, writeRemote } from "./remote-write.ts";
import { StageBatch, type StagedFile } from "./stage-batch.ts";
import { StageFolders, type StageTarget } from "./stage-folders.ts";
import { endsAll } from "./tally.ts";

/** Files from which on a tar is worth its program. */
const worthTar = 16;
/** Files that are written at once over SFTP. */
const writtenAtOnce = 32;
/** What one archive holds at the most: so much of it is sent again when the link breaks, and is held until it is there. */
const filesOfOne = 2000;
const bytesOfOne = 8 * 1024 * 1024;
/** Milliseconds after which one is closed: on a slow link files get their names, and count, before all that would be taken is there. */
const longestOpenMs = 2000;
/** Bytes between two looks at the time. */
const bytesAtOnce = 512 * 1024;
/** Archives under way: one is filled while another gets its names. */
const underWay = 2;
/**
 * Milliseconds that an archive waits for its next file. Its program may hold the only channel that the server grants, and what the next file comes after,
 * as a directory that is made, may wait for that.
 */
const idleLimitMs = 500;
/** Where that was so, all others go one by one. */
const mostStalls = 3;

export interface WriteMany extends StageTarget {
  tools: () => Promise<ServerTools>;
  /** Writes what no other transfer writes meanwhile. @param path absolute */
  alone: <T>(path: string, write: () => Promise<T>) => Promise<T>;
  form: (file: SmallFile) => FileForm;
  onFailed: (failure: Refusal) => void;
  onWritten: (files: number, bytes: number) => void;
}

/** Small files to a server: as archives where it has tar, else one by one with many under way. */
export class RemoteWriteMany {
  readonly #write: WriteMany;
  #batch: StageBatch | null = null;
  #hasSwept = false;
  /** How often an archive has waited in vain. */
  #stalls = 0;
  readonly #closing: Promise<void>[] = [];
  readonly #folders: StageFolders;
  #realRoot: Promise<string> | null = null;
  /** An archive has moved nothing: the next would not, either. */
  #isVain = false;

  constructor(write: WriteMany) {
    this.#write = write;
    this.#folders = new StageFolders(write, (work) => this.#soon(work));
  }

  async all(files: AsyncIterable<readonly SmallFile[]>): Promise<void> {
    const batches = files[Symbol.asyncIterator]();
    try {
      const first: SmallFile[] = [];
      let isOver = false;
      while (first.length < worthTar && !isOver) {
        const next = await batches.next();
        isOver = next.done === true;
        if (next.done !== true) first.push(...next.value);
      }
      const tools = first.length < worthTar ? null : await this.#write.tools();
      const hasTar = tools !== null && tools.tar !== null;
      for (let some: readonly SmallFile[] | null = first; some !== null; ) {
        await (hasTar && this.#stalls < mostStalls && !this.#isVain ? this.#stage(some, tools) : this.#overSftp(some));
        const next: IteratorResult<readonly SmallFile[]> = await this.#soon(() => batches.next());
        some = next.done === true ? null : next.value;
      }
      this.#close();
      await Promise.all(this.#closing);
    } catch (error) {
      this.#batch?.abandon(error);
      await Promise.allSettled(this.#closing);
      throw error;
    } finally {
      await batches.return?.();
    }
  }

  async #stage(files: readonly SmallFile[], tools: ServerTools): Promise<void> {
    const [one] = files;
    if (one === undefined) return;
    const besides: SmallFile[] = [];
    let staged: StagedFile[] = [];
    const root = await this.#root();
    const send = async (): Promise<void> => {
      const some = staged;
      staged = [];
      await this.#add(some);
    };
    // Files come folder by folder: what is asked for all of them is not waited for by each.
    const enter = async (folder: string) => ({
      ...(await this.#folders.enter(folder, tools)),
      place: below(root, folder),
    });
    let last = await enter(folderOf(one.path));
    for (const file of files) {
      const folder = folderOf(file.path);
      if (last.path !== folder) last = await enter(folder);
      const now = last.entries.get(nameOf(file.path)) ?? null;
      if (!last.takesByRename(file, now)) {
        besides.push(file);
        continue;
      }
      const form = this.#write.form(file);
      const mode = finalMode(form, now, tools.umask);
      if (staged.length > 0 && (staged[0]?.form.mtime === null) !== (form.mtime === null)) await send();
      staged.push({ file, form, mode, folder: last.place });
      if (staged.length >= filesOfOne) await send();
    }
    await send();
    if (besides.length === 0) return;
    // See `idleLimitMs`.
    this.#close();
    await this.#overSftp(besides);
  }

  async #add(files: readonly StagedFile[]): Promise<void> {
    for (let at = 0; at < files.length; ) {
      const [first] = files;
      const keepsTimes = first?.form.mtime !== null;
      if (this.#batch !== null && this.#batch.keepsTimes !== keepsTimes) this.#close();
      this.#batch ??= await this.#begin(keepsTimes);
      const batch = this.#batch;
      const some: StagedFile[] = [];
      const most = Math.min(bytesOfOne, batch.bytes + bytesAtOnce);
      for (let bytes = batch.bytes; at < files.length && bytes < most; at++) {
        const file = files[at];
        if (file === undefined || batch.files.length + some.length >= filesOfOne) break;
        some.push(file);
        bytes += file.file.content.length;
      }
      await batch.add(some);
      const isLong = performance.now() - batch.begunAt > longestOpenMs;
      // Another may have been begun, when this one was closed for being idle.
      if (this.#batch === batch && (isLong || batch.bytes >= bytesOfOne || batch.files.length >= filesOfOne))
        this.#close();
    }
  }

  async #begin(keepsTimes: boolean): Promise<StageBatch> {
    while (this.#closing.length >= underWay) await this.#closing[0];
    const root = await this.#root();
    const sweeps = !this.#hasSwept;
    this.#hasSwept = true;
    return new StageBatch(this.#write.machine, root, keepsTimes, sweeps);
  }

  /** Lets the batch get its names, and goes on meanwhile. */
  #close(): void {
    const batch = this.#batch;
    this.#batch = null;
    if (batch === null) return;
    const closing = this.#finish(batch).then(() => {
      this.#closing.splice(this.#closing.indexOf(closing), 1);
    });
    this.#closing.push(closing);
    closing.catch(() => {});
  }

  async #finish(batch: StageBatch): Promise<void> {
    const left = await batch.close();
    const bytes = left.reduce((sum, { file }) => sum - file.content.length, batch.bytes);
    if (batch.files.length > left.length) this.#write.onWritten(batch.files.length - left.length, bytes);
    if (batch.files.length >= worthTar && left.length === batch.files.length) this.#isVain = true;
    // The other way says why, file by file.
    if (left.length > 0) await this.#overSftp(left.map(({ file }) => file));
  }

  async #overSftp(files: readonly SmallFile[]): Promise<void> {
    await atOnce(files, writtenAtOnce, async (file) => {
      try {
        await this.#one(file);
        this.#write.onWritten(1, file.content.length);
      } catch (thrown) {
        const { code, message } = toSshMcpError(thrown);
        this.#write.onFailed({ path: file.path, code, message });
      }
    });
  }

  async #one(file: SmallFile): Promise<void> {
    const { machine, root, form, tools } = this.#write;
    const path = below(root, file.path);
    const now = this.#write.isNew(folderOf(file.path)) ? null : await machine.files.lstat(path);
    const bytes = (async function* () {
      yield file.content;
    })();
    // The same name for every try: a link that breaks leaves one at the most, and the next try takes its place.
    const part = partName(nameOf(file.path));
    try {
      const real = below(await this.#root(), file.path);
      const alone = <T>(write: () => Promise<T>): Promise<T> => this.#write.alone(real, write);
      await writeRemote(machine.files, bytes, { path, alone, now, part, from: 0, form: form(file), tools });
    } catch (error) {
      const { code } = toSshMcpError(error);
      // Another's part is left to whoever writes it.
      if (code !== "PRECONDITION_FAILED" && !endsAll(toSshMcpError(error)))
        await machine.files.remove(below(folderPath(root, file.path), part)).catch(() => {});
      throw error;
    }
  }

  /** Does what the next file waits for, and has the archive get its names when that takes long. */
  async #soon<T>(work: () => Promise<T>): Promise<T> {
    const idle = setTimeout(() => {
      if (this.#batch !== null) this.#stalls += 1;
      this.#close();
    }, idleLimitMs);
    try {
      return await work();
    } finally {
      clearTimeout(idle);
    }
  }

  #root(): Promise<string> {
    this.#realRoot ??= this.#write.machine.files.resolve(this.#write.root);
    return this.#realRoot;
  }
}

const folderPath = (root: string, path: string): string => below(root, folderOf(path));
