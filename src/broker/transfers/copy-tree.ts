import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { type Refusal, smallFileLimit, type TreeEntry } from "../../core/files/transfer-side.ts";
import { atOnce } from "./at-once.ts";
import { below, folderOf, isOurs, nameOf, unfinishedName } from "./below.ts";
import { copyFile } from "./copy-file.ts";
import { type CopyJob, type CopyRun, compares } from "./copy-run.ts";
import { deleteLeftOver } from "./delete.ts";
import { Directories } from "./directories.ts";
import { excludedBy } from "./exclude.ts";
import { type Listed, Listing } from "./listing.ts";
import { Queue } from "./queue.ts";
import { refuseFull } from "./room.ts";
import { bringUpToDate, isThere } from "./same-file.ts";
import { SmallFiles, type WalkedFile } from "./small-files.ts";

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

  constructor(run: CopyRun, job: CopyJob) {
    this.#run = run;
    this.#job = job;
    this.#directories = new Directories(run, job);
    this.#excluded = excludedBy(run.request.exclude);
  }

  /** @param onWalked called when all files of it are known */
  async copy(onWalked: () => void): Promise<void> {
    const { request, signal } = this.#run;
    const { destination, root, prefix, now } = this.#job;
    const target = below(root, prefix);
    if (now !== null && compares(this.#run)) this.#there = await Listing.of(destination, target, this.#excluded);
    if (now === null && request.sync?.dryRun !== true) this.#free = await destination.free(root).catch(() => null);
    await this.#makeRoot();
    // Before anything that may have to go on.
    await this.#mark();
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
      this.#walk().then(() => {
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
      await this.#unmark();
      await this.#directories.finish();
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

  /** See `unfinishedName`. */
  get #isMarked(): boolean {
    const { now, prefix, root } = this.#job;
    return this.#run.request.sync === null && prefix === "" && (now === null || this.#run.unfinished.has(root));
  }

  async #mark(): Promise<void> {
    const { now, root, destination } = this.#job;
    if (!this.#isMarked || now !== null) return;
    // A directory, because it takes one round trip. It is a help and no more: what cannot be made there, the files will say.
    await destination.makeDirectory(root, unfinishedName, 0o700).catch(() => {});
  }

  async #unmark(): Promise<void> {
    if (this.#isMarked) await this.#job.destination.remove(this.#job.root, unfinishedName).catch(() => {});
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

  async #walk(): Promise<void> {
    const refused = ({ path, code, message }: Refusal): void => {
      this.#run.tally.failed(below(this.#job.from, path), new SshMcpError(code, message));
    };
    for await (const all of this.#job.source.walk(this.#job.from, refused)) {
      this.#run.signal.throwIfAborted();
      this.#found += all.length;
      const entries = all.filter(
        ({ path, facts }) => !isOurs(nameOf(path)) && !this.#excluded(path, facts.type === "directory"),
      );
      for (const entry of entries) if (entry.facts.type === "directory") await this.#directory(entry);
      const others = entries.filter(({ facts }) => facts.type !== "directory");
      await atOnce(others, compared, (entry) => this.#other(entry));
      if (this.#free !== null) refuseFull(this.#job, this.#run.tally.expectedBytes, this.#free);
    }
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

  async #other(entry: TreeEntry): Promise<void> {
    const { path, facts } = entry;
    const isDry = this.#run.request.sync?.dryRun === true;
    if (!(await this.#directories.has(folderOf(path)))) return;
    if (facts.type !== "file" && facts.type !== "symlink") {
      const at = below(this.#job.from, path);
      this.#run.tally.failed(
        at,
        new SshMcpError("UNSUPPORTED", `${shown(at)} is no regular file (${facts.type}), and was left out`),
      );
      this.#there?.take(path);
      return;
    }
    const now = this.#there?.take(path) ?? null;
    try {
      if (now !== null && (await this.#isUnchanged(entry, now))) return;
    } catch (thrown) {
      this.#run.tally.failed(below(this.#job.from, path), thrown);
      return;
    }
    const isInTheWay = facts.type === "file" ? "directory" : now?.facts.type === "symlink" ? null : now?.facts.type;
    if (now !== null && now.facts.type === isInTheWay && !(await this.#cleared(path, now))) return;
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
    if (sync.dryRun) {
      this.#run.tally.change("-", place);
      return true;
    }
    if (this.#there?.keeps(path) === true) {
      this.#run.tally.failed(
        place,
        new SshMcpError("ALREADY_EXISTS", `${shown(place)} holds what is excluded, and is not replaced`),
      );
      return false;
    }
    try {
      await this.#job.destination.remove(this.#job.root, below(this.#job.prefix, path));
    } catch (thrown) {
      this.#run.tally.failed(place, thrown);
      return false;
    }
    this.#there?.dropBelow(path);
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
