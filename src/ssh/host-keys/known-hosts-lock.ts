/** Turns at a known_hosts file: nobody appends to one that another process is about to replace. */
import { readlinkSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { type Lock, tryLock } from "../../files/lock.ts";

/** How long somebody else may hold the file; it takes milliseconds. */
const patienceMs = 5_000;
const [shortestPauseMs, longestPauseMs] = [2, 20];

/**
 * Does something while no other ssh-mcp changes the file. The lock is on the file itself, which is replaced now and then: what was locked is
 * looked at again. `ssh` takes no lock.
 * @param path of a file that is there; a symbolic link is followed
 * @param work told the file that the path leads to, and whether it has the lock: not when the file cannot be locked, or not in time
 */
export const withKnownHostsLock = async <T>(
  path: string,
  work: (file: string, locked: boolean) => T | Promise<T>,
): Promise<T> => {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    const file = followed(path);
    const lock = attempt(file);
    if (lock === "impossible") return await work(file, false);
    if (lock !== "held") {
      try {
        return await work(file, true);
      } finally {
        lock.release();
      }
    }
    if (performance.now() > giveUpAt) return await work(file, false);
    await Bun.sleep(shortestPauseMs + Math.random() * (longestPauseMs - shortestPauseMs));
  }
};

const attempt = (file: string): Lock | "held" | "impossible" => {
  try {
    const before = identityOf(file);
    const lock = tryLock(file);
    if (lock === null) return "held";
    if (identityOf(file) === before) return lock;
    // It was replaced in between: the lock may be on the old one.
    lock.release();
    return "held";
  } catch {
    // It may be appended to and not be read, or lie where there are no locks.
    return "impossible";
  }
};

/** ELOOP comes after as many: path_resolution(7). */
const mostLinks = 40;

/**
 * Where symbolic links lead. Folders are asked about alone, at each link: Bun's own realpath opens what it is asked for, and of a file that is
 * replaced meanwhile it says `NAME (deleted)`. A link's text starts from where its folder really is.
 */
const followed = (path: string): string => {
  let file = path;
  for (let links = 0; links < mostLinks; links++) {
    const folder = folderOf(file);
    if (folder === null) break;
    file = join(folder, basename(file));
    const target = linkAt(file);
    if (target === null) break;
    // Not put together by `join`: what `..` is behind a link only the system knows.
    file = isAbsolute(target) ? target : `${folder}/${target}`;
  }
  return file;
};

/** Null when there is none. */
const folderOf = (file: string): string | null => {
  try {
    return realpathSync.native(dirname(file));
  } catch {
    return null;
  }
};

/** Null for no link, or nothing at all. */
const linkAt = (file: string): string | null => {
  try {
    return readlinkSync(file);
  } catch {
    return null;
  }
};

const identityOf = (file: string): string => {
  const { dev, ino, ctimeNs } = statSync(file, { bigint: true });
  return `${dev}:${ino}:${ctimeNs}`;
};
