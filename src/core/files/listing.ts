/**
 * One page of a directory, of any size: what is listed is looked at as it comes, and only what may be on the page is kept. A page begins behind the last
 * name of the one before, in the order asked for: a directory that changes meanwhile shows no name twice, and leaves out none that stays as it is.
 */
import { SshMcpError } from "../errors.ts";
import { shown } from "../escape.ts";
import { matchGlob } from "../glob.ts";
import type { DirectoryEntry, FileFacts } from "./file-facts.ts";
import { nameProblem } from "./file-name.ts";
import type { RemoteFiles } from "./remote-files.ts";
import { joined } from "./remote-path.ts";

export const sortings = ["name", "size", "time"] as const;
export type Sorting = (typeof sortings)[number];

/** A file below the directory. */
export interface Listed {
  /** From the directory on, with `/` between. */
  path: string;
  facts: FileFacts;
}

/** A place in the order: right behind this. */
export interface Place {
  key: number;
  path: string;
}

export interface ListingRequest {
  sort: Sorting;
  reverse: boolean;
  /** 1 is the directory alone. */
  depth: number;
  /** Of the name, or with a slash in it of the path below the directory; null for all. */
  glob: string | null;
  /** Names with a dot too. */
  hidden: boolean;
  /** Entries on the page. */
  limit: number;
  after: Place | null;
}

export interface Listing {
  entries: readonly Listed[];
  /** Names that match, on all pages. */
  total: number;
  /** Whether there are more behind the page. */
  more: boolean;
  /** Directories below, which could not be listed, and why; at most 20. */
  unread: readonly { path: string; message: string }[];
}

/** Names looked at, and directories waiting: what has more is no directory that anybody lists. */
const mostNames = 1_000_000;
const mostWaiting = 50_000;
const mostUnread = 20;
/** Bytes of the names on a page, as JSON has them. */
const mostBytes = 16 * 1024 * 1024;
/** Entries beyond a page's that wait to be sorted away. */
const mostBeyond = 20_000;

/** @throws SshMcpError as RemoteFiles for the directory itself; TOO_LARGE; PROTOCOL_ERROR for a name that is none */
export const listPage = async (
  files: RemoteFiles,
  directory: string,
  request: ListingRequest,
  signal: AbortSignal,
): Promise<Listing> => {
  const page = new Page(request);
  const unread: { path: string; message: string }[] = [];
  const waiting: { path: string; depth: number }[] = [{ path: "", depth: 1 }];
  let names = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path, depth } = next;
    const full = path === "" ? directory : joined(directory, path);
    try {
      for await (const batch of files.list(full)) {
        signal.throwIfAborted();
        names += batch.length;
        if (names > mostNames) throw tooMany(directory);
        for (const entry of batch) {
          const below = checked(entry, path, full);
          if (!request.hidden && entry.name.startsWith(".")) continue;
          page.offer(below);
          if (entry.facts.type === "directory" && depth < request.depth)
            waiting.push({ path: below.path, depth: depth + 1 });
        }
        if (waiting.length > mostWaiting) throw tooMany(directory);
      }
    } catch (thrown) {
      if (path === "" || !(thrown instanceof SshMcpError) || !oneDirectorys.has(thrown.code)) throw thrown;
      if (unread.length < mostUnread) unread.push({ path, message: thrown.message });
    }
  }
  return { ...page.finished(), unread };
};

/** What is wrong with one directory alone. */
const oneDirectorys: ReadonlySet<string> = new Set(["NOT_FOUND", "REMOTE_PERMISSION", "REMOTE_IO"]);

const tooMany = (directory: string): SshMcpError =>
  new SshMcpError(
    "TOO_LARGE",
    `there are more than ${mostNames} names in ${shown(directory)}: list a directory below it`,
  );

const checked = ({ name, facts }: DirectoryEntry, path: string, full: string): Listed => {
  const problem = nameProblem(name, "linux");
  if (problem !== null)
    throw new SshMcpError("PROTOCOL_ERROR", `a name that the server lists in ${shown(full)} ${problem}`);
  return { path: joined(path, name), facts };
};

class Page {
  readonly #request: ListingRequest;
  #kept: Listed[] = [];
  #bytes = 0;
  #total = 0;
  #behind = 0;

  constructor(request: ListingRequest) {
    this.#request = request;
  }

  offer(listed: Listed): void {
    const { glob, after, limit } = this.#request;
    if (glob !== null && !matches(listed.path, glob)) return;
    this.#total++;
    if (after !== null && this.#compare(keyOf(listed, this.#request.sort), listed.path, after.key, after.path) <= 0)
      return;
    this.#behind++;
    this.#kept.push(listed);
    this.#bytes += jsonBytes(listed.path);
    if (this.#kept.length >= limit + Math.min(limit, mostBeyond) + 64 || this.#bytes > 2 * mostBytes) this.#cut();
  }

  finished(): Pick<Listing, "entries" | "total" | "more"> {
    this.#cut();
    return { entries: this.#kept, total: this.#total, more: this.#behind > this.#kept.length };
  }

  #cut(): void {
    const { sort, limit } = this.#request;
    this.#kept.sort((a, b) => this.#compare(keyOf(a, sort), a.path, keyOf(b, sort), b.path));
    this.#bytes = 0;
    let length = 0;
    for (const { path } of this.#kept) {
      const bytes = jsonBytes(path);
      if (length >= limit || (length > 0 && this.#bytes + bytes > mostBytes)) break;
      this.#bytes += bytes;
      length++;
    }
    this.#kept.length = length;
  }

  /** By code units: the same on every machine. */
  #compare(keyA: number, pathA: string, keyB: number, pathB: string): number {
    const order = keyA !== keyB ? keyA - keyB : pathA < pathB ? -1 : pathA > pathB ? 1 : 0;
    return this.#request.reverse ? -order : order;
  }
}

/** At most so many: a character of JavaScript's has three bytes, or is written out. */
export const jsonBytes = (text: string): number => (plain.test(text) ? text.length : 3 * JSON.stringify(text).length);

const plain = /^[ !#-[\]-~]*$/;

/** The largest and the newest come first, as ls(1) has them. */
export const keyOf = ({ facts }: Listed, sort: Sorting): number => {
  if (sort === "name") return 0;
  return sort === "size" ? -facts.size : -(facts.mtime ?? 0);
};

const matches = (path: string, glob: string): boolean =>
  matchGlob(glob.includes("/") ? path : path.slice(path.lastIndexOf("/") + 1), glob);
