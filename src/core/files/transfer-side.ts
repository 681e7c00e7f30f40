/**
 * One side of a transfer: this machine, as the caller's process sees it, or a server as one of its users. The engine copies from one to another and
 * does not know which is which. Paths are texts as path-text.ts has them. Methods throw SshMcpError (LOCAL_IO on this machine, as remote-files.ts says on
 * a server), whose message names side and path.
 */
import type { ErrorCode } from "../errors.ts";
import type { FileChanges, FileFacts } from "./file-facts.ts";
import { pathBytes } from "./path-text.ts";

/** What a walk found below its root. */
export interface TreeEntry {
  /** From the root, with `/` between; never empty, absolute, or with a `.` or `..` in it. Checked by whoever lists. */
  path: string;
  facts: FileFacts;
  /** What a symbolic link says; null for everything else. */
  linkTarget: string | null;
}

/** A name that cannot be taken: said by name, and the walk goes on. */
export interface Refusal {
  path: string;
  code: ErrorCode;
  message: string;
}

/** A small file, whole. */
export interface SmallFile {
  path: string;
  facts: FileFacts;
  content: Uint8Array;
}

/** Bytes up to which a file travels whole, among others. */
export const smallFileLimit = 128 * 1024;

/** How the final file is to be. */
export interface FileForm {
  /** Permission bits; null are those that a new file has there (an existing file keeps its own). Never wider than the source's where it is copied here. */
  mode: number | null;
  /**
   * Whether `mode` is only a new file's, less the umask there, and without setuid, setgid and sticky bits: an existing file keeps its own then. Else it is
   * set exactly.
   */
  masked: boolean;
  /** Null leaves the time of the writing. */
  mtime: number | null;
}

export interface TransferSide {
  /** `db1`, or null for this machine. */
  readonly server: string | null;
  /** Facts of what a name leads to, links followed; null when nothing is there. */
  look(path: string): Promise<FileFacts | null>;
  /** What is below a directory, parents before their children, links told and never followed. Names that are no names (`..`, `a/b`, …) are refused. */
  walk(root: string, onRefused: (refusal: Refusal) => void): AsyncIterable<readonly TreeEntry[]>;
  /** The paths that a pattern of `*`, `?` and `[…]` leads to, sorted by bytes; the pattern itself when it has none of these. */
  glob(pattern: string): Promise<readonly string[]>;
  /** One file's bytes, from an offset on. @throws also when it ends early, or changes while it is read */
  read(path: string, from: number): AsyncIterable<Uint8Array>;
  /**
   * Writes beside the final name, as `partName` says, and gives it that name when all bytes are there; a broken one leaves what came. Never through a link, never
   * outside the root.
   * @param root the operand that the caller named
   * @param path below the root; empty for the root itself
   * @param from how many bytes of the part file are kept: `bytes` go on from there
   * @param expected how many bytes come, as far as the source knows
   */
  write(
    root: string,
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    from: number,
    form: FileForm,
    expected?: number,
  ): Promise<void>;
  /** Bytes that a broken transfer left of this file; null for none. */
  part(root: string, path: string): Promise<number | null>;
  /** SHA-256 in hex of a file's first bytes (all: null), or of its part file's; null where nothing there can compute it. */
  hash(path: string, length: number | null, ofPart: boolean): Promise<string | null>;
  /** Many small files in one stream, in any order; what could not be read is told. */
  readMany(
    root: string,
    paths: AsyncIterable<readonly string[]>,
    onFailed: (failure: Refusal) => void,
  ): AsyncIterable<readonly SmallFile[]>;
  /** Many small files in one stream; each as atomic as `write`. Resolves when all have their final names, or were told. */
  writeMany(
    root: string,
    files: AsyncIterable<readonly SmallFile[]>,
    form: (file: SmallFile) => FileForm,
    onFailed: (failure: Refusal) => void,
    onWritten: (files: number, bytes: number) => void,
  ): Promise<void>;
  /** Also when it is there; not when something else is. */
  makeDirectory(root: string, path: string, mode: number | null): Promise<void>;
  /** Replaces a link; nothing else. */
  symlink(root: string, path: string, target: string): Promise<void>;
  change(root: string, path: string, changes: FileChanges): Promise<void>;
  /** A file, a link, or a directory with all that is in it; never through a link. */
  remove(root: string, path: string): Promise<void>;
  /**
   * Of a side that alone knows what its paths lead to.
   * @throws SshMcpError INVALID_INPUT for a root in which nothing is deleted for not being at the source: a home, what holds one, a folder of the system
   */
  checkMirror?(root: string): Promise<void>;
  /** Bytes that are free there; null when nobody says. */
  free(path: string): Promise<number | null>;
}

const partEnd = ".ssh-mcp-part";
/** Bytes of a name that leave room for the dot and the end: NAME_MAX is 255. */
const roomForName = 255 - 1 - partEnd.length;

/**
 * Name beside `name` under which a file lies until it is whole: hidden, and the same for every try, so that one can be resumed. One that would be too
 * long is cut, with a hash of all of it instead.
 */
export const partName = (name: string): string => {
  const bytes = pathBytes(name);
  if (bytes.length <= roomForName) return `.${name}${partEnd}`;
  let kept = "";
  let length = 0;
  for (const character of name) {
    length += pathBytes(character).length;
    if (length > roomForName - hashLength - 1) break;
    kept += character;
  }
  return `.${kept}.${hashed(bytes)}${partEnd}`;
};

const hashLength = 16;

/** FNV-1a, twice with other beginnings: pure, and nothing secret hangs on it. */
const hashed = (bytes: Uint8Array): string =>
  [0x811c9dc5, 0x01000193]
    .map((start) => bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, start))
    .map((hash) => hash.toString(16).padStart(8, "0"))
    .join("");
