/** This machine as one side of a transfer, in the process whose files they are. */
import { statfsSync, statSync } from "node:fs";
import { SshMcpError } from "../../core/errors.ts";
import type { FileChanges, FileFacts } from "../../core/files/file-facts.ts";
import type { FileForm, Refusal, SmallFile, TransferSide, TreeEntry } from "../../core/files/transfer-side.ts";
import type { Environment } from "../paths.ts";
import { isOfProcess } from "../process-path.ts";
import { atCalls, isLinux } from "./at-calls.ts";
import { CreatedFiles } from "./created-files.ts";
import { localError, systemError } from "./local-errors.ts";
import { hashFile, partPath } from "./local-hash.ts";
import { removeTree, walkTree } from "./local-list.ts";
import { changeFile, makeDirectory, makeLink } from "./local-names.ts";
import { LocalPlaces, type Place } from "./local-places.ts";
import { freely, type LocalPolicy, PolicyCheck } from "./local-policy.ts";
import { factsOf, readFile, readSmallFiles } from "./local-read.ts";
import { writeFile } from "./local-write.ts";
import { writeSmallFiles } from "./local-write-many.ts";
import { isOwnPart } from "./part-file.ts";

export interface LocalSideOptions {
  /** Absolute; relative paths are meant from here. */
  cwd: string;
  /** The only paths, as the caller has them, that are touched, with what lies below them; null for any. */
  operands?: readonly string[] | null;
  policy?: LocalPolicy;
  env?: Environment;
}

/** Errors: NOT_FOUND, ALREADY_EXISTS, LOCAL_IO; INVALID_INPUT for names that are none; POLICY_DENIED; TOO_LARGE; CANCELED after `close`. */
export class LocalSide implements TransferSide {
  readonly server = null;
  readonly #places: LocalPlaces;
  readonly #created = new CreatedFiles();

  constructor({ cwd, operands = null, policy = freely, env = process.env }: LocalSideOptions) {
    this.#places = new LocalPlaces({ cwd, operands, policy: new PolicyCheck(policy, env) });
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

  async *read(path: string, from: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, undefined> {
    yield* readFile(this.#places.find(path), from, signal);
  }

  async write(
    root: string,
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    from: number,
    form: FileForm,
  ): Promise<void> {
    await writeFile(this.#places.find(root, path), bytes, from, form, this.#created);
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
      find: this.#places.finder(root),
      form,
      created: this.#created,
      onFailed,
      onWritten,
    });
  }

  async makeDirectory(root: string, path: string, mode: number | null): Promise<void> {
    const place = this.#places.find(root, path);
    const made = makeDirectory(place, mode, this.#created);
    if (made === null) return;
    if (place.operand !== null) this.#places.adopt(root, made);
    else atCalls().close(made);
  }

  async symlink(root: string, path: string, target: string): Promise<void> {
    makeLink(this.#places.find(root, path), path, target, this.#created);
  }

  async change(root: string, path: string, changes: FileChanges): Promise<void> {
    changeFile(this.#places.find(root, path), changes);
  }

  async remove(root: string, path: string): Promise<void> {
    const place = this.#places.find(root, path);
    // A file that the call names was made by it, where it is to go again.
    if (place.path === "" || (path === "" && place.operand === null))
      throw localError(root, "removed", new SshMcpError("INVALID_INPUT", "what a call names is not removed"));
    await removeTree(place.tree, place.path);
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
