/**
 * openat(2) and its kin: calls on a name in a directory that is held open, so that no path is ever resolved again through what somebody may have
 * swapped. node:fs has none of them, so libc is called, on Linux and macOS; what that takes is loaded by the first call. Where libc cannot be called,
 * nothing is copied: a path that is only looked at before it is used would be safe from mistakes, but not from malice.
 */
import { constants } from "node:fs";
import { constants as system } from "node:os";
import { SshMcpError } from "../../core/errors.ts";
import { openErrno, openLibc } from "../libc.ts";
import { type Look, lookAtDarwin, lookAtLinux } from "./look.ts";

/** A name as the system wants it: its bytes, and a NUL behind them. */
export type CName = Uint8Array;

/** All throw an Error whose `code` is the system's (`ENOENT`). */
export interface AtCalls {
  /** A new descriptor, which children do not inherit. Links are not followed. */
  open(directory: number, name: CName, flags: number, mode: number): number;
  /** To go on from, not to read: one needs no right to list it. Not for a link. */
  openDirectory(directory: number, name: CName): number;
  /** Null when nothing is there. */
  look(directory: number, name: CName): Look | null;
  lookAt(file: number): Look;
  makeDirectory(directory: number, name: CName, mode: number): void;
  rename(directory: number, from: CName, to: CName): void;
  /** Gives an open file without a name one, in one step. @returns false where that cannot be, or where the name is taken */
  link(file: number, directory: number, name: CName): boolean;
  symlink(target: CName, directory: number, name: CName): void;
  readLink(directory: number, name: CName): Uint8Array;
  /** A file or a link. */
  unlink(directory: number, name: CName): void;
  removeDirectory(directory: number, name: CName): void;
  /** @returns bytes that were taken */
  write(file: number, bytes: Uint8Array): number;
  read(file: number, buffer: Uint8Array): number;
  /** What is read next is the first byte again. */
  rewind(file: number): void;
  /** So many bytes stay. */
  cut(file: number, size: number): void;
  changeMode(file: number, mode: number): void;
  changeOwner(file: number, uid: number, gid: number): void;
  /** Whole seconds, of modification and of access. */
  changeTimes(file: number, seconds: number): void;
  /** flock(2), without waiting; it ends with the descriptor. Some file systems have no locks. @returns false when somebody else has it */
  lock(file: number): boolean;
  /** Gives what the system said of writes that it had put off: NFS does so. */
  flush(file: number): void;
  close(file: number): void;
  /** Where a directory lies now: fcntl(2) of macOS. */
  pathOf(directory: number): string;
  /** Makes a file without a name in the directory; null where there is no such thing. */
  openUnnamed(directory: number, mode: number): number | null;
}

export const isLinux = process.platform === "linux";

/** O_PATH and O_CLOEXEC are the same on every machine that Bun runs on with Linux; O_TMPFILE without O_DIRECTORY, which is not. */
const pathOnly = 0o10000000;
const closeOnExec = isLinux ? 0o2000000 : 0x01000000;
const unnamed = isLinux ? 0o20000000 | constants.O_DIRECTORY : 0;
const directoryFlags = constants.O_DIRECTORY | constants.O_NOFOLLOW | (isLinux ? pathOnly : constants.O_RDONLY);
/** AT_REMOVEDIR, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. */
const asDirectory = isLinux ? 0x200 : 0x80;
const itself = 0x1000;
const noFollow = isLinux ? 0x100 : 0x20;
/** LOCK_EX | LOCK_NB. */
const exclusiveAtOnce = 2 | 4;
const wouldBlock = system.errno.EWOULDBLOCK;
const longestLink = 64 * 1024;
const noName = new Uint8Array(1);

const codes = new Map(Object.entries(system.errno).map(([code, number]) => [number, code]));

let loaded: AtCalls | null = null;

/** @throws SshMcpError UNSUPPORTED where libc cannot be called */
export const atCalls = (): AtCalls => {
  try {
    loaded ??= load();
  } catch (cause) {
    const message = `local files cannot be reached safely on this system: ${String(cause)}`;
    throw new SshMcpError("UNSUPPORTED", message, { cause });
  }
  return loaded;
};

/** The mode is an argument beyond the declared ones: Apple's arm64 passes such on the stack, where the ninth and later are. */
const modeOnStack = process.platform === "darwin" && process.arch === "arm64";

const openFunctions = () =>
  openLibc({
    mkdirat: { args: ["int", "ptr", "u32"], returns: "int" },
    renameat: { args: ["int", "ptr", "int", "ptr"], returns: "int" },
    linkat: { args: ["int", "ptr", "int", "ptr", "int"], returns: "int" },
    symlinkat: { args: ["ptr", "int", "ptr"], returns: "int" },
    readlinkat: { args: ["int", "ptr", "ptr", "usize"], returns: "i64" },
    unlinkat: { args: ["int", "ptr", "int"], returns: "int" },
    write: { args: ["int", "ptr", "usize"], returns: "i64" },
    read: { args: ["int", "ptr", "usize"], returns: "i64" },
    lseek: { args: ["int", "i64", "int"], returns: "i64" },
    ftruncate: { args: ["int", "i64"], returns: "int" },
    fchmod: { args: ["int", "u32"], returns: "int" },
    fchown: { args: ["int", "u32", "u32"], returns: "int" },
    futimens: { args: ["int", "ptr"], returns: "int" },
    flock: { args: ["int", "int"], returns: "int" },
    dup: { args: ["int"], returns: "int" },
    close: { args: ["int"], returns: "int" },
  });

const openOpenat = (): ((directory: number, name: CName, flags: number, mode: number) => number) => {
  if (!modeOnStack) return openLibc({ openat: { args: ["int", "ptr", "int", "u32"], returns: "int" } }).openat;
  const { openat } = openLibc({
    openat: { args: ["int", "ptr", "int", "u64", "u64", "u64", "u64", "u64", "u64"], returns: "int" },
  });
  return (directory, name, flags, mode) => openat(directory, name, flags, 0, 0, 0, 0, 0, mode);
};

const load = (): AtCalls => {
  const libc = openFunctions();
  const errno = openErrno();
  const looks = isLinux ? lookAtLinux(noFollow, itself) : lookAtDarwin(noFollow);
  const times = new BigInt64Array(4);
  const link = new Uint8Array(longestLink);
  const failed = (call: string): Error => {
    const number = errno();
    const code = codes.get(number) ?? `errno ${number}`;
    return Object.assign(new Error(`${call}: ${code}`), { code });
  };
  const sure = (call: string, result: number): number => {
    if (result < 0) throw failed(call);
    return result;
  };
  const openat = openOpenat();
  const open = (directory: number, name: CName, flags: number, mode: number): number =>
    openat(directory, name, flags | closeOnExec, mode);
  let canLink = isLinux;
  return {
    open: (directory, name, flags, mode) => sure("open", open(directory, name, flags | constants.O_NOFOLLOW, mode)),
    openDirectory: (directory, name) => sure("open", open(directory, name, directoryFlags, 0)),
    look: (directory, name) => {
      const found = looks.at(directory, name);
      if (found !== null) return found;
      if (errno() === system.errno.ENOENT) return null;
      throw failed("stat");
    },
    lookAt: (file) => {
      const found = looks.of(file);
      if (found === null) throw failed("stat");
      return found;
    },
    makeDirectory: (directory, name, mode) => void sure("mkdir", libc.mkdirat(directory, name, mode)),
    rename: (directory, from, to) => void sure("rename", libc.renameat(directory, from, directory, to)),
    link: (file, directory, name) => {
      if (libc.linkat(file, noName, directory, name, itself) === 0) return true;
      // linkat(2): before Linux 6.10 only root may, and another one is told that there is no such file.
      if (codes.get(errno()) !== "EEXIST") canLink = false;
      return false;
    },
    symlink: (target, directory, name) => void sure("symlink", libc.symlinkat(target, directory, name)),
    readLink: (directory, name) => {
      const length = sure("readlink", Number(libc.readlinkat(directory, name, link, link.length)));
      return link.slice(0, length);
    },
    unlink: (directory, name) => void sure("unlink", libc.unlinkat(directory, name, 0)),
    removeDirectory: (directory, name) => void sure("rmdir", libc.unlinkat(directory, name, asDirectory)),
    write: (file, bytes) => (bytes.length === 0 ? 0 : sure("write", Number(libc.write(file, bytes, bytes.length)))),
    read: (file, buffer) => sure("read", Number(libc.read(file, buffer, buffer.length))),
    rewind: (file) => void sure("seek", Number(libc.lseek(file, 0, 0))),
    cut: (file, size) => void sure("truncate", libc.ftruncate(file, size)),
    changeMode: (file, mode) => void sure("chmod", libc.fchmod(file, mode)),
    changeOwner: (file, uid, gid) => void sure("chown", libc.fchown(file, uid, gid)),
    changeTimes: (file, seconds) => {
      times[0] = times[2] = BigInt(seconds);
      sure("utimes", libc.futimens(file, times));
    },
    lock: (file) => libc.flock(file, exclusiveAtOnce) === 0 || errno() !== wouldBlock,
    flush: (file) => void sure("close", libc.close(sure("dup", libc.dup(file)))),
    close: (file) => void libc.close(file),
    pathOf: darwinPath,
    openUnnamed: (directory, mode) => {
      if (!canLink) return null;
      const file = open(directory, here, unnamed | constants.O_WRONLY, mode);
      return file < 0 ? null : file;
    },
  };
};

/** F_GETPATH, which gives at most MAXPATHLEN. Its argument is one beyond the declared ones, as the mode of openat is. */
const getPath = 50;
const longestPath = 1024;

const darwinPath = (directory: number): string => {
  const buffer = new Uint8Array(longestPath);
  if (modeOnStack) {
    const fcntl = openLibc({
      fcntl: { args: ["int", "int", "u64", "u64", "u64", "u64", "u64", "u64", "ptr"], returns: "int" },
    });
    fcntl.fcntl(directory, getPath, 0, 0, 0, 0, 0, 0, buffer);
  } else openLibc({ fcntl: { args: ["int", "int", "ptr"], returns: "int" } }).fcntl(directory, getPath, buffer);
  return new TextDecoder().decode(buffer.subarray(0, buffer.indexOf(0)));
};

const here = Uint8Array.of(46, 0);
