/** What is done to local names: directories, links, modes and times. */
import { chmodSync, chownSync, constants, utimesSync } from "node:fs";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { FileChanges } from "../../core/files/file-facts.ts";
import { staysInside } from "../../core/files/file-name.ts";
import { pathBytes, pathText } from "../../core/files/path-text.ts";
import { partName } from "../../core/files/transfer-side.ts";
import { atCalls, isLinux } from "./at-calls.ts";
import type { CreatedFiles } from "./created-files.ts";
import { localError, systemError } from "./local-errors.ts";
import type { Place } from "./local-places.ts";
import { cName } from "./local-tree.ts";
import { umask } from "./local-write.ts";

/** Whoever fills a directory must get into it. */
const ownerAll = 0o700;

/** @returns a descriptor of a directory that was made; null for one that was there */
export const makeDirectory = (place: Place, mode: number | null, created: CreatedFiles): number | null => {
  const { tree, path } = place;
  if (path === "") return null;
  const calls = atCalls();
  const where = tree.shownPath(path);
  const { directory, name } = tree.spot(path);
  try {
    const there = calls.look(directory, name);
    if (there !== null) {
      if (there.type !== "directory") throw systemError(there.type === "symlink" ? "ELOOP" : "EEXIST");
      created.check(there, path);
      return null;
    }
    calls.makeDirectory(directory, name, mode === null ? 0o777 : ((mode & 0o777) | ownerAll) & ~(umask() & 0o077));
    const made = calls.openDirectory(directory, name);
    created.add(calls.lookAt(made), path);
    return made;
  } catch (cause) {
    throw localError(where, "made", cause);
  }
};

/**
 * @param path as the caller has it, below the root
 * @throws SshMcpError INVALID_INPUT for a link that leads out of the root
 */
export const makeLink = ({ tree, path: whole }: Place, path: string, target: string, created: CreatedFiles): void => {
  const calls = atCalls();
  const where = tree.shownPath(whole);
  if (whole === "") throw localError(where, "made a link", systemError("EISDIR"));
  if (!staysInside(path === "" ? "." : path, target)) {
    const message = `${shown(where)} is left out: it is a link to ${shown(target)}, which may lead out of the copied folder`;
    throw new SshMcpError("INVALID_INPUT", message);
  }
  const { directory, name, text } = tree.spot(whole);
  const said = cName(target);
  try {
    const there = calls.look(directory, name);
    if (there === null) calls.symlink(said, directory, name);
    else {
      if (there.type !== "symlink") throw systemError("EEXIST");
      created.check(there, whole);
      if (pathText(calls.readLink(directory, name)) === pathText(pathBytes(target))) return;
      const part = cName(partName(text));
      if (calls.look(directory, part) !== null) calls.unlink(directory, part);
      calls.symlink(said, directory, part);
      calls.rename(directory, part, name);
    }
    const made = calls.look(directory, name);
    if (made !== null) created.add(made, whole);
  } catch (cause) {
    throw localError(where, "made a link", cause);
  }
};

/** O_PATH: to change a file is another right than to read it. */
const pathOnly = 0o10000000;

/**
 * @param bits those of a mode that are set
 * @throws SshMcpError LOCAL_IO for a link: what it leads to is not touched
 */
export const changeFile = ({ tree, path }: Place, { mode, uid, gid, mtime }: FileChanges, bits: number): void => {
  const calls = atCalls();
  const where = tree.shownPath(path);
  let file: number | null = null;
  try {
    if (path === "") file = calls.openDirectory(tree.root, cName("."));
    else {
      const { directory, name } = tree.spot(path);
      file = calls.open(directory, name, isLinux ? pathOnly : constants.O_RDONLY | constants.O_NONBLOCK, 0);
    }
    const look = calls.lookAt(file);
    if (look.type === "symlink") throw systemError("ELOOP");
    // A descriptor of that kind changes nothing itself, but its own name in /proc is the file, and nothing else.
    const held = isLinux ? `/proc/self/fd/${file}` : null;
    if (uid !== undefined || gid !== undefined) {
      const [owner, group] = [uid ?? look.uid, gid ?? look.gid];
      if (held === null) calls.changeOwner(file, owner, group);
      else chownSync(held, owner, group);
    }
    if (mode !== undefined) {
      if (held === null) calls.changeMode(file, mode & bits);
      else chmodSync(held, mode & bits);
    }
    if (mtime !== undefined) {
      if (held === null) calls.changeTimes(file, mtime);
      else utimesSync(held, mtime, mtime);
    }
  } catch (cause) {
    throw localError(where, "changed", cause);
  } finally {
    if (file !== null) calls.close(file);
  }
};
