/**
 * A directory that is held open, and what is below it: every name on the way is opened from the one before without following a link. What was opened
 * is kept for a moment, for files come directory by directory.
 */
import { readlinkSync, realpathSync } from "node:fs";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { pathProblem } from "../../core/files/file-name.ts";
import { pathBytes } from "../../core/files/path-text.ts";
import { atCalls, type CName, isLinux } from "./at-calls.ts";
import { localError } from "./local-errors.ts";
import type { PolicyCheck } from "./local-policy.ts";

/** A name in a directory that is held, until control goes back to the event loop. */
export interface Spot {
  directory: number;
  name: CName;
  text: string;
}

/** How long an open directory stands for its path, in milliseconds, and how many of them do. */
const keptMs = 20;
const mostKept = 64;

export const cName = (name: string): CName => {
  const bytes = pathBytes(name);
  const whole = new Uint8Array(bytes.length + 1);
  whole.set(bytes);
  return whole;
};

export class LocalTree {
  /** As the call has it, for messages. */
  readonly where: string;
  readonly policy: PolicyCheck;
  readonly #root: number;
  readonly #kept = new Map<string, number>();
  #keptSince = 0;
  #closed = false;

  /** @param root a descriptor of the directory, which is this tree's from now on */
  constructor(root: number, where: string, policy: PolicyCheck) {
    this.#root = root;
    this.where = where;
    this.policy = policy;
  }

  get root(): number {
    return this.#root;
  }

  shownPath(path: string): string {
    return path === "" ? this.where : `${this.where.replace(/\/$/, "")}/${path}`;
  }

  /**
   * @param path below the root, not empty
   * @throws SshMcpError INVALID_INPUT for a path with a name that is none; POLICY_DENIED, NOT_FOUND, LOCAL_IO
   */
  spot(path: string): Spot {
    checkPath(path);
    const at = path.lastIndexOf("/");
    const text = path.slice(at + 1);
    if (!this.policy.secretsAllowed) this.policy.checkNames(path.split("/"), this.shownPath(path));
    return { directory: this.directory(at < 0 ? "" : path.slice(0, at)), name: cName(text), text };
  }

  /** Good until control goes back to the event loop: whoever needs it longer opens it with `hold`. */
  directory(path: string): number {
    // Its number may be another file's by now.
    if (this.#closed) throw new SshMcpError("CANCELED", `${shown(this.where)} was let go of`);
    if (path === "") return this.#root;
    const now = performance.now();
    if (now - this.#keptSince > keptMs || this.#kept.size >= mostKept) {
      this.forget();
      this.#keptSince = now;
    }
    const kept = this.#kept.get(path);
    if (kept !== undefined) return kept;
    const at = path.lastIndexOf("/");
    // Many names deep, the way to the parent may have filled what is kept: it is held anew then.
    const above = this.directory(at < 0 ? "" : path.slice(0, at));
    const opened = this.#open(above, path.slice(at + 1), path);
    this.#kept.set(path, opened);
    return opened;
  }

  /** A descriptor of the caller's own. */
  hold(path: string): number {
    const calls = atCalls();
    const directory = this.directory(path);
    return calls.openDirectory(directory, here);
  }

  /** Closes what is kept open for its path. */
  forget(): void {
    for (const directory of this.#kept.values()) atCalls().close(directory);
    this.#kept.clear();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.forget();
    atCalls().close(this.#root);
  }

  #open(above: number, name: string, path: string): number {
    const calls = atCalls();
    let opened: number;
    try {
      opened = calls.openDirectory(above, cName(name));
    } catch (cause) {
      throw localError(this.shownPath(path), "entered", this.#blamed(above, name, cause));
    }
    try {
      if (!this.policy.secretsAllowed) {
        const { device, inode } = calls.lookAt(opened);
        this.policy.checkStep(`${device}/${inode}`, this.shownPath(path));
      }
      return opened;
    } catch (thrown) {
      calls.close(opened);
      throw thrown;
    }
  }

  /** openat(2) with O_DIRECTORY says of a link only that it is no directory. */
  #blamed(above: number, name: string, cause: unknown): unknown {
    try {
      if (atCalls().look(above, cName(name))?.type === "symlink") return Object.assign(new Error(), { code: "ELOOP" });
    } catch {}
    return cause;
  }
}

/** @throws SshMcpError INVALID_INPUT for a path with a name that is none, or one too long to go */
export const checkPath = (path: string): void => {
  const problem = path.length > longestPath ? "is too long a path" : pathProblem(path, process.platform);
  if (problem !== null) throw new SshMcpError("INVALID_INPUT", `${shown(path)} ${problem}: it is left out`);
};

const longestPath = 16 * 1024;
const here = Uint8Array.of(46, 0);

/** Where a held directory lies now, as far as the system tells. */
export const pathOfHeld = (directory: number, opened: string): string =>
  isLinux ? readlinkSync(`/proc/self/fd/${directory}`) : realpathSync(opened);
