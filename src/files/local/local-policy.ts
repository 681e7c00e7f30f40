/** How far the caller's process lets local files be touched beyond what the call names. */
import { statSync } from "node:fs";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { beginsAsKey, secretName, secretPlaces } from "../../core/files/secret-names.ts";
import { baseDirectory } from "../base-directory.ts";
import type { Environment } from "../paths.ts";
import { homeDirectory } from "../paths.ts";
import { atCalls } from "./at-calls.ts";

export interface LocalPolicy {
  /** Absolute paths: whatever is read or written lies in one of these. Null is wherever the call says. */
  roots: readonly string[] | null;
  /** Whether key files and the like are files as any other. */
  secretsAllowed: boolean;
}

/** What a person at the command line may do. */
export const freely: LocalPolicy = { roots: null, secretsAllowed: true };

const longestClimb = 4096;
const parent = Uint8Array.of(46, 46, 0);

export class PolicyCheck {
  readonly #roots: ReadonlySet<string> | null;
  readonly #secrets: ReadonlySet<string>;
  readonly secretsAllowed: boolean;

  constructor({ roots, secretsAllowed }: LocalPolicy, env: Environment) {
    this.#roots = roots === null ? null : new Set(roots.flatMap(identity));
    this.secretsAllowed = secretsAllowed;
    const home = homeDirectory(env);
    const places = [...secretPlaces.map((place) => `${home}/${place}`), baseDirectory(env)];
    this.#secrets = new Set(secretsAllowed ? [] : places.flatMap(identity));
  }

  /** Whether there is anything that is not allowed. */
  get isOpen(): boolean {
    return this.#roots === null && this.secretsAllowed;
  }

  /**
   * Looks where a held directory lies, by climbing from it: whatever links led to it, and whatever is swapped meanwhile.
   * @param path as the call has it, for the message
   * @param names of the directories from `/` on, as far as the system tells
   * @throws SshMcpError POLICY_DENIED
   */
  checkDirectory(directory: number, path: string, names: readonly string[]): void {
    if (this.isOpen) return;
    let inRoot = this.#roots === null;
    for (const one of ancestors(directory)) {
      if (this.#secrets.has(one)) throw secret(path, "it lies where keys and credentials are kept");
      inRoot ||= this.#roots?.has(one) === true;
    }
    if (!inRoot) throw outside(path);
    this.checkNames(names, path);
  }

  /** @throws SshMcpError POLICY_DENIED for a name that only secrets have */
  checkNames(names: readonly string[], path: string): void {
    if (this.secretsAllowed) return;
    const name = secretName(names);
    if (name !== null) throw secret(path, `${shown(name)} is a name of secrets`);
  }

  /** Of a directory on the way: one may have been moved, or mounted, under another name. */
  checkStep(identity: string, path: string): void {
    if (this.#secrets.has(identity)) throw secret(path, "it lies where keys and credentials are kept");
  }

  /** @throws SshMcpError POLICY_DENIED for a file that begins as a private key does */
  checkHead(head: Uint8Array, path: string): void {
    if (!this.secretsAllowed && beginsAsKey(head)) throw secret(path, "it begins as a private key");
  }
}

/** Of a directory, and of everything above it. */
const ancestors = (directory: number): string[] => {
  const calls = atCalls();
  const found: string[] = [];
  let at = directory;
  try {
    for (let step = 0; step < longestClimb; step++) {
      const { device, inode } = calls.lookAt(at);
      const here = `${device}/${inode}`;
      if (found.at(-1) === here) return found;
      found.push(here);
      const above = calls.openDirectory(at, parent);
      if (at !== directory) calls.close(at);
      at = above;
    }
    return found;
  } finally {
    if (at !== directory) calls.close(at);
  }
};

/** None where nothing is there. */
const identity = (path: string): string[] => {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    // makedev(3) of Linux; elsewhere `look.ts` has the number as it is.
    const major = ((dev >> 32n) & 0xfffff000n) | ((dev >> 8n) & 0xfffn);
    const minor = ((dev >> 12n) & 0xffffff00n) | (dev & 0xffn);
    return [
      `${process.platform === "linux" ? `${major}:${minor}` : `${dev & 0xffffffffn}`}/${Number(BigInt.asIntN(64, ino))}`,
    ];
  } catch {
    return [];
  }
};

const secret = (path: string, reason: string): SshMcpError =>
  new SshMcpError("POLICY_DENIED", `${shown(path)} is left alone: ${reason}`, {
    hint: "a person may copy it: ssh-mcp cp SOURCE DESTINATION",
  });

const outside = (path: string): SshMcpError =>
  new SshMcpError("POLICY_DENIED", `${shown(path)} is outside of the folders that this client opens`, {
    hint: "a person may open one more: ssh-mcp serve --local-root DIRECTORY",
  });
