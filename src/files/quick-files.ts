/**
 * The few things that a warm command has to know of files, without node:fs, which takes as long to load as everything else that it
 * needs: on Linux by libc's own calls, elsewhere by node:fs after all. Nothing here throws, and nothing says why: for that there is node:fs.
 */
import { openLibc } from "./libc.ts";

/** inode(7); `null` is /dev/null. */
export type FileKind = "directory" | "socket" | "file" | "pipe" | "null" | "other";

export interface FileLook {
  kind: FileKind;
  /** The permission bits. */
  permissions: number;
  uid: number;
}

export interface QuickFiles {
  /** Of a path, of which the last name is not followed when it is a link. Null when there is nothing to see. */
  look(path: string): FileLook | null;
  /** Null when the descriptor is not open. */
  kindOf(file: number): FileKind | null;
  /** What a file holds, at most 4 KiB of it; null when it cannot be read. */
  read(path: string): string | null;
  /** Where a symbolic link leads. */
  linkAt(path: string): string | null;
  /** A new descriptor that children do not inherit, and that is no terminal of ours. Null when it cannot be opened. */
  open(path: string, how: "write without waiting" | "read and write"): number | null;
  close(file: number): void;
  /** Whether a descriptor has something to read, whether it never will again, or neither for now: poll(2). Null when it cannot be told. */
  inputOf(file: number): "something" | "nothing yet" | "over" | null;
  /** Writes as much as a file, a pipe or a socket takes without making this process wait. @returns how many bytes; 0 also for what fails */
  writeNow(file: number, bytes: Uint8Array): number;
  /** The machine's name, as gethostname(2) has it; empty when it cannot be had. */
  hostName(): string;
}

let loaded: QuickFiles | null = null;

/** @returns what this system has */
export const quickFiles = (): QuickFiles => {
  loaded ??= libcFiles() ?? nodeFiles();
  return loaded;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const longestText = 4096;

/** fcntl.h, the same on all machines that Linux and Bun run on. */
const writeOnly = 0o1;
const readWrite = 0o2;
const noTerminal = 0o400;
const nonBlocking = 0o4000;
const closeOnExec = 0o2000000;
/** AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
const fromHere = -100;
const noFollow = 0x100;
const itself = 0x1000;
/** STATX_TYPE | STATX_MODE | STATX_UID; where they lie in struct statx does not depend on the machine: statx(2). */
const wanted = 0x1 | 0x2 | 0x8;
const statSize = 256;
/** poll.h, and limits.h: what can be written holds at least so much of a pipe. */
const canRead = 0x1;
const canWrite = 0x4;
const hungUp = 0x10;
const pipePiece = 4096;

/** @returns null where libc does not have it */
export const libcFiles = (): QuickFiles | null => {
  if (process.platform !== "linux") return null;
  let libc: ReturnType<typeof openFunctions>;
  try {
    libc = openFunctions();
  } catch {
    // statx is younger than some libraries.
    return null;
  }
  const buffer = new Uint8Array(longestText);
  const view = new DataView(buffer.buffer, 0, statSize);
  const path = (text: string): Uint8Array => encoder.encode(`${text}\0`);
  const stat = (from: number, name: string, flags: number): FileLook | null => {
    if (libc.statx(from, path(name), flags, wanted, buffer) !== 0) return null;
    const mode = view.getUint16(28, true);
    // Major and minor number of a device; 1, 3 is /dev/null: null(4).
    const isNull = view.getUint32(128, true) === 1 && view.getUint32(132, true) === 3;
    return { kind: kindOfMode(mode, isNull), permissions: mode & 0o7777, uid: view.getUint32(20, true) };
  };
  const text = (length: number): string | null => (length < 0 ? null : decoder.decode(buffer.subarray(0, length)));
  const read = (name: string): string | null => {
    const file = libc.open(path(name), closeOnExec);
    if (file < 0) return null;
    const length = libc.read(file, buffer, buffer.length);
    libc.close(file);
    return text(length);
  };
  /** What of `events` has come, and what else there is to say of the descriptor. */
  const poll = (file: number, events: number): number => {
    view.setInt32(0, file, true);
    view.setInt32(4, events, true);
    return libc.poll(buffer, 1, 0) < 0 ? 0 : view.getInt16(6, true);
  };
  return {
    look: (name) => stat(fromHere, name, noFollow),
    kindOf: (file) => stat(file, "", itself)?.kind ?? null,
    read,
    linkAt: (name) => text(libc.readlink(path(name), buffer, buffer.length)),
    open: (name, how) => {
      const flags = how === "read and write" ? readWrite : writeOnly | nonBlocking;
      const file = libc.open(path(name), flags | noTerminal | closeOnExec);
      return file < 0 ? null : file;
    },
    close: (file) => {
      libc.close(file);
    },
    inputOf: (file) => {
      const found = poll(file, canRead);
      if ((found & canRead) !== 0) return "something";
      return found === 0 ? "nothing yet" : found === hungUp ? "over" : null;
    },
    writeNow: (file, bytes) => {
      let written = 0;
      while (written < bytes.length && (poll(file, canWrite) & canWrite) !== 0) {
        const piece = bytes.subarray(written, written + pipePiece);
        const taken = libc.write(file, piece, piece.length);
        if (taken <= 0) break;
        written += taken;
      }
      return written;
    },
    hostName: () => read("/proc/sys/kernel/hostname")?.trim() ?? "",
  };
};

const openFunctions = () =>
  openLibc({
    statx: { args: ["int", "ptr", "int", "u32", "ptr"], returns: "int" },
    readlink: { args: ["ptr", "ptr", "usize"], returns: "int" },
    open: { args: ["ptr", "int"], returns: "int" },
    read: { args: ["int", "ptr", "usize"], returns: "int" },
    close: { args: ["int"], returns: "int" },
    poll: { args: ["ptr", "usize", "int"], returns: "int" },
    write: { args: ["int", "ptr", "usize"], returns: "int" },
  });

const kinds: ReadonlyMap<number, FileKind> = new Map([
  [0o040000, "directory"],
  [0o140000, "socket"],
  [0o100000, "file"],
  [0o010000, "pipe"],
]);

const kindOfMode = (mode: number, isNull: boolean): FileKind =>
  kinds.get(mode & 0o170000) ?? ((mode & 0o170000) === 0o020000 && isNull ? "null" : "other");

/** For every other system. */
export const nodeFiles = (): QuickFiles => {
  const fs: typeof import("node:fs") = require("node:fs");
  const unlessItFails = <T>(ask: () => T): T | null => {
    try {
      return ask();
    } catch {
      return null;
    }
  };
  const nullDevice = unlessItFails(() => fs.statSync("/dev/null").rdev);
  const kindOf = ({ mode, rdev }: import("node:fs").Stats): FileKind => kindOfMode(mode, rdev === nullDevice);
  const { O_RDWR, O_WRONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
  return {
    look: (name) =>
      unlessItFails(() => {
        const stats = fs.lstatSync(name);
        return { kind: kindOf(stats), permissions: stats.mode & 0o7777, uid: stats.uid };
      }),
    kindOf: (file) => unlessItFails(() => kindOf(fs.fstatSync(file))),
    read: (name) => unlessItFails(() => fs.readFileSync(name, "utf8").slice(0, longestText)),
    linkAt: (name) => unlessItFails(() => fs.readlinkSync(name)),
    open: (name, how) =>
      unlessItFails(() => fs.openSync(name, (how === "read and write" ? O_RDWR : O_WRONLY | O_NONBLOCK) | O_NOCTTY)),
    close: (file) => {
      unlessItFails(() => fs.closeSync(file));
    },
    inputOf: () => null,
    // Here nothing says whether it would wait.
    writeNow: () => 0,
    hostName: () => {
      const os: typeof import("node:os") = require("node:os");
      return os.hostname();
    },
  };
};
