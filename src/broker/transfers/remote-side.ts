import type { CallScope } from "../../core/call-scope.ts";
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { ownPartSize } from "../../core/files/beside.ts";
import type { FileChanges, FileFacts } from "../../core/files/file-facts.ts";
import { directoryOf, finalPlace } from "../../core/files/final-place.ts";
import type { RemoteMachine } from "../../core/files/remote-files.ts";
import { parentOf } from "../../core/files/remote-path.ts";
import { globProgram, parseGlob } from "../../core/files/remote-scripts.ts";
import { removeRecursively } from "../../core/files/remove-recursively.ts";
import {
  type FileForm,
  partName,
  type Refusal,
  type SmallFile,
  type TransferSide,
  type TreeEntry,
} from "../../core/files/transfer-side.ts";
import { below, nameOf } from "./below.ts";
import { globOverLists } from "./glob-over-lists.ts";
import { printed } from "./program-output.ts";
import { RemoteHashes } from "./remote-hash.ts";
import { readManyRemote } from "./remote-read-many.ts";
import { askTools, type ServerTools } from "./remote-tools.ts";
import { walkRemote } from "./remote-walk.ts";
import { needsMask, writeRemote } from "./remote-write.ts";
import { RemoteWriteMany } from "./remote-write-many.ts";
import { endsAll } from "./tally.ts";
import { withoutRefusals } from "./without-refusals.ts";
import { Writers } from "./writers.ts";

/** Bytes of the names that a pattern may lead to. */
const globbedBytes = 8 * 1024 * 1024;
const foldersKept = 1000;

/** A server, as one side of a transfer. */
export class RemoteSide implements TransferSide {
  readonly server: string;
  readonly #machine: RemoteMachine;
  readonly #scope: Pick<CallScope, "caller" | "signal" | "notice">;
  readonly #hashes: RemoteHashes;
  readonly #writers: Writers;
  #tools: Promise<ServerTools> | null = null;
  #isWithin = false;
  /** Where the part of a file lies, of those that were looked for. */
  readonly #parts = new Map<string, string>();
  /** Bytes of broken writes that the server had said it has. */
  readonly #acknowledged = new Map<string, number>();
  readonly #realFolders = new Map<string, Promise<string>>();
  /** Directories that were made here. */
  readonly #made = new Set<string>();

  constructor(
    machine: RemoteMachine,
    scope: Pick<CallScope, "caller" | "signal" | "notice">,
    writers: Writers = new Writers(),
  ) {
    this.server = machine.name;
    this.#machine = withoutRefusals(machine);
    this.#writers = writers;
    this.#scope = scope;
    this.#hashes = new RemoteHashes(machine);
  }

  /**
   * What is read here is written here, too: then it is SFTP alone that does both. Programs that wait for each other would take two channels, and a third one for SFTP, of a server that may
   * have one; each would hold what the other waits for.
   */
  copiesWithin(): void {
    this.#isWithin = true;
  }

  look(path: string): Promise<FileFacts | null> {
    return this.#machine.files.stat(path);
  }

  walk(root: string, onRefused: (refusal: Refusal) => void): AsyncIterable<readonly TreeEntry[]> {
    return walkRemote(this.#machine.files, root, onRefused);
  }

  async glob(pattern: string): Promise<readonly string[]> {
    const said = await printed(this.#machine, globProgram(pattern), globbedBytes);
    if (said === null) return await globOverLists(this.#machine.files, pattern);
    return parseGlob(said, pattern);
  }

  async *read(path: string, from: number): AsyncIterable<Uint8Array> {
    const file = await this.#machine.files.open(path);
    try {
      const before = await file.facts();
      // What grows is copied as far as it went when it was opened; what says it is empty, as in /proc, to its end.
      const length = before.size > 0 ? Math.max(0, before.size - from) : null;
      for await (const chunk of file.read(from, length)) yield chunk;
      const after = await file.facts();
      if (after.size < before.size || (after.size === before.size && after.mtime !== before.mtime)) {
        throw new SshMcpError("REMOTE_IO", `${shown(path)} on ${this.server} changed while it was read`);
      }
    } finally {
      file.close();
    }
  }

  async write(
    root: string,
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    from: number,
    form: FileForm,
    expected?: number,
  ): Promise<void> {
    const target = below(root, path);
    // On its way meanwhile.
    if (needsMask(form, null)) this.#askedTools().catch(() => {});
    // What the caller named may be a link, and means what it leads to. Below it, a link is replaced.
    const { files } = this.#machine;
    const [place, folder] = await Promise.all([finalPlace(files, target, path === ""), this.#realFolder(target)]);
    const real = place.path === target ? folder : await this.#realFolder(place.path);
    this.#acknowledged.set(target, from);
    await writeRemote(files, bytes, {
      alone: (write) => this.#writers.alone(this.server, below(real, nameOf(place.path)), write),
      ...{ path: place.path, now: place.facts, part: partName(nameOf(place.path)), from, form, expected },
      tools: () => this.#askedTools(),
      onWritten: (count) => this.#acknowledged.set(target, from + count),
    });
    this.#acknowledged.delete(target);
  }

  async part(root: string, path: string): Promise<number | null> {
    const { files } = this.#machine;
    const target = below(root, path);
    try {
      const final = path === "" ? (await finalPlace(files, target, true)).path : target;
      const part = `${directoryOf(final)}${partName(nameOf(final))}`;
      this.#parts.set(target, part);
      return await ownPartSize(files, part);
    } catch (thrown) {
      const known = this.#acknowledged.get(target);
      if (known === undefined || !endsAll(toSshMcpError(thrown))) throw thrown;
      return known;
    }
  }

  hash(path: string, length: number | null, ofPart: boolean): Promise<string | null> {
    const part = this.#parts.get(path) ?? `${directoryOf(path)}${partName(nameOf(path))}`;
    return this.#hashes.hash(ofPart ? part : path, length);
  }

  readMany(
    root: string,
    paths: AsyncIterable<readonly string[]>,
    onFailed: (failure: Refusal) => void,
  ): AsyncIterable<readonly SmallFile[]> {
    const notice = (message: string): void => this.#scope.notice(message);
    return readManyRemote({ machine: this.#machine, tools: () => this.#streamTools(), root, onFailed, notice }, paths);
  }

  async writeMany(
    root: string,
    files: AsyncIterable<readonly SmallFile[]>,
    form: (file: SmallFile) => FileForm,
    onFailed: (failure: Refusal) => void,
    onWritten: (files: number, bytes: number) => void,
  ): Promise<void> {
    const isNew = (folder: string): boolean => this.#made.has(below(root, folder));
    const alone = <T>(path: string, write: () => Promise<T>): Promise<T> =>
      this.#writers.alone(this.server, path, write);
    const tools = (): Promise<ServerTools> => this.#streamTools();
    await new RemoteWriteMany({ machine: this.#machine, tools, root, isNew, alone, form, onFailed, onWritten }).all(
      files,
    );
  }

  async makeDirectory(root: string, path: string, mode: number | null): Promise<void> {
    const { files } = this.#machine;
    const target = below(root, path);
    try {
      await files.makeDirectory(target, mode);
      this.#made.add(target);
    } catch (thrown) {
      const error = toSshMcpError(thrown);
      if (endsAll(error)) throw error;
      const now = path === "" ? await files.stat(target) : await files.lstat(target);
      if (now === null) throw error;
      if (now.type === "directory") return;
      throw new SshMcpError("ALREADY_EXISTS", `${shown(target)} on ${this.server} is there, and is no directory`);
    }
  }

  async symlink(root: string, path: string, target: string): Promise<void> {
    const { files } = this.#machine;
    const at = below(root, path);
    try {
      await files.symlink(target, at);
    } catch (thrown) {
      const error = toSshMcpError(thrown);
      if (endsAll(error)) throw error;
      const now = await files.lstat(at);
      if (now === null) throw error;
      if (now.type !== "symlink") {
        throw new SshMcpError("ALREADY_EXISTS", `${shown(at)} on ${this.server} is there, and is no link`);
      }
      const beside = `${directoryOf(at)}.${crypto.randomUUID()}.ssh-mcp-part`;
      await files.symlink(target, beside);
      await files.rename(beside, at, true);
    }
  }

  async change(root: string, path: string, changes: FileChanges): Promise<void> {
    await this.#machine.files.change(below(root, path), changes);
  }

  async remove(root: string, path: string): Promise<void> {
    const { files } = this.#machine;
    // The operand may be a link, and means what it leads to, as for `write`.
    const target = path === "" ? (await finalPlace(files, root, true)).path : below(root, path);
    const facts = await files.lstat(target);
    if (facts === null) return;
    if (facts.type !== "directory") return await files.remove(target);
    await removeRecursively(this.#machine, target, { ...this.#scope, homes: [] });
  }

  async free(path: string): Promise<number | null> {
    const { files } = this.#machine;
    return await files.free((await files.stat(path)) === null ? parentOf(path) || "." : path);
  }

  /** Where a file's folder really is; its own name where nobody says. */
  #realFolder(path: string): Promise<string> {
    const folder = directoryOf(path) || ".";
    let real = this.#realFolders.get(folder);
    if (real === undefined) {
      real = this.#machine.files.resolve(folder).catch(() => folder);
      if (this.#realFolders.size < foldersKept) this.#realFolders.set(folder, real);
    }
    return real;
  }

  /** What small files may go through. */
  async #streamTools(): Promise<ServerTools> {
    const tools = await this.#askedTools();
    return this.#isWithin ? { ...tools, tar: null } : tools;
  }

  /** Once for all of a transfer. */
  #askedTools(): Promise<ServerTools> {
    this.#tools ??= askTools(this.#machine);
    return this.#tools;
  }
}
