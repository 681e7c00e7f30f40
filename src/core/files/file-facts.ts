/** What there is to know of a file, wherever it lies. */

export const fileTypes = ["file", "directory", "symlink", "fifo", "socket", "character", "block", "unknown"] as const;
export type FileType = (typeof fileTypes)[number];

/** What a side cannot tell is null. */
export interface FileFacts {
  type: FileType;
  /** Bytes; of what is no regular file, whatever the system says. */
  size: number;
  /** Permission bits, 0 to 0o7777. */
  mode: number | null;
  uid: number | null;
  gid: number | null;
  /** Whole seconds since the epoch: SFTP 3 has no smaller unit. */
  mtime: number | null;
}

/** One name in a directory; the facts are its own, never those of what a symbolic link leads to. */
export interface DirectoryEntry {
  /** Without a slash; see path-text.ts for bytes that are no UTF-8. */
  name: string;
  facts: FileFacts;
}

/** What to set of a file; absent leaves it. */
export interface FileChanges {
  mode?: number;
  uid?: number;
  gid?: number;
  /** Whole seconds since the epoch; the access time is set to the same. */
  mtime?: number;
}
