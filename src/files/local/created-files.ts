/**
 * What this transfer has made, to notice when another name turns out to be the same file: the file system takes upper and lower case, or two Unicode
 * forms, for one. The first stays.
 */
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { Look } from "./look.ts";

export class CreatedFiles {
  /** By device and inode: a hash of the path. */
  readonly #paths = new Map<string, Map<number, number>>();

  add({ device, inode }: Look, path: string): void {
    const ofDevice = this.#paths.get(device) ?? new Map<number, number>();
    if (ofDevice.size === 0) this.#paths.set(device, ofDevice);
    ofDevice.set(inode, hashOf(path));
  }

  /** It is about to be replaced or removed: its number may come back for something else. */
  forget({ device, inode }: Look): void {
    this.#paths.get(device)?.delete(inode);
  }

  /**
   * @param there what lies under the path's name now
   * @throws SshMcpError ALREADY_EXISTS when this transfer made it under another name
   */
  check(there: Look, path: string): void {
    const made = this.#paths.get(there.device)?.get(there.inode);
    if (made === undefined || made === hashOf(path)) return;
    const message = `${shown(path)} is left out: to this file system it is the name of another file of this transfer`;
    throw new SshMcpError("ALREADY_EXISTS", message);
  }
}

/** 53 bits of two FNV-1a hashes: enough to tell the names of one inode apart. */
const hashOf = (path: string): number => {
  let [one, other] = [0x811c9dc5, 0x01000193];
  for (let at = 0; at < path.length; at++) {
    one = Math.imul(one ^ path.charCodeAt(at), 0x01000193);
    other = Math.imul(other ^ path.charCodeAt(at), 0x5bd1e995);
  }
  return (one >>> 0) * 0x200000 + (other >>> 11);
};
