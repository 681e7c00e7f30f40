/**
 * The paths that a call names, and what is below them. The first time that one is needed it is opened, and links in it are followed, for the caller
 * named it; from then on it is the directory that was opened, whatever its path becomes.
 */
import { constants, openSync, realpathSync } from "node:fs";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { pathBytes, pathText } from "../../core/files/path-text.ts";
import { atCalls } from "./at-calls.ts";
import { localError } from "./local-errors.ts";
import type { PolicyCheck } from "./local-policy.ts";
import { checkPath, LocalTree, pathOfHeld } from "./local-tree.ts";

export interface Place {
  tree: LocalTree;
  /** Below the tree's root; empty for the root itself. */
  path: string;
  /** Absolute path of the operand when this is the operand itself, and no directory; null else. */
  operand: string | null;
}

export interface PlacesOptions {
  /** Absolute. */
  cwd: string;
  /** As the call has them; null lets every path be its own. */
  operands: readonly string[] | null;
  policy: PolicyCheck;
}

/** Without `.` and doubled slashes. What `..` leads to depends on links, and only the system knows. */
const namesOf = (path: string, cwd: string): string[] =>
  (path.startsWith("/") ? path : `${cwd}/${path}`).split("/").filter((name) => name !== "" && name !== ".");

export class LocalPlaces {
  readonly #options: PlacesOptions;
  readonly #operands: readonly (readonly string[])[] | null;
  /** Held directories, by absolute path. */
  readonly #trees = new Map<string, LocalTree>();
  #closed = false;

  constructor(options: PlacesOptions) {
    this.#options = options;
    this.#operands = options.operands?.map((operand) => namesOf(operand, options.cwd)) ?? null;
  }

  /**
   * @param below a further path, below `root`
   * @throws SshMcpError POLICY_DENIED for what the call does not name, or its policy does not take; INVALID_INPUT, NOT_FOUND, LOCAL_IO
   */
  find(root: string, below = ""): Place {
    if (this.#closed) throw new SshMcpError("CANCELED", "the call that these files belong to is over");
    if (root === "" || root.includes("\0")) throw new SshMcpError("INVALID_INPUT", `${shown(root)} is no path`);
    const names = namesOf(root, this.#options.cwd);
    const operand = this.#operandOf(names);
    if (operand === null) throw unnamed(root);
    const rest = [...names.slice(operand.length), ...(below === "" ? [] : [below])].join("/");
    if (rest !== "") checkPath(rest);
    const absolute = `/${operand.join("/")}`;
    const shownAs = rest === "" || rest === below ? root : absolute;
    const tree = this.#trees.get(absolute) ?? this.#openDirectory(absolute, shownAs);
    if (tree !== null) return { tree, path: rest, operand: null };
    const { tree: parent, path } = this.#besideOf(absolute, shownAs);
    // What is no directory has nothing below it, and says so when it is entered.
    return rest === ""
      ? { tree: parent, path, operand: absolute }
      : { tree: parent, path: `${path}/${rest}`, operand: null };
  }

  /** The same for many paths below one root. */
  finder(root: string): (below: string) => Place {
    let base: Place | null = null;
    return (below) => {
      // A root that is no directory may become one.
      if (base === null || base.operand !== null || this.#closed) base = this.find(root);
      if (base.operand !== null || below === "") return this.find(root, below);
      const { tree, path } = base;
      return { tree, path: path === "" ? below : `${path}/${below}`, operand: null };
    };
  }

  /** A directory that was just made in the place of an operand is held before anybody else gets at its name. */
  adopt(root: string, directory: number): void {
    const absolute = `/${namesOf(root, this.#options.cwd).join("/")}`;
    if (this.#trees.has(absolute)) atCalls().close(directory);
    else this.#trees.set(absolute, new LocalTree(directory, root, this.#options.policy));
  }

  close(): void {
    this.#closed = true;
    for (const tree of this.#trees.values()) tree.close();
    this.#trees.clear();
  }

  /** The longest that the path is, or is below of. */
  #operandOf(names: readonly string[]): readonly string[] | null {
    if (this.#operands === null) return names;
    const found = this.#operands
      .filter((operand) => operand.length <= names.length && operand.every((name, index) => names[index] === name))
      .sort((one, other) => other.length - one.length)[0];
    return found ?? null;
  }

  #openDirectory(absolute: string, where: string): LocalTree | null {
    let directory: number;
    try {
      directory = followed(absolute);
    } catch (cause) {
      const code = errorCode(cause);
      if (code === "ENOTDIR" || code === "ENOENT") return null;
      throw localError(where, "opened", cause);
    }
    return this.#keep(absolute, directory, absolute, where);
  }

  /** The directory that a file lies in, or is to lie in: of a link, the one that it leads to lies in. */
  #besideOf(absolute: string, where: string): { tree: LocalTree; path: string } {
    const whole = realPath(absolute) ?? absolute;
    const at = whole.lastIndexOf("/");
    const [folder, path] = [whole.slice(0, at) || "/", whole.slice(at + 1)];
    const key = `${folder}/`;
    const kept = this.#trees.get(key);
    if (kept !== undefined) return { tree: kept, path };
    let directory: number;
    try {
      directory = followed(folder);
    } catch (cause) {
      throw localError(where, "reached", cause);
    }
    return { tree: this.#keep(key, directory, folder, folder), path };
  }

  #keep(key: string, directory: number, opened: string, where: string): LocalTree {
    const { policy } = this.#options;
    try {
      if (!policy.isOpen) policy.checkDirectory(directory, where, pathOfHeld(directory, opened).split("/").slice(1));
    } catch (thrown) {
      atCalls().close(directory);
      throw thrown;
    }
    const tree = new LocalTree(directory, where, policy);
    this.#trees.set(key, tree);
    return tree;
  }
}

/** O_PATH: who may go through a directory need not be able to list it. */
const pathOnly = process.platform === "linux" ? 0o10000000 : 0;

const followed = (path: string): number =>
  openSync(asPath(path), constants.O_DIRECTORY | constants.O_RDONLY | pathOnly);

const realPath = (path: string): string | null => {
  try {
    return pathText(realpathSync(asPath(path), { encoding: "buffer" }));
  } catch {
    return null;
  }
};

/** Bytes where the text has some that are no UTF-8. */
const asPath = (path: string): string =>
  /[\ud800-\udfff]/.test(path) ? (Buffer.from(pathBytes(path)) as unknown as string) : path;

const unnamed = (path: string): SshMcpError =>
  new SshMcpError("POLICY_DENIED", `${shown(path)} is not touched: this call does not name it`);
