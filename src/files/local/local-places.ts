/**
 * The paths that a call names, and what is below them. The first time that one is needed it is opened, and links in it are followed, for the caller
 * named it; from then on it is the directory that was opened, whatever its path becomes.
 */
import { constants, openSync, readlinkSync, realpathSync } from "node:fs";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { pathBytes, pathText } from "../../core/files/path-text.ts";
import { atCalls } from "./at-calls.ts";
import { localError } from "./local-errors.ts";
import { outside, type PolicyCheck } from "./local-policy.ts";
import { checkPath, cName, LocalTree, pathOfHeld } from "./local-tree.ts";

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
  /** Those of them that are written to. */
  writable: readonly string[] | null;
  policy: PolicyCheck;
}

/** The names of each; null for any path. */
type Operands = readonly (readonly string[])[] | null;

/** Without `.` and doubled slashes. What `..` leads to depends on links, and only the system knows. */
const namesOf = (path: string, cwd: string): string[] =>
  (path.startsWith("/") ? path : `${cwd}/${path}`).split("/").filter((name) => name !== "" && name !== ".");

export class LocalPlaces {
  readonly #options: PlacesOptions;
  readonly #operands: Operands;
  readonly #writable: Operands;
  /** Held directories, by absolute path. */
  readonly #trees = new Map<string, LocalTree>();
  #closed = false;

  constructor(options: PlacesOptions) {
    this.#options = options;
    const parsed = (operands: readonly string[] | null): Operands =>
      operands?.map((operand) => namesOf(operand, options.cwd)) ?? null;
    this.#operands = parsed(options.operands);
    this.#writable = parsed(options.writable);
  }

  /**
   * @param below a further path, below `root`
   * @throws SshMcpError POLICY_DENIED for what the call does not name, or its policy does not take; INVALID_INPUT, NOT_FOUND, LOCAL_IO
   */
  find(root: string, below = ""): Place {
    return this.#find(root, below, this.#operands);
  }

  /** The same of what is written to, or removed. */
  findToWrite(root: string, below = ""): Place {
    return this.#find(root, below, this.#writable);
  }

  #find(root: string, below: string, operands: Operands): Place {
    if (this.#closed) throw new SshMcpError("CANCELED", "the call that these files belong to is over");
    if (root === "" || root.includes("\0")) throw new SshMcpError("INVALID_INPUT", `${shown(root)} is no path`);
    const names = namesOf(root, this.#options.cwd);
    const operand = operandOf(names, operands);
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
    return this.#finder(root, this.#operands);
  }

  finderToWrite(root: string): (below: string) => Place {
    return this.#finder(root, this.#writable);
  }

  #finder(root: string, operands: Operands): (below: string) => Place {
    let base: Place | null = null;
    return (below) => {
      // A root that is no directory may become one.
      if (base === null || base.operand !== null || this.#closed) base = this.#find(root, "", operands);
      if (base.operand !== null || below === "") return this.#find(root, below, operands);
      const { tree, path } = base;
      return { tree, path: path === "" ? below : `${path}/${below}`, operand: null };
    };
  }

  /** A directory that was just made in the place of an operand is held before anybody else gets at its name. */
  adopt(root: string, directory: number): void {
    const absolute = `/${namesOf(root, this.#options.cwd).join("/")}`;
    if (this.#trees.has(absolute)) atCalls().close(directory);
    else this.#trees.set(absolute, new LocalTree(directory, root, this.#options.policy, lastOf(absolute)));
  }

  close(): void {
    this.#closed = true;
    for (const tree of this.#trees.values()) tree.close();
    this.#trees.clear();
  }

  #openDirectory(absolute: string, where: string): LocalTree | null {
    let directory: number;
    try {
      directory = followed(absolute);
    } catch (cause) {
      const code = errorCode(cause);
      if (code === "ENOTDIR" || code === "ENOENT") return null;
      this.#checkWay(absolute, where);
      throw localError(where, "opened", cause);
    }
    return this.#keep(absolute, directory, where);
  }

  /** The directory that a file lies in, or is to lie in: of a link, the one that it leads to lies in. */
  #besideOf(absolute: string, where: string): { tree: LocalTree; path: string } {
    const real = realPath(absolute);
    if (real === null) this.#checkWay(absolute, where);
    // As on a server, and for scp(1): a link that leads to nothing yet is where that is to be.
    const whole = real ?? (this.#options.policy.isOpen ? leadsTo(absolute) : absolute);
    const at = whole.lastIndexOf("/");
    const [folder, path] = [whole.slice(0, at) || "/", whole.slice(at + 1)];
    const key = `${folder}/`;
    const kept = this.#trees.get(key);
    if (kept !== undefined) return { tree: kept, path };
    let directory: number;
    try {
      directory = followed(folder);
    } catch (cause) {
      this.#checkWay(absolute, where);
      throw localError(where, "reached", cause);
    }
    return { tree: this.#keep(key, directory, folder, where), path };
  }

  /**
   * What cannot be opened is told only of what lies inside the client's folders: elsewhere, whether something is there is not its business. A link on the
   * way is as good as outside: it leads nowhere, or nobody may know where.
   * @throws SshMcpError POLICY_DENIED
   */
  #checkWay(absolute: string, where: string): void {
    const { policy } = this.#options;
    if (!policy.hasRoots) return;
    const names = absolute.split("/").slice(1);
    for (let kept = names.length - 1; kept >= 0; kept--) {
      let directory: number;
      try {
        directory = followed(`/${names.slice(0, kept).join("/")}`);
      } catch {
        continue;
      }
      try {
        policy.checkDirectory(directory, where, pathOfHeld(directory).split("/").slice(1));
        if (atCalls().look(directory, cName(names[kept] ?? "."))?.type === "symlink") throw outside(where);
        return;
      } finally {
        atCalls().close(directory);
      }
    }
  }

  /** @param asked as the call has it: the refusal says no more */
  #keep(key: string, directory: number, where: string, asked = where): LocalTree {
    const { policy } = this.#options;
    let name = "";
    try {
      if (!policy.isOpen) {
        const held = pathOfHeld(directory);
        policy.checkDirectory(directory, asked, held.split("/").slice(1));
        name = lastOf(held);
      }
    } catch (thrown) {
      atCalls().close(directory);
      throw thrown;
    }
    const tree = new LocalTree(directory, where, policy, name);
    this.#trees.set(key, tree);
    return tree;
  }
}

/** As many as Linux follows: path_resolution(7). */
const mostLinks = 40;

/** The path that links at the end of it lead to; itself when that is none, or in a circle. */
const leadsTo = (path: string): string => {
  let at = path;
  for (let links = 0; links < mostLinks; links++) {
    let target: string;
    try {
      target = pathText(readlinkSync(asPath(at), { encoding: "buffer" }));
    } catch {
      return at;
    }
    at = target.startsWith("/") ? target : `${at.slice(0, at.lastIndexOf("/") + 1)}${target}`;
  }
  return path;
};

/** The longest that the path is, or is below of. */
const operandOf = (names: readonly string[], operands: Operands): readonly string[] | null => {
  if (operands === null) return names;
  const found = operands
    .filter((operand) => operand.length <= names.length && operand.every((name, index) => names[index] === name))
    .sort((one, other) => other.length - one.length)[0];
  return found ?? null;
};

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

const lastOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** Bytes where the text has some that are no UTF-8. */
const asPath = (path: string): string =>
  /[\ud800-\udfff]/.test(path) ? (Buffer.from(pathBytes(path)) as unknown as string) : path;

const unnamed = (path: string): SshMcpError =>
  new SshMcpError("POLICY_DENIED", `${shown(path)} is not touched: this call does not name it`);
