/** How far the caller's process lets local files be touched beyond what the call names. */
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { beginsAsKey, secretName, secretPlaces } from "../../core/files/secret-names.ts";
import { baseDirectory } from "../base-directory.ts";
import type { Environment } from "../paths.ts";
import { homeDirectory } from "../paths.ts";
import { ancestors, identityOfPath } from "./identity.ts";

export interface LocalPolicy {
  /** Absolute paths: whatever is read or written lies in one of these. Null is wherever the call says. */
  roots: readonly string[] | null;
  /** Whether key files and the like are files as any other. */
  secretsAllowed: boolean;
}

/** What a person at the command line may do. */
export const freely: LocalPolicy = { roots: null, secretsAllowed: true };

export class PolicyCheck {
  readonly #roots: ReadonlySet<string> | null;
  readonly #secrets: ReadonlySet<string>;
  readonly secretsAllowed: boolean;

  constructor({ roots, secretsAllowed }: LocalPolicy, env: Environment) {
    this.#roots = roots === null ? null : new Set(roots.flatMap(identityOfPath));
    this.secretsAllowed = secretsAllowed;
    const home = homeDirectory(env);
    const places = [...secretPlaces.map((place) => `${home}/${place}`), baseDirectory(env)];
    this.#secrets = new Set(secretsAllowed ? [] : places.flatMap(identityOfPath));
  }

  /** Whether there is anything that is not allowed. */
  get isOpen(): boolean {
    return this.#roots === null && this.secretsAllowed;
  }

  get hasRoots(): boolean {
    return this.#roots !== null;
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

  /** Of a directory on the way, or of the file itself: one may have been moved, or mounted, or have a second name. */
  checkStep(identity: string, path: string): void {
    if (this.#secrets.has(identity)) throw secret(path, "it lies where keys and credentials are kept");
  }

  /** @throws SshMcpError POLICY_DENIED for a file that begins as a private key does */
  checkHead(head: Uint8Array, path: string): void {
    if (!this.secretsAllowed && beginsAsKey(head)) throw secret(path, "it begins as a private key");
  }
}

const secret = (path: string, reason: string): SshMcpError =>
  new SshMcpError("POLICY_DENIED", `${shown(path)} is left alone: ${reason}`, {
    hint: "a person may copy it: ssh-mcp cp SOURCE DESTINATION",
  });

export const outside = (path: string): SshMcpError =>
  new SshMcpError("POLICY_DENIED", `${shown(path)} is outside of the folders that this client opens`, {
    hint: "a person may open one more: ssh-mcp serve --local-root DIRECTORY",
  });
