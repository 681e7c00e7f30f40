import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { type Refusal, smallFileLimit, type TreeEntry } from "../../core/files/transfer-side.ts";
import { atOnce } from "./at-once.ts";
import { begun } from "./begun.ts";
import { below, folderOf, isOurs } from "./below.ts";
import { copyFile } from "./copy-file.ts";
import { type CopyJob, type CopyRun, compares } from "./copy-run.ts";
import { deleteLeftOver } from "./delete.ts";
import { Directories } from "./directories.ts";
import { excludedBy } from "./exclude.ts";
import { type Listed, Listing } from "./listing.ts";
import { Queue } from "./queue.ts";
import { replaceDirectories } from "./replace-directories.ts";
import { refuseFull } from "./room.ts";
import { bringUpToDate, isThere, isUntouched } from "./same-file.ts";
import { SmallFiles, type WalkedFile } from "./small-files.ts";
import { UnfinishedMark } from "./unfinished-mark.ts";

/** Entries that the walk may be ahead of the copying: what is held of a tree, some 300 bytes each. */
const ahead = 20_000;
/** Files whose hashes are compared at once. */
const compared = 64;
const linksAtOnce = 16;
/** Large files at once: one alone leaves the link idle while it is opened and given its name. */
const largeAtOnce = 3;

/** Copies what is in a directory. Links are copied as links, never followed; what is neither file, directory nor link is told and left out. */
export class TreeCopy {
  readonly #run: CopyRun;
  readonly #job: CopyJob;
  readonly #directories: Directories;
  readonly #excluded: ReturnType<typeof excludedBy>;
  readonly #small = new Queue<WalkedFile>(ahead);
  readonly #large = new Queue<WalkedFile>(ahead);
  readonly #links = new Queue<TreeEntry>(ahead);
  #there: Listing | null = null;
  #found = 0;
  #free: number | null = null;
  /** Files and links of the source where the destination has a directory, which goes when all else is there. */
  readonly #late: TreeEntry[] = [];
  readonly #mark: UnfinishedMark;

  constructor(run: CopyRun, job: CopyJob) {
    this.#run = run;
    this.#job = job;
    this.#directories = new Directories(run, job);
    this.#excluded = excludedBy(run.request.exclude);
    this.#mark = new UnfinishedMark(run, job);
  }

  /** @param onWalked called when all files of it are known */
  async copy(onWalked: () => void): Promise<void> {
    const { destination, root, prefix, now } = this.#job;
    const target = below(root, prefix);
    // The source is walked meanwhile.
    const walk = begun(this.#job.source.walk(this.#job.from, (refusal) => this.#refused(refusal)));
    try {
      if (now !== null && compares(this.#run)) this.#there = await Listing.of(destination, target, this.#excluded);
      await this.#copy(walk, onWalked);
    } finally {
      await walk.return?.();
    }
  }

  async #copy(walk: AsyncIterator<readonly TreeEntry[]>, onWalked: () => void): Promise<void> {
    const { request, signal } = this.#run;
    const { destination, root, now } = this.#job;
    if (now === null && request.sync?.dryRun !== true) this.#free = await destination.free(root).catch(() => null);
    await this.#makeRoot();
    // Before anything that may have to go on.
    await this.#mark.make();
    const queues = [this.#small, this.#large, this.#links];
    const stop = (error: unknown): void => {
      for (const queue of queues) queue.fail(error);
    };
    const onAbort = (): void => stop(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    // Who takes from a queue waits there for the next, and has to hear of a failure elsewhere.
    const heard = async (work: Promise<void>): Promise<void> => {
      try {
        await work;
      } catch (error) {
        stop(error);
        throw error;
      }
    };
    const small = new SmallFiles(this.#run, this.#job, this.#small);
    const parts = [
      this.#walk(walk).then(() => {
        for (const queue of queues) queue.end();
        onWalked();
      }),
      this.#whenAny(this.#small, () => small.copy()),
      atOnce(this.#large, request.parallel ?? largeAtOnce, (file) =>
        heard(copyFile(this.#run, this.#job, file.path, file.facts)),
      ),
      atOnce(this.#links, linksAtOnce, (link) => heard(this.#link(link))),
    ];
    for (const part of parts) part.catch(stop);
    try {
      const ends = await Promise.allSettled(parts);
      signal.throwIfAborted();
      for (const end of ends) if (end.status === "rejected") throw end.reason;
      await replaceDirectories(this.#run, this.#job, this.#late, (link) => this.#link(link));
      await this.#mark.remove();
      await this.#directories.finish();
      const { leftOut } = this.#directories;
      if (leftOut > 0) this.#run.notice(`${leftOut} more were left out, with the directories that they lie in`);
      if (this.#there !== null && request.sync?.delete === true) {
        await deleteLeftOver(this.#run, this.#job, this.#there, { isEmpty: this.#found === 0 });
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** No stream is opened for nothing. */
  async #whenAny(queue: Queue<WalkedFile>, work: () => Promise<void>): Promise<void> {
    if (await queue.hasAny()) await work();
  }

  async #makeRoot(): Promise<void> {
    const { facts, now } = this.#job;
    const { sync } = this.#run.request;
    if (now === null && sync?.dryRun === true)
      this.#run.tally.change("+", `${below(this.#job.root, this.#job.prefix)}/`);
    // A dry run leaves modes and times alone, too.
    if (sync?.dryRun !== true) await this.#directories.begin({ path: "", facts }, now !== null);
    await this.#directories.made();
  }

  #refused({ path, code, message }: Refusal): void {
    this.#run.tally.failed(below(this.#job.from, path), new SshMcpError(code, message));
  }

  async #walk(walk: AsyncIterator<readonly TreeEntry[]>): Promise<void> {
    for (let next = await walk.next(); next.done !== true; next = await walk.next()) {
      const all = next.value;
      this.#run.signal.throwIfAborted();
      this.#found += all.length;
      const entries = all.filter(
        ({ path, facts }) => !isOurs(path) && !this.#excluded(path, facts.type === "directory"),
      );
      for (const entry of entries) if (entry.facts.type === "directory") await this.#directory(entry);
      const others = entries.filter(({ facts }) => facts.type !== "directory");
      await this.#others(others);
      if (this.#free !== null) refuseFull(this.#job, this.#run.tally.expectedBytes, this.#free);
    }
  }

  /** What takes no waiting is done at once: it is asked of every file of a tree. */
  async #others(entries: readonly TreeEntry[]): Promise<void> {
    let [folder, isThere]: [string | null, boolean] = [null, false];
    const small: WalkedFile[] = [];
    const slow: { entry: TreeEntry; now: Listed | null }[] = [];
    const isDry = this.#run.request.sync?.dryRun === true;
    for (const entry of entries) {
      const { path, facts } = entry;
      if (folder !== folderOf(path)) {
        folder = folderOf(path);
        isThere = await this.#directories.has(folder);
      }
      if (!isThere) {
        this.#directories.leftOut++;
        continue;
      }
      const now = this.#there?.take(path) ?? null;
      if (now === null && !isDry && facts.type === "file" && facts.size <= smallFileLimit) {
        this.#run.tally.expect(facts.size);
        small.push({ path, facts });
      } else if (now !== null && facts.type === "file" && isUntouched(this.#run, this.#job, facts, now.facts)) {
        this.#run.tally.counts.unchanged++;
      } else slow.push({ entry, now });
    }
    await this.#small.putAll(small);
    await atOnce(slow, compared, ({ entry, now }) => this.#other(entry, now));
  }

  async #directory(entry: TreeEntry): Promise<void> {
    const now = this.#there?.take(entry.path) ?? null;
    const isDry = this.#run.request.sync?.dryRun === true;
    if (now !== null && now.facts.type !== "directory" && !(await this.#cleared(entry.path, now))) {
      this.#directories.lacks(entry.path);
      return;
    }
    const is = now?.facts.type === "directory";
    if (isDry && !is) this.#run.tally.change("+", `${this.#place(entry.path)}/`);
    if (!isDry) await this.#directories.begin(entry, is);
  }

  async #other(entry: TreeEntry, now: Listed | null): Promise<void> {
    const { path, facts } = entry;
    const isDry = this.#run.request.sync?.dryRun === true;
    if (facts.type !== "file" && facts.type !== "symlink") {
      const at = below(this.#job.from, path);
      this.#run.tally.failed(
        at,
        new SshMcpError("UNSUPPORTED", `${shown(at)} is no regular file (${facts.type}), and was left out`),
      );
      return;
    }
    try {
      if (now !== null && (await this.#isUnchanged(entry, now))) return;
    } catch (thrown) {
      this.#run.tally.failed(below(this.#job.from, path), thrown);
      return;
    }
    const isInTheWay = facts.type === "file" ? "directory" : now?.facts.type === "symlink" ? null : now?.facts.type;
    if (now !== null && now.facts.type === isInTheWay) {
      if (!(await this.#cleared(path, now))) return;
      if (!isDry && now.facts.type === "directory") {
        if (facts.type === "file") this.#run.tally.expect(facts.size);
        this.#late.push(entry);
        return;
      }
    }
    if (isDry) {
      this.#run.tally.change("+", this.#place(path));
      return;
    }
    if (facts.type === "symlink") return await this.#links.put(entry);
    this.#run.tally.expect(facts.size);
    await (facts.size <= smallFileLimit ? this.#small : this.#large).put({ path, facts });
  }

  async #isUnchanged({ path, facts, linkTarget }: TreeEntry, now: Listed): Promise<boolean> {
    const same =
      facts.type === "symlink"
        ? now.facts.type === "symlink" && now.linkTarget === linkTarget
        : await isThere(this.#run, this.#job, path, facts, now.facts);
    if (!same) return false;
    if (facts.type === "file" && this.#run.request.sync?.dryRun !== true) {
      await bringUpToDate(this.#run, this.#job, path, facts, now.facts);
    }
    this.#run.tally.counts.unchanged++;
    return true;
  }

  /** Something of another kind is in the way. It goes only where the caller said that what the source has not is deleted. */
  async #cleared(path: string, now: Listed): Promise<boolean> {
    const { sync } = this.#run.request;
    const place = this.#place(path);
    if (sync?.delete !== true) {
      const error = new SshMcpError(
        "ALREADY_EXISTS",
        `${shown(place)} is a ${now.facts.type}, and is not replaced by another kind`,
      );
      this.#run.tally.failed(place, error);
      return false;
    }
    if (this.#there?.keeps(path) === true) {
      this.#run.tally.failed(
        place,
        new SshMcpError("ALREADY_EXISTS", `${shown(place)} holds what is excluded, and is not replaced`),
      );
      return false;
    }
    if (now.facts.type === "directory") this.#there?.clear(path);
    if (sync.dryRun) {
      this.#run.tally.change("-", place);
      return true;
    }
    if (now.facts.type === "directory") return true;
    try {
      await this.#job.destination.remove(this.#job.root, below(this.#job.prefix, path));
    } catch (thrown) {
      this.#run.tally.failed(place, thrown);
      return false;
    }
    return true;
  }

  async #link({ path, linkTarget }: TreeEntry): Promise<void> {
    try {
      await this.#job.destination.symlink(this.#job.root, below(this.#job.prefix, path), linkTarget ?? "");
      this.#run.tally.counts.links++;
    } catch (thrown) {
      this.#run.tally.failed(this.#place(path), thrown);
    }
  }

  #place(path: string): string {
    return below(this.#job.root, below(this.#job.prefix, path));
  }
}
