/** Where nothing is deleted for not being at the source: a slip of the hand would end a machine, or a home. */
import { SshMcpError } from "../errors.ts";
import { shown } from "../escape.ts";

/** Folders of a system: nobody mirrors a directory onto one. */
export const systemFolders: ReadonlySet<string> = new Set(
  "bin boot dev etc home lib lib32 lib64 libx32 opt proc root run sbin sys usr var Applications Library System Users Volumes private"
    .split(" ")
    .map((name) => `/${name}`),
);

/**
 * @param where the destination, as it was named
 * @param what in words that follow `is`
 */
export const notMirroredOnto = (where: string, what: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", `${shown(where)} is ${what}: nothing is deleted there for not being at the source`, {
    hint: "name the directory to mirror itself, or leave out --delete",
  });
