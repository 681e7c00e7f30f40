/** What is done to single paths on a server, as the POSIX utilities of these names do it. Paths as remote-path.ts makes them. */
import { SshMcpError } from "../errors.ts";
import { shown } from "../escape.ts";
import type { FileFacts } from "./file-facts.ts";
import type { RemoteFiles } from "./remote-files.ts";
import { baseName, endsWithSlash, joined, parentOf, withoutSlashes } from "./remote-path.ts";

export interface PathFacts extends FileFacts {
  /** What a link says; null for everything else. */
  linkTarget: string | null;
  /** What a link leads to; null where that is nothing, and for everything else. */
  target: FileFacts | null;
}

/** @throws SshMcpError NOT_FOUND, and as RemoteFiles */
export const factsOf = async (files: RemoteFiles, path: string): Promise<PathFacts> => {
  // With a slash at its end a link is what it leads to, as everywhere.
  const facts = endsWithSlash(path) ? await files.stat(path) : await files.lstat(path === "" ? "." : path);
  if (facts === null) throw missing(path);
  if (facts.type !== "symlink") return { ...facts, linkTarget: null, target: null };
  const leads = async () => {
    try {
      return await files.stat(path);
    } catch {
      // A loop, or a directory that this user may not enter.
      return null;
    }
  };
  const [linkTarget, target] = await Promise.all([files.readLink(path), leads()]);
  return { ...facts, linkTarget, target };
};

export const missing = (path: string): SshMcpError =>
  new SshMcpError("NOT_FOUND", `there is no ${shown(path === "" ? "." : path)} on the server`);

/**
 * @param mode exact permission bits of the last directory; null leaves them to the server
 * @param parents makes the directories above it too, and takes one that is there
 * @throws SshMcpError ALREADY_EXISTS, and as RemoteFiles
 */
export const makeDirectories = async (
  files: RemoteFiles,
  path: string,
  mode: number | null,
  parents: boolean,
): Promise<void> => {
  const plain = withoutSlashes(path);
  try {
    await files.makeDirectory(plain === "" ? "." : plain, mode);
  } catch (thrown) {
    if (!parents || !(thrown instanceof SshMcpError) || thrown.code === "OUTCOME_UNKNOWN") throw thrown;
    // Some servers say of a name that is there that it failed, or was not allowed: what is there decides.
    const facts = await files.stat(plain === "" ? "." : plain);
    if (facts?.type === "directory") return;
    if (facts !== null) throw notDirectory(plain);
    const parent = parentOf(plain);
    if (thrown.code !== "NOT_FOUND" || parent === plain || parent === "") throw thrown;
    await makeDirectories(files, parent, null, true);
    await files.makeDirectory(plain, mode);
  }
};

const notDirectory = (path: string): SshMcpError =>
  new SshMcpError("ALREADY_EXISTS", `${shown(path)} is there, and is no directory`);

/**
 * Into a directory that is there, as mv(1), else to the name itself.
 * @returns where it is now
 * @throws SshMcpError NOT_FOUND; ALREADY_EXISTS unless `replace`; and as RemoteFiles
 */
export const movePath = async (files: RemoteFiles, from: string, to: string, replace: boolean): Promise<string> => {
  const target = await placeFor(files, baseName(from), to);
  await files.rename(withoutSlashes(from), target, replace);
  return target;
};

/** The name itself, or in the directory that it is. @throws SshMcpError NOT_FOUND for a directory's name, by its slash, that is none */
const placeFor = async (files: RemoteFiles, name: string, to: string): Promise<string> => {
  const facts = await files.stat(to === "" ? "." : to);
  if (facts?.type === "directory") return joined(to === "" ? "." : withoutSlashes(to), name);
  if (endsWithSlash(to)) throw new SshMcpError("NOT_FOUND", `there is no directory ${shown(to)} on the server`);
  return to;
};

/**
 * @param says what the link says, byte for byte
 * @param replace a file or a link that has the name, in one step
 * @returns where it is
 * @throws SshMcpError ALREADY_EXISTS, and as RemoteFiles
 */
export const linkPath = async (files: RemoteFiles, says: string, path: string, replace: boolean): Promise<string> => {
  const target = await placeFor(files, baseName(says), path);
  if (!replace) {
    await files.symlink(says, target);
    return target;
  }
  const beside = joined(parentOf(target) || ".", `.${baseName(target).slice(0, 64)}.${crypto.randomUUID()}`);
  await files.symlink(says, beside);
  try {
    await files.rename(beside, target, true);
  } catch (thrown) {
    await files.remove(beside).catch(() => undefined);
    throw thrown;
  }
  return target;
};

/** A file or a link. @throws SshMcpError NOT_FOUND; REMOTE_IO for a directory; and as RemoteFiles */
export const removePath = async (files: RemoteFiles, path: string, hint: string): Promise<void> => {
  const plain = withoutSlashes(path);
  const facts = await files.lstat(plain);
  if (facts === null) throw missing(path);
  if (facts.type === "directory") throw new SshMcpError("REMOTE_IO", `${shown(path)} is a directory`, { hint });
  if (plain !== path) throw new SshMcpError("REMOTE_IO", `${shown(path)} is no directory: leave out the slash`);
  await files.remove(plain);
};
