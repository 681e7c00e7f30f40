import { toSshMcpError } from "../../core/errors.ts";
import type { FileFacts } from "../../core/files/file-facts.ts";
import type { RemoteMachine } from "../../core/files/remote-files.ts";
import { type FileForm, partName, type Refusal, type SmallFile } from "../../core/files/transfer-side.ts";
import { atOnce } from "./at-once.ts";
import { below, folderOf, nameOf } from "./below.ts";
import type { ServerTools } from "./remote-tools.ts";
import { finalMode, writeRemote } from "./remote-write.ts";
import { StageBatch, type StagedFile } from "./stage-batch.ts";
import { endsAll } from "./tally.ts";

/** Files from which on a tar is worth its program. */
const worthTar = 16;
/** Files that are written at once over SFTP. */
const writtenAtOnce = 32;
/** What one archive holds at the most: so much of it is sent again when the link breaks, and is held until it is there. */
const filesOfOne = 2000;
const bytesOfOne = 8 * 1024 * 1024;
/** Archives under way: one is filled while another gets its names. */
const underWay = 2;

export interface WriteMany {
  machine: RemoteMachine;
  tools: () => Promise<ServerTools>;
  root: string;
  /** Directories that are empty for certain: they were made just now. */
  isNew: (folder: string) => boolean;
  form: (file: SmallFile) => FileForm;
  onFailed: (failure: Refusal) => void;
  onWritten: (files: number, bytes: number) => void;
}

/** Small files to a server: as archives where it has tar, else one by one with many under way. */
export class RemoteWriteMany {
  readonly #write: WriteMany;
  #batch: StageBatch | null = null;
  readonly #closing: Promise<void>[] = [];
  /** Of the directory that files went into last. */
  #listing: { folder: string; entries: Map<string, FileFacts> } | null = null;
  #realRoot: Promise<string> | null = null;

  constructor(write: WriteMany) {
    this.#write = write;
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
        await (hasTar ? this.#stage(some, tools) : this.#overSftp(some));
        const next: IteratorResult<readonly SmallFile[]> = await batches.next();
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
    const besides: SmallFile[] = [];
    let staged: StagedFile[] = [];
    const root = await this.#root();
    const send = async (): Promise<void> => {
      const some = staged;
      staged = [];
      await this.#add(some);
    };
    for (const file of files) {
      const folder = folderOf(file.path);
      const now = (await this.#entriesOf(folder)).get(nameOf(file.path)) ?? null;
      if (!this.#isPlain(file, now, tools)) {
        besides.push(file);
        continue;
      }
      const form = this.#write.form(file);
      const mode = finalMode(form, now, tools.umask);
      if (staged.length > 0 && (staged[0]?.form.mtime === null) !== (form.mtime === null)) await send();
      staged.push({ file, form, mode, folder: below(root, folder) });
      if (staged.length >= filesOfOne) await send();
    }
    await send();
    if (besides.length > 0) await this.#overSftp(besides);
  }

  /** Whether a rename is all it takes, and its name is one line. */
  #isPlain({ path }: SmallFile, now: FileFacts | null, { uid }: ServerTools): boolean {
    if (path.includes("\n")) return false;
    if (now === null) return true;
    if (now.type === "symlink") return true;
    return now.type === "file" && (now.uid === null || uid === null || now.uid === uid);
  }

  async #add(files: readonly StagedFile[]): Promise<void> {
    for (let at = 0; at < files.length; ) {
      const [first] = files;
      const keepsTimes = first?.form.mtime !== null;
      if (this.#batch !== null && this.#batch.keepsTimes !== keepsTimes) this.#close();
      this.#batch ??= await this.#begin(keepsTimes);
      const batch = this.#batch;
      const some: StagedFile[] = [];
      for (let bytes = batch.bytes; at < files.length && bytes < bytesOfOne; at++) {
        const file = files[at];
        if (file === undefined || batch.files.length + some.length >= filesOfOne) break;
        some.push(file);
        bytes += file.file.content.length;
      }
      await batch.add(some);
      if (batch.bytes >= bytesOfOne || batch.files.length >= filesOfOne) this.#close();
    }
  }

  async #begin(keepsTimes: boolean): Promise<StageBatch> {
    while (this.#closing.length >= underWay) await this.#closing[0];
    return new StageBatch(this.#write.machine, await this.#root(), keepsTimes);
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
      await writeRemote(machine.files, bytes, { path, now, part, from: 0, form: form(file), tools });
    } catch (error) {
      if (!endsAll(toSshMcpError(error)))
        await machine.files.remove(below(folderPath(root, file.path), part)).catch(() => {});
      throw error;
    }
  }

  async #entriesOf(folder: string): Promise<Map<string, FileFacts>> {
    if (this.#listing?.folder === folder) return this.#listing.entries;
    const entries = new Map<string, FileFacts>();
    const { machine, root, isNew } = this.#write;
    if (!isNew(folder)) {
      try {
        for await (const batch of machine.files.list(below(root, folder))) {
          for (const { name, facts } of batch) entries.set(name, facts);
        }
      } catch (thrown) {
        // A directory that cannot be read may be written; and what cannot, its files will say.
        const error = toSshMcpError(thrown);
        if (endsAll(error)) throw error;
      }
    }
    this.#listing = { folder, entries };
    return entries;
  }

  #root(): Promise<string> {
    this.#realRoot ??= this.#write.machine.files.resolve(this.#write.root);
    return this.#realRoot;
  }
}

const folderPath = (root: string, path: string): string => below(root, folderOf(path));
