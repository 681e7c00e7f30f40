/** This machine as one side of a transfer, in the process whose files they are. */
import { statfsSync, statSync } from "node:fs";
import { SshMcpError } from "../../core/errors.ts";
import type { FileChanges, FileFacts } from "../../core/files/file-facts.ts";
import { notMirroredOnto } from "../../core/files/mirrored-onto.ts";
import type { FileForm, Refusal, SmallFile, TransferSide, TreeEntry } from "../../core/files/transfer-side.ts";
import type { Environment } from "../paths.ts";
import { isOfProcess } from "../process-path.ts";
import { atCalls, isLinux } from "./at-calls.ts";
import { CreatedFiles } from "./created-files.ts";
import type { HandOver } from "./hand-over.ts";
import { identityOf } from "./identity.ts";
import { localError, systemError } from "./local-errors.ts";
import { hashFile, partPath } from "./local-hash.ts";
import { removeTree, walkTree } from "./local-list.ts";
import { changeFile, makeDirectory, makeLink } from "./local-names.ts";
import { LocalPlaces, type Place } from "./local-places.ts";
import { freely, type LocalPolicy, PolicyCheck } from "./local-policy.ts";
import { factsOf, readFile, readSmallFiles } from "./local-read.ts";
import { writeFile } from "./local-write.ts";
import { writeSmallFiles } from "./local-write-many.ts";
import { keptPlaces } from "./mirrored-onto.ts";
import { isOwnPart } from "./part-file.ts";
import { refuseProcess } from "./write-device.ts";

export interface LocalSideOptions {
  /** Absolute; relative paths are meant from here. */
  cwd: string;
  /** The only paths, as the caller has them, that are touched, with what lies below them; null for any. */
  operands?: readonly string[] | null;
  /** Those of them that are written to, and removed from; absent is all. */
  writable?: readonly string[] | null;
  policy?: LocalPolicy;
  env?: Environment;
}

/** Errors: NOT_FOUND, ALREADY_EXISTS, LOCAL_IO; INVALID_INPUT for names that are none; POLICY_DENIED; TOO_LARGE; CANCELED after `close`. */
export class LocalSide implements TransferSide {
  readonly server = null;
  readonly #places: LocalPlaces;
  readonly #created = new CreatedFiles();
  readonly #env: Environment;
  #kept: ReadonlyMap<string, string> | null = null;
  /** Permission bits that are set: for a model no setuid, setgid and sticky. */
  readonly #modeBits: number;

  constructor({ cwd, operands = null, writable = operands, policy = freely, env = process.env }: LocalSideOptions) {
    const check = new PolicyCheck(policy, env);
    this.#env = env;
    this.#modeBits = check.isOpen ? 0o7777 : 0o777;
    this.#places = new LocalPlaces({ cwd, operands, writable, policy: check });
  }

  /** Lets go of every directory that is held. */
  close(): void {
    this.#places.close();
  }

  /** Below a path that the call names no link is followed: the facts are the link's own there. */
  async look(path: string): Promise<FileFacts | null> {
    const place = this.#find(path);
    if (place === null) return null;
    const { tree, operand } = place;
    if (operand !== null && tree.policy.isOpen && isOfProcess(operand)) return factsOfProcess(operand);
    try {
      if (place.path === "") return factsOf(atCalls().lookAt(tree.root));
      const { directory, name } = tree.spot(place.path);
      const found = atCalls().look(directory, name);
      // A link that leads somewhere was followed already.
      if (found === null || (operand !== null && found.type === "symlink")) return null;
      return factsOf(found);
    } catch (cause) {
      return absentOr(cause, tree.shownPath(place.path));
    }
  }

  async *walk(root: string, onRefused: (refusal: Refusal) => void): AsyncGenerator<readonly TreeEntry[], undefined> {
    const { tree, path } = this.#places.find(root);
    yield* walkTree(tree, path, onRefused);
  }

  /** A shell has done so before. */
  async glob(pattern: string): Promise<readonly string[]> {
    return [pattern];
  }

  /** @param hand takes a large regular file in place of the bytes, which do not come then */
  async *read(
    path: string,
    from: number,
    signal?: AbortSignal,
    hand: HandOver | null = null,
  ): AsyncGenerator<Uint8Array, undefined> {
    yield* readFile(this.#places.find(path), from, signal, hand);
  }

  /** @param hand takes the file to be written; `bytes` then only end */
  async write(
    root: string,
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    from: number,
    form: FileForm,
    _expected?: number,
    hand: HandOver | null = null,
    signal?: AbortSignal,
  ): Promise<void> {
    refuseProcess(root);
    await writeFile(this.#places.findToWrite(root, path), bytes, from, this.#formed(form), this.#created, hand, signal);
  }

  async part(root: string, path: string): Promise<number | null> {
    const place = this.#find(root, path);
    if (place === null || place.path === "") return null;
    try {
      const { directory, name } = place.tree.spot(partPath(place.path));
      const found = atCalls().look(directory, name);
      return found !== null && isOwnPart(found) ? found.size : null;
    } catch (cause) {
      return absentOr(cause, place.tree.shownPath(place.path));
    }
  }

  async hash(path: string, length: number | null, ofPart: boolean, signal?: AbortSignal): Promise<string | null> {
    return await hashFile(this.#places.find(path), length, ofPart, signal);
  }

  async *readMany(
    root: string,
    paths: AsyncIterable<readonly string[]>,
    onFailed: (failure: Refusal) => void,
  ): AsyncGenerator<readonly SmallFile[], undefined> {
    yield* readSmallFiles(this.#places.finder(root), paths, onFailed);
  }

  async writeMany(
    root: string,
    files: AsyncIterable<readonly SmallFile[]>,
    form: (file: SmallFile) => FileForm,
    onFailed: (failure: Refusal) => void,
    onWritten: (files: number, bytes: number) => void,
  ): Promise<void> {
    await writeSmallFiles(files, {
      find: this.#places.finderToWrite(root),
      form: (file) => this.#formed(form(file)),
      created: this.#created,
      onFailed,
      onWritten,
    });
  }

  async makeDirectory(root: string, path: string, mode: number | null): Promise<void> {
    const place = this.#places.findToWrite(root, path);
    const made = makeDirectory(place, mode, this.#created);
    if (made === null) return;
    if (place.operand !== null) this.#places.adopt(root, made);
    else atCalls().close(made);
  }

  async symlink(root: string, path: string, target: string): Promise<void> {
    makeLink(this.#places.findToWrite(root, path), path, target, this.#created);
  }

  async change(root: string, path: string, changes: FileChanges): Promise<void> {
    changeFile(this.#places.findToWrite(root, path), changes, this.#modeBits);
  }

  async remove(root: string, path: string): Promise<void> {
    const place = this.#places.findToWrite(root, path);
    // A file that the call names was made by it, where it is to go again.
    if (place.path === "" || (path === "" && place.operand === null))
      throw localError(root, "removed", new SshMcpError("INVALID_INPUT", "what a call names is not removed"));
    this.#checkKept(place, place.tree.shownPath(place.path));
    await removeTree(place.tree, place.path);
  }

  async checkMirror(root: string): Promise<void> {
    const place = this.#find(root);
    if (place !== null) this.#checkKept(place, root);
  }

  /** @throws SshMcpError INVALID_INPUT */
  #checkKept({ tree, path }: Place, where: string): void {
    const { directory, name } = path === "" ? { directory: tree.root, name: null } : tree.spot(path);
    const look = name === null ? atCalls().lookAt(directory) : atCalls().look(directory, name);
    if (look?.type !== "directory") return;
    this.#kept ??= keptPlaces(this.#env);
    const what = this.#kept.get(identityOf(look));
    if (what !== undefined) throw notMirroredOnto(where, what);
  }

  async free(path: string): Promise<number | null> {
    const place = this.#find(path);
    if (place === null) return null;
    const { tree } = place;
    try {
      const { bavail, bsize } = statfsSync(isLinux ? `/proc/self/fd/${tree.root}` : tree.where);
      return bavail * bsize;
    } catch {
      return null;
    }
  }

  #formed(form: FileForm): FileForm {
    return form.mode === null || this.#modeBits === 0o7777 ? form : { ...form, mode: form.mode & this.#modeBits };
  }

  /** Null when nothing is there, nor the directory that it would be in. */
  #find(root: string, path = ""): Place | null {
    try {
      return this.#places.find(root, path);
    } catch (thrown) {
      if (thrown instanceof SshMcpError && thrown.code === "NOT_FOUND") return null;
      throw thrown;
    }
  }
}

const absentOr = (cause: unknown, where: string): null => {
  const failure = localError(where, "looked at", cause);
  if (failure.code === "NOT_FOUND") return null;
  throw failure;
};

const factsOfProcess = (path: string): FileFacts => {
  try {
    const stats = statSync(path);
    const { size, mode, uid, gid, mtimeMs } = stats;
    const type = stats.isFile() ? "file" : stats.isFIFO() ? "fifo" : stats.isDirectory() ? "directory" : "character";
    return { type, size, mode: mode & 0o7777, uid, gid, mtime: Math.floor(mtimeMs / 1000) };
  } catch {
    throw localError(path, "looked at", systemError("ENOENT"));
  }
};
