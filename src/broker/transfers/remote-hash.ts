import type { RemoteMachine } from "../../core/files/remote-files.ts";
import { home, lines, parseSha256, prelude, sha256Program, shPath } from "../../core/files/remote-scripts.ts";
import { Turns } from "../../core/turns.ts";
import { printed } from "./program-output.ts";

/** Programs that hash at once. */
const programs = 2;
/** Files that one program hashes. */
const together = 256;
/** Characters of paths in one program: it is read by a shell, word by word. */
const longest = 16 * 1024;

interface Wanted {
  path: string;
  resolve: (hash: string | null) => void;
  reject: (error: unknown) => void;
}

/** Hashes of a server's files; those that are asked for at the same time are computed by one program. */
export class RemoteHashes {
  readonly #machine: RemoteMachine;
  readonly #turns = new Turns(programs);
  #wanted: Wanted[] = [];

  constructor(machine: RemoteMachine) {
    this.#machine = machine;
  }

  /** Hex; null where the server has nothing to compute it with. @throws SshMcpError as the server says of the file */
  async hash(path: string, length: number | null): Promise<string | null> {
    if (length !== null || path.includes("\n")) return await this.#one(path, length);
    return await new Promise((resolve, reject) => {
      this.#wanted.push({ path, resolve, reject });
      // Whoever asks for many asks for them before the loop goes on.
      if (this.#wanted.length === 1) setImmediate(() => this.#start());
    });
  }

  #start(): void {
    const all = this.#wanted;
    this.#wanted = [];
    for (let at = 0; at < all.length; ) {
      const group: Wanted[] = [];
      for (let length = 0; at < all.length && group.length < together && length < longest; at++) {
        const one = all[at];
        if (one === undefined) break;
        group.push(one);
        length += one.path.length;
      }
      this.#many(group).catch((error: unknown) => {
        for (const { reject } of group) reject(error);
      });
    }
  }

  async #many(group: readonly Wanted[]): Promise<void> {
    const hashes = group.length === 1 ? null : await this.#inTurn(() => this.#together(group.map(({ path }) => path)));
    for (const [index, { path, resolve, reject }] of group.entries()) {
      if (hashes === null) this.#one(path, null).then(resolve, reject);
      else resolve(hashes[index] ?? null);
    }
  }

  async #one(path: string, length: number | null): Promise<string | null> {
    const said = await this.#inTurn(() => printed(this.#machine, sha256Program(path, length), 4096));
    return said === null ? null : parseSha256(said, path);
  }

  /** Null when it did not work out for all of them. */
  async #together(paths: readonly string[]): Promise<string[] | null> {
    const said = await printed(this.#machine, manyProgram(paths), paths.length * 5000 + 4096);
    if (said === null) return null;
    const text = new TextDecoder("latin1").decode(said).split("ssh-mcp-begin\n")[1] ?? "";
    const [body, end] = text.split("ssh-mcp-end ");
    // A name that would mislead has a backslash before its line.
    const hashes = [...(body ?? "").matchAll(/^\\?([0-9a-f]{64})(?![0-9a-f]).*$/gm)].map(([, hash]) => hash ?? "");
    return end?.trim() === "0" && hashes.length === paths.length ? hashes : null;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const over = await this.#turns.take();
    try {
      return await work();
    } finally {
      over();
    }
  }
}

const manyProgram = (paths: readonly string[]): string =>
  lines(
    prelude,
    home(paths.find((path) => !path.startsWith("/")) ?? "/"),
    "for t in 'sha256sum' 'shasum -a 256' 'busybox sha256sum' 'openssl dgst -r -sha256';do",
    "case $($t </dev/null 2>/dev/null) in e3b0c442*)break;;esac;t=;done",
    '[ -n "$t" ]||exit 1',
    // To open a FIFO would wait for somebody.
    `for f in ${paths.map(shPath).join(" ")};do [ -f "$f" ]||exit 1;done`,
    "echo ssh-mcp-begin",
    `$t ${paths.map(shPath).join(" ")} 2>/dev/null`,
    'echo "ssh-mcp-end $?"',
  );
