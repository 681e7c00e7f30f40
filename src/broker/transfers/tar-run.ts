import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { pathBytes } from "../../core/files/path-text.ts";
import { home, lines, prelude, shPath } from "../../core/files/remote-scripts.ts";
import { type SmallFile, smallFileLimit } from "../../core/files/transfer-side.ts";
import { atOnce } from "./at-once.ts";
import { below } from "./below.ts";
import type { Names } from "./names.ts";
import { Collected, ended } from "./program-output.ts";
import { Queue } from "./queue.ts";
import { readOverSftp } from "./read-over-sftp.ts";
import type { ReadMany } from "./remote-read-many.ts";
import type { ServerTools } from "./remote-tools.ts";
import { notTar, tarType } from "./tar-header.ts";
import { type TarMember, TarReader } from "./tar-reader.ts";

/** Names that one tar is given. */
const namesOfOne = 50_000;
/** Bytes of files that wait for the end of their tar: see `held`. */
const heldBytes = 16 * 1024 * 1024;
/** Batches that wait for their reader. */
const waiting = 8;
/** Members that were not asked for: so many are told by name, and after so many the archive is not read on. */
const toldStrangers = 10;
const mostStrangers = 1000;
const lookedAtOnce = 32;

/** One tar on the server, from its first name to its end. */
export class TarRun {
  readonly #read: ReadMany;
  readonly #tar: NonNullable<ServerTools["tar"]>;
  readonly #names: Names;
  readonly #wanted = new Set<string>();
  /** Lengths of what came. */
  readonly #sizes = new Map<string, number>();
  /** No tar takes a line for a name that has one in it. */
  readonly #besides: string[] = [];
  /**
   * Files that end in a zero. A file that shrinks while tar reads it is filled up with zeros, so one of these may be no true copy: it is handed on when
   * tar has ended well, and read again when it has not.
   */
  #held: SmallFile[] = [];
  #heldBytes = 0;
  #strangers = 0;
  /** Takes no more names. */
  #isOver = false;
  /** Whether it was no tar at all, or sent no archive: another one would not, either. */
  isVain = false;

  constructor(read: ReadMany, tar: NonNullable<ServerTools["tar"]>, names: Names) {
    this.#read = read;
    this.#tar = tar;
    this.#names = names;
  }

  async *files(): AsyncGenerator<readonly SmallFile[], void> {
    const { machine, root, notice } = this.#read;
    const output = new Queue<Uint8Array>(waiting);
    const stderr = new Collected(256 * 1024);
    const running = machine.run({
      script: tarProgram(this.#tar, root),
      stdin: this.#input(),
      stdout: { write: (chunk) => output.put(chunk) },
      stderr,
      timeoutMs: null,
    });
    running.then(
      () => output.end(),
      (error: unknown) => output.fail(error),
    );
    const reader = new TarReader(smallFileLimit);
    try {
      for await (const chunk of output) {
        const files = reader.push(chunk).flatMap((member) => this.#taken(member));
        if (files.length > 0) yield files;
      }
    } catch (thrown) {
      const error = toSshMcpError(thrown);
      // What a server's login files print, and what is no archive for other reasons, is not what decides over a transfer.
      if (error.code === "PROTOCOL_ERROR") notice(`${error.message}; its files are read one by one`);
      else if (error.code !== "UNSUPPORTED") throw error;
      this.isVain = true;
    } finally {
      this.#isOver = true;
      output.fail(new SshMcpError("CANCELED", "nobody reads the files any more"));
    }
    const isClean = !this.isVain && (await this.#endedWell(running, stderr)) && reader.isWhole;
    if (isClean && this.#held.length > 0) yield this.#held;
    const again = [...this.#besides, ...this.#wanted, ...(isClean ? [] : this.#held.map(({ path }) => path))];
    await this.#tellChanged(stderr.text(), new Set(again));
    if (again.length > 0) yield* readOverSftp(this.#read, again);
  }

  async #endedWell(running: ReturnType<ReadMany["machine"]["run"]>, stderr: Collected): Promise<boolean> {
    const result = await running;
    ended(this.#read.machine, result);
    return result.exitCode === 0 && stderr.isEmpty;
  }

  async *#input(): AsyncGenerator<Uint8Array, void> {
    const end = this.#tar === "gnu" || this.#tar === "bsd" ? "\n" : "\0";
    for (let count = 0; count < namesOfOne && this.#heldBytes < heldBytes; ) {
      if (!(await this.#names.hasSoon()) || this.#isOver) return;
      const names = this.#names.takeNow() ?? [];
      count += names.length;
      const plain = names.filter((name) => !name.includes("\n"));
      this.#besides.push(...names.filter((name) => name.includes("\n")));
      for (const name of plain) this.#wanted.add(name);
      if (plain.length > 0) yield pathBytes(plain.map((name) => `./${name}${end}`).join(""));
    }
  }

  #taken({ path, type, mode, mtime, size, content }: TarMember): SmallFile[] {
    const name = path.replace(/^(\.\/)+/, "");
    if (!this.#wanted.has(name)) {
      this.#drop(name);
      return [];
    }
    // A hard link to one before has no content here, and neither has what became something else: SFTP has the word. What says it is empty may have
    // content, as in /proc, of which tar takes nothing.
    if (type !== tarType.file || content === null || content.length === 0) return [];
    this.#wanted.delete(name);
    this.#sizes.set(name, size);
    const facts = { type: "file", size, mode, uid: null, gid: null, mtime } as const;
    const file = { path: name, facts, content };
    if (content.at(-1) !== 0) return [file];
    // Not with the chunk that it came in.
    this.#held.push({ ...file, content: content.slice() });
    this.#heldBytes += content.length;
    return [];
  }

  #drop(name: string): void {
    this.#strangers++;
    if (this.#strangers > mostStrangers) throw notTar("files without end that were not asked for");
    if (this.#strangers > toldStrangers) return;
    const more = this.#strangers === toldStrangers ? "; others are not told" : "";
    this.#read.notice(`the server's tar sent ${shown(name)}, which was not asked for: dropped${more}`);
  }

  /** GNU tar's own words. What has only grown is as long as it was, and true. @param again what is read again anyway */
  async #tellChanged(said: string, again: ReadonlySet<string>): Promise<void> {
    const names = [...said.matchAll(/^tar: \.\/(.+): file changed as we read it$/gm)].map(([, name]) => name ?? "");
    await atOnce(names, lookedAtOnce, async (name) => {
      const size = this.#sizes.get(name);
      if (size === undefined || again.has(name)) return;
      const { machine, root, onFailed } = this.#read;
      const now = await machine.files.lstat(below(root, name));
      if (now?.type === "file" && now.size > size) return;
      onFailed({ path: name, code: "REMOTE_IO", message: `${shown(name)} changed while it was read` });
    });
  }
}

/** Of several archives one after the other, where tar takes no names on its standard input. */
const tarProgram = (tar: NonNullable<ServerTools["tar"]>, root: string): string => {
  const flags = {
    gnu: "tar -c -f - --format=gnu --hard-dereference --no-recursion --quoting-style=literal --verbatim-files-from -T -",
    bsd: "tar -c -f - -n -T -",
    busybox: "xargs -0 tar -c -f -",
    other: "xargs -0 tar -c -f -",
  };
  return lines(prelude, home(root), `cd ${shPath(root)}||exit 70`, flags[tar]);
};
