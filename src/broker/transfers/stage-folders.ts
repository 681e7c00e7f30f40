import { toSshMcpError } from "../../core/errors.ts";
import type { FileFacts } from "../../core/files/file-facts.ts";
import type { RemoteMachine } from "../../core/files/remote-files.ts";
import type { SmallFile } from "../../core/files/transfer-side.ts";
import { below, folderOf } from "./below.ts";
import type { ServerTools } from "./remote-tools.ts";
import { endsAll } from "./tally.ts";

/** A directory that files of a stage are to go into. */
export interface StageFolder {
  /** Below the root. */
  path: string;
  /** What is in it by now. */
  entries: ReadonlyMap<string, FileFacts>;
  /** Whether a rename out of the stage is all it takes, and the file's name is one line. @param now what lies there */
  takesByRename: (file: SmallFile, now: FileFacts | null) => boolean;
}

export interface StageTarget {
  machine: RemoteMachine;
  root: string;
  /** Directories that are empty for certain: they were made just now. */
  isNew: (folder: string) => boolean;
}

/** What is known of the directories below the root of a stage. */
export class StageFolders {
  readonly #target: StageTarget;
  readonly #soon: <T>(work: () => Promise<T>) => Promise<T>;
  readonly #groups = new Map<string, Promise<number | null>>();
  /** Of the directory that files went into last. */
  #listing: { folder: string; entries: Map<string, FileFacts> } | null = null;

  /** @param soon does what the next file waits for */
  constructor(target: StageTarget, soon: <T>(work: () => Promise<T>) => Promise<T>) {
    this.#target = target;
    this.#soon = soon;
  }

  async enter(folder: string, tools: ServerTools): Promise<StageFolder> {
    const asked = this.#groupOfNew(folder, tools);
    asked.catch(() => undefined);
    const entries = await this.#entriesOf(folder);
    const [there, staging] = [await asked, await this.#groupOfNew("", tools)];
    return {
      ...{ path: folder, entries },
      takesByRename: ({ path }, now) => {
        if (path.includes("\n")) return false;
        if (now === null || now.type === "symlink") return isSame(staging, there);
        return now.type === "file" && isSame(now.uid, tools.uid) && isSame(now.gid, staging);
      },
    };
  }

  /** The group of what is made in a folder; null when nobody says. A folder that was made here has what its parent gave it. */
  #groupOfNew(folder: string, tools: ServerTools): Promise<number | null> {
    const known = this.#groups.get(folder);
    if (known !== undefined) return known;
    const { machine, root, isNew } = this.#target;
    const ask = async (): Promise<number | null> => {
      const facts = await machine.files.stat(below(root, folder)).catch(() => null);
      return ((facts?.mode ?? 0) & 0o2000) !== 0 ? (facts?.gid ?? null) : tools.gid;
    };
    const group = folder !== "" && isNew(folder) ? this.#groupOfNew(folderOf(folder), tools) : ask();
    this.#groups.set(folder, group);
    return group;
  }

  async #entriesOf(folder: string): Promise<Map<string, FileFacts>> {
    if (this.#listing?.folder === folder) return this.#listing.entries;
    const entries = new Map<string, FileFacts>();
    const { machine, root, isNew } = this.#target;
    if (!isNew(folder)) {
      try {
        await this.#soon(async () => {
          for await (const batch of machine.files.list(below(root, folder))) {
            for (const { name, facts } of batch) entries.set(name, facts);
          }
        });
      } catch (thrown) {
        // A directory that cannot be read may be written; and what cannot, its files will say.
        const error = toSshMcpError(thrown);
        if (endsAll(error)) throw error;
      }
    }
    this.#listing = { folder, entries };
    return entries;
  }
}

/** Of what nobody says nothing is known to differ. */
const isSame = (one: number | null, other: number | null): boolean => one === null || other === null || one === other;
