/** Files that another process of this user has open, and hands over: opened here by the descriptor, and never by a name. */
import { constants } from "node:fs";
import { type FileHandle, open, readFile } from "node:fs/promises";
import type { HandedFile } from "../wire/side-requests.ts";

export type Access = "read" | "write";

/** open(2): finds a file, and does nothing to it. The number is the same on every machine that Bun runs on. */
const pathOnly = 0o10000000;

/**
 * Opens what a process has open, when it is what that process says it is: a regular file, of that device and number, and open there for what it is
 * to be used for here. A process gets no more of a file than it has: a descriptor without rights (O_PATH), or one for reading, opens nothing for
 * writing. Whatever its numbers stand for by now, of the process and of the descriptor, it is that file or none.
 * @returns null where it is anything else, the system has no /proc, or does not let us
 */
export const openHanded = async (
  pid: number,
  { file, device, inode }: HandedFile,
  access: Access,
): Promise<FileHandle | null> => {
  if (process.platform !== "linux") return null;
  let found: FileHandle | null = null;
  try {
    found = await open(`/proc/${pid}/fd/${file}`, pathOnly);
    const stats = await found.stat({ bigint: true });
    if (!stats.isFile() || `${stats.dev}` !== device || `${stats.ino}` !== inode) return null;
    const [theirs, ours] = await Promise.all([infoOf(`${pid}`, file), infoOf("self", found.fd)]);
    if (theirs === null || ours === null || !allows(theirs.flags, access)) return null;
    // What the flags were read of is what was found: a process may exchange one for the other meanwhile.
    if (theirs.mount !== ours.mount || theirs.inode !== ours.inode) return null;
    const flag = access === "read" ? constants.O_RDONLY : constants.O_WRONLY;
    return await open(`/proc/self/fd/${found.fd}`, flag | constants.O_NONBLOCK);
  } catch {
    return null;
  } finally {
    await found?.close().catch(() => undefined);
  }
};

interface Info {
  flags: number;
  mount: string;
  inode: string;
}

/** proc_pid_fdinfo(5); null before Linux 5.14, which did not name the file. */
const infoOf = async (pid: string, file: number): Promise<Info | null> => {
  const text = await readFile(`/proc/${pid}/fdinfo/${file}`, "latin1");
  const value = (name: string): string | null => new RegExp(`^${name}:\\s*(\\d+)$`, "m").exec(text)?.[1] ?? null;
  const [flags, mount, inode] = [value("flags"), value("mnt_id"), value("ino")];
  return flags === null || mount === null || inode === null ? null : { flags: Number.parseInt(flags, 8), mount, inode };
};

/** O_ACCMODE of fcntl.h. */
const accessBits = 3;

const allows = (flags: number, access: Access): boolean => {
  const mode = flags & accessBits;
  const wanted = access === "read" ? constants.O_RDONLY : constants.O_WRONLY;
  return (flags & pathOnly) === 0 && (mode === wanted || mode === constants.O_RDWR);
};
