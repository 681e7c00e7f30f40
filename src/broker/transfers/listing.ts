import type { FileFacts } from "../../core/files/file-facts.ts";
import type { Refusal, TransferSide } from "../../core/files/transfer-side.ts";
import { folderOf, isOurs, nameOf } from "./below.ts";
import type { Excluded } from "./exclude.ts";

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

  static async of(side: TransferSide, root: string, excluded: Excluded): Promise<Listing> {
    const listing = new Listing();
    const refused = ({ path }: Refusal): void => listing.#keep(path);
    for await (const entries of side.walk(root, refused)) {
      for (const { path, facts, linkTarget } of entries) {
        if (excluded(path, facts.type === "directory") || isOurs(nameOf(path))) listing.#keep(path);
        else listing.#entries.set(path, { facts, linkTarget });
      }
    }
    return listing;
  }

  /** What is at a path; from then on it is not left over. */
  take(path: string): Listed | null {
    const entry = this.#entries.get(path) ?? null;
    this.#entries.delete(path);
    return entry;
  }

  /** What the source has not, a folder before what is in it. Of a folder that may go as a whole only the folder. */
  *leftOver(): Generator<string, void> {
    const gone = new Set<string>();
    for (const [path, { facts }] of this.#entries) {
      if (gone.has(folderOf(path))) {
        if (facts.type === "directory") gone.add(path);
        continue;
      }
      if (this.#kept.has(path)) continue;
      if (facts.type === "directory") gone.add(path);
      yield path;
    }
  }

  /** Whether something in this folder must stay. */
  keeps(path: string): boolean {
    return this.#kept.has(path);
  }

  /** A folder went as a whole. */
  dropBelow(folder: string): void {
    for (const path of this.#entries.keys()) if (path.startsWith(`${folder}/`)) this.#entries.delete(path);
  }

  #keep(path: string): void {
    for (let at = path; at !== "" && !this.#kept.has(at); at = folderOf(at)) this.#kept.add(at);
  }
}
