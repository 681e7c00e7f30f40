/**
 * A directory that is held open, and what is below it: every name on the way is opened from the one before without following a link. What was opened
 * is kept for a moment, for files come directory by directory.
 */
import { readlinkSync } from "node:fs";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { pathProblem } from "../../core/files/file-name.ts";
import { pathBytes } from "../../core/files/path-text.ts";
import { atCalls, type CName, isLinux } from "./at-calls.ts";
import { identityOf } from "./identity.ts";
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
  readonly #name: string;
  readonly #kept = new Map<string, number>();
  #keptSince = 0;
  #closed = false;

  /**
   * @param root a descriptor of the directory, which is this tree's from now on
   * @param name its own, where names matter: some are secret only below it
   */
  constructor(root: number, where: string, policy: PolicyCheck, name = "") {
    this.#name = name;
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
    if (!this.policy.secretsAllowed) this.policy.checkNames([this.#name, ...path.split("/")], this.shownPath(path));
    return { directory: this.directory(at < 0 ? "" : path.slice(0, at)), name: cName(text), text };
  }

  /** Good until control goes back to the event loop: whoever needs it longer opens it with `hold`. */
  directory(path: string): number {
    // Its number may be another file's by now.
    if (this.#closed) throw new SshMcpError("CANCELED", `${shown(this.where)} was let go of`);
    if (path === "") return this.#root;
    const now = performance.now();
    if (now - this.#keptSince > keptMs) {
      this.forget();
      this.#keptSince = now;
    }
    // As few steps down as what is kept leaves: a path may be thousands of names deep.
    let at = path.length;
    while (at > 0 && !this.#kept.has(path.slice(0, at))) at = path.lastIndexOf("/", at - 1);
    let held = at > 0 ? (this.#kept.get(path.slice(0, at)) ?? this.#root) : this.#root;
    while (at < path.length) {
      const next = path.indexOf("/", at + 1);
      const end = next < 0 ? path.length : next;
      const step = path.slice(0, end);
      held = this.#open(held, path.slice(at + 1, end), step);
      this.#keep(step, held);
      at = end;
    }
    return held;
  }

  #keep(path: string, directory: number): void {
    this.#kept.set(path, directory);
    if (this.#kept.size <= mostKept) return;
    const [oldest] = this.#kept.keys();
    const closed = oldest === undefined ? undefined : this.#kept.get(oldest);
    if (oldest === undefined || closed === undefined) return;
    // If the last step began there, that is done.
    this.#kept.delete(oldest);
    atCalls().close(closed);
  }

  /** A descriptor of the caller's own. */
  hold(path: string): number {
    const calls = atCalls();
    const directory = this.directory(path);
    return calls.openDirectory(directory, here);
  }

  /** The directory is going away, and another may get its name: neither it nor what is below is kept. */
  drop(path: string): void {
    for (const [kept, directory] of this.#kept) {
      if (kept !== path && !kept.startsWith(`${path}/`)) continue;
      this.#kept.delete(kept);
      atCalls().close(directory);
    }
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
        this.policy.checkStep(identityOf(calls.lookAt(opened)), this.shownPath(path));
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
    } catch {
      // Nothing can be seen there: what failed first says more.
    }
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
export const pathOfHeld = (directory: number): string =>
  isLinux ? readlinkSync(`/proc/self/fd/${directory}`) : atCalls().pathOf(directory);
