import type { FileFacts } from "../../core/files/file-facts.ts";
import type { TreeEntry } from "../../core/files/transfer-side.ts";
import { atOnce } from "./at-once.ts";
import { below, folderOf } from "./below.ts";
import { type CopyJob, type CopyRun, modesFor } from "./copy-run.ts";

/** Directories that are made or finished at once. */
const most = 32;

/** The directories of a copy: each is made after its parent, and gets its mode and time when everything is in it. */
export class Directories {
  readonly #run: CopyRun;
  readonly #job: CopyJob;
  /** Being made; whether it came about. */
  readonly #making = new Map<string, Promise<boolean>>();
  /** What ended everything, should nobody wait for that directory. */
  #ended: { error: unknown } | null = null;
  /** What could not be made: nothing below it is tried. */
  readonly #absent = new Set<string>();
  /** What is not tried for want of the directory that it lies in. */
  leftOut = 0;
  /** With `preserve`: all of them are held, until the end. */
  readonly #toFinish: { path: string; facts: FileFacts }[] = [];

  constructor(run: CopyRun, job: CopyJob) {
    this.#run = run;
    this.#job = job;
  }

  /** Begins to make one; waits only when many are under way. @throws what ends everything */
  async begin({ path, facts }: Pick<TreeEntry, "path" | "facts">, isThere: boolean): Promise<void> {
    if (this.#run.request.preserve) this.#toFinish.push({ path, facts });
    if (isThere) return;
    while (this.#making.size >= most) await Promise.race(this.#making.values());
    const made = this.#make(path, facts).finally(() => this.#making.delete(path));
    this.#making.set(path, made);
    // Whoever waits for it hears of it.
    made.catch((error: unknown) => {
      this.#ended ??= { error };
    });
  }

  /** Whether the folder that something lies in is there, when it has come to that. */
  async has(path: string): Promise<boolean> {
    const making = this.#making.get(path);
    if (making !== undefined) return await making;
    return !this.#isAbsent(path);
  }

  /** Waits for all that were begun. @throws what ends everything */
  async made(): Promise<void> {
    await Promise.all(this.#making.values());
    if (this.#ended !== null) throw this.#ended.error;
  }

  /** Notes that a path is none for copies to go into. */
  lacks(path: string): void {
    this.#absent.add(path);
  }

  /** The deepest first: what is made in a directory changes its time, and a mode may shut it. */
  async finish(): Promise<void> {
    await this.made();
    const byDepth = Map.groupBy(this.#toFinish, ({ path }) => (path === "" ? 0 : path.split("/").length));
    for (const depth of [...byDepth.keys()].sort((a, b) => b - a)) {
      await atOnce(byDepth.get(depth) ?? [], most, (one) => this.#finishOne(one.path, one.facts));
    }
  }

  async #make(path: string, facts: FileFacts): Promise<boolean> {
    const { root, prefix, destination } = this.#job;
    if (path !== "" && !(await this.has(folderOf(path)))) {
      this.#absent.add(path);
      this.leftOut++;
      return false;
    }
    try {
      await destination.makeDirectory(root, below(prefix, path), this.#firstMode(facts));
    } catch (thrown) {
      this.#absent.add(path);
      this.#run.tally.failed(below(root, below(prefix, path)), thrown);
      return false;
    }
    this.#run.tally.counts.directories++;
    return true;
  }

  /** What its source keeps from others is never open to them, not even meanwhile; everything else is left to the umask there. */
  #firstMode({ mode }: FileFacts): number | null {
    if (mode === null || (mode & 0o055) === 0o055) return null;
    return (mode & 0o755) | 0o700;
  }

  async #finishOne(path: string, { mode, mtime }: FileFacts): Promise<void> {
    const { root, prefix, destination } = this.#job;
    if (!(await this.has(path))) return;
    const changes = {
      ...(mode === null ? {} : { mode: mode & modesFor(destination) }),
      ...(mtime === null ? {} : { mtime }),
    };
    try {
      await destination.change(root, below(prefix, path), changes);
    } catch (thrown) {
      this.#run.tally.failed(below(root, below(prefix, path)), thrown);
    }
  }

  #isAbsent(path: string): boolean {
    for (let at = path; at !== ""; at = folderOf(at)) if (this.#absent.has(at)) return true;
    return this.#absent.has("");
  }
}
