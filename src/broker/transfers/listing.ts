import type { FileFacts } from "../../core/files/file-facts.ts";
import type { Refusal, TransferSide } from "../../core/files/transfer-side.ts";
import { folderOf, isOurs } from "./below.ts";
import type { Excluded } from "./exclude.ts";

/** Names that are looked at in one go. */
const slice = 2000;

export interface Listed {
  facts: FileFacts;
  linkTarget: string | null;
}

/**
 * What a destination has, where a copy has to know: about 300 bytes for each name, until the source's walk has come to it. Whatever is left in it then, the
 * source has not.
 */
export class Listing {
  readonly #entries = new Map<string, Listed>();
  /** Folders that must stay because something in them does: what is excluded, and what could not even be named. */
  readonly #kept = new Set<string>();
  /** Folders that make way for something else as a whole. */
  readonly #cleared = new Set<string>();
  /** Hashes of the folded paths that the source has and this has not: a file system that folds names has them under others. */
  readonly #folded = new Set<number>();

  static async of(side: TransferSide, root: string, excluded: Excluded): Promise<Listing> {
    const listing = new Listing();
    const refused = ({ path }: Refusal): void => listing.#keep(path);
    for await (const entries of side.walk(root, refused)) {
      for (const { path, facts, linkTarget } of entries) {
        if (excluded(path, facts.type === "directory") || isOurs(path)) listing.#keep(path);
        else listing.#entries.set(path, { facts, linkTarget });
      }
    }
    return listing;
  }

  /** What is at a path; from then on it is not left over. */
  take(path: string): Listed | null {
    const entry = this.#entries.get(path) ?? null;
    if (entry === null) this.#folded.add(folded(path));
    else this.#entries.delete(path);
    return entry;
  }

  /**
   * What the source has not, a folder before what is in it, in slices that take no long time. Of a folder that may go as a whole only the folder. What
   * has a name of the source but for case and Unicode's forms stays: it may be that very file.
   */
  *leftOver(): Generator<readonly string[], void> {
    const gone = new Set<string>(this.#cleared);
    let [left, count]: [string[], number] = [[], 0];
    for (const [path, { facts }] of this.#entries) {
      if (++count % slice === 0) {
        yield left;
        left = [];
      }
      const isGone = gone.has(folderOf(path));
      if (!isGone && (this.#kept.has(path) || this.#folded.has(folded(path)))) continue;
      if (facts.type === "directory") gone.add(path);
      if (!isGone) left.push(path);
    }
    yield left;
  }

  /** Whether something in this folder must stay. */
  keeps(path: string): boolean {
    return this.#kept.has(path);
  }

  /** A folder goes as a whole: what is in it is not left over. */
  clear(folder: string): void {
    this.#cleared.add(folder);
  }

  #keep(path: string): void {
    for (let at = path; at !== "" && !this.#kept.has(at); at = folderOf(at)) this.#kept.add(at);
  }
}

/** A hash, because there may be a million. Two paths that share one keep more than they need to. */
const folded = (path: string): number => Number(Bun.hash(path.normalize("NFC").toLowerCase()));
