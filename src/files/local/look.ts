/** What the system says of a file, by its descriptor or by its name in a held directory: statx(2), fstatat(2). */
import { fstatSync } from "node:fs";
import type { FileFacts, FileType } from "../../core/files/file-facts.ts";
import { openLibc } from "../libc.ts";

export interface Look extends FileFacts {
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
  /** Device and number, which tell a file from another. */
  device: string;
  inode: number;
  /** Of the modification, beside its seconds. */
  nanoseconds: number;
  /** Names that it has. */
  links: number;
}

/** Null when the call fails, for whatever errno says. */
export interface Looks {
  at(directory: number, name: Uint8Array): Look | null;
  of(file: number): Look | null;
}

const types: ReadonlyMap<number, FileType> = new Map([
  [0o100000, "file"],
  [0o040000, "directory"],
  [0o120000, "symlink"],
  [0o010000, "fifo"],
  [0o140000, "socket"],
  [0o020000, "character"],
  [0o060000, "block"],
]);

const typeOf = (mode: number): FileType => types.get(mode & 0o170000) ?? "unknown";
const noName = new Uint8Array(1);

/** STATX_BASIC_STATS. Where its fields lie does not depend on the machine. */
const basics = 0x7ff;

export const lookAtLinux = (noFollow: number, itself: number): Looks => {
  const libc = openLibc({ statx: { args: ["int", "ptr", "int", "u32", "ptr"], returns: "int" } });
  const buffer = new Uint8Array(256);
  const view = new DataView(buffer.buffer);
  const deviceOf = deviceTexts();
  const stat = (from: number, name: Uint8Array, flags: number): Look | null => {
    if (libc.statx(from, name, flags, basics, buffer) !== 0) return null;
    const mode = view.getUint16(28, true);
    return {
      type: typeOf(mode),
      size: number(view, 40),
      mode: mode & 0o7777,
      uid: view.getUint32(20, true),
      gid: view.getUint32(24, true),
      mtime: number(view, 112),
      nanoseconds: view.getUint32(120, true),
      device: deviceOf(view.getUint32(136, true), view.getUint32(140, true)),
      inode: number(view, 32),
      links: view.getUint32(16, true),
    };
  };
  return { at: (directory, name) => stat(directory, name, noFollow), of: (file) => stat(file, noName, itself) };
};

/** struct stat with 64-bit inodes: sys/stat.h. */
export const lookAtDarwin = (noFollow: number): Looks => {
  const call = { args: ["int", "ptr", "ptr", "int"], returns: "int" } as const;
  const intel = process.arch === "x64";
  const libc = intel ? openLibc({ fstatat$INODE64: call }) : openLibc({ fstatat: call });
  const fstatat = "fstatat" in libc ? libc.fstatat : libc["fstatat$INODE64"];
  const buffer = new Uint8Array(256);
  const view = new DataView(buffer.buffer);
  const at = (directory: number, name: Uint8Array): Look | null => {
    if (fstatat(directory, name, buffer, noFollow) !== 0) return null;
    const mode = view.getUint16(4, true);
    return {
      type: typeOf(mode),
      size: number(view, 96),
      mode: mode & 0o7777,
      uid: view.getUint32(16, true),
      gid: view.getUint32(20, true),
      mtime: number(view, 48),
      nanoseconds: number(view, 56),
      device: `${view.getUint32(0, true)}`,
      inode: number(view, 8),
      links: view.getUint16(6, true),
    };
  };
  const of = (file: number): Look => {
    const { mode, size, uid, gid, mtimeMs, dev, ino, nlink } = fstatSync(file);
    const facts = { type: typeOf(mode), size, mode: mode & 0o7777, uid, gid, mtime: Math.floor(mtimeMs / 1000) };
    return {
      ...facts,
      device: `${dev >>> 0}`,
      inode: ino,
      links: nlink,
      nanoseconds: Math.round((mtimeMs % 1000) * 1e6),
    };
  };
  return { at, of };
};

/** Inodes beyond 2^53 lose their last bits, which still tells them apart from all but a few. */
const number = (view: DataView, at: number): number => view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

/** Thousands of files in a row lie on one device. */
const deviceTexts = (): ((major: number, minor: number) => string) => {
  let last = { major: -1, minor: -1, text: "" };
  return (major, minor) => {
    if (last.major !== major || last.minor !== minor) last = { major, minor, text: `${major}:${minor}` };
    return last.text;
  };
};
