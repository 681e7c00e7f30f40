import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { pathBytes } from "../../core/files/path-text.ts";
import type { RemoteMachine } from "../../core/files/remote-files.ts";
import { home, lines, prelude, shPath } from "../../core/files/remote-scripts.ts";
import { type Refusal, type SmallFile, smallFileLimit } from "../../core/files/transfer-side.ts";
import { atOnce } from "./at-once.ts";
import { Collected, ended } from "./program-output.ts";
import { Queue } from "./queue.ts";
import { readSmall } from "./remote-small.ts";
import type { ServerTools } from "./remote-tools.ts";
import { tarType } from "./tar-header.ts";
import { type TarMember, TarReader } from "./tar-reader.ts";

/** Files from which on a tar is worth its program. */
const worthTar = 16;
/** Files that are read at once over SFTP. */
const readAtOnce = 32;
/** Names that one tar is given. */
const namesOfOne = 50_000;
/** Bytes of files that wait for the end of their tar: see `held`. */
const heldBytes = 16 * 1024 * 1024;
/** Batches that wait for their reader. */
const waiting = 8;

export interface ReadMany {
  machine: RemoteMachine;
  tools: () => Promise<ServerTools>;
  root: string;
  onFailed: (failure: Refusal) => void;
  notice: (message: string) => void;
}

/**
 * Small files of a server. One tar has their names on its standard input and sends them as it comes to them, so that none waits for a round trip; what
 * it does not deliver, for whatever reason, is read over SFTP, which says why.
 */
export async function* readManyRemote(
  read: ReadMany,
  paths: AsyncIterable<readonly string[]>,
): AsyncGenerator<readonly SmallFile[], void> {
  const batches = paths[Symbol.asyncIterator]();
  try {
    const first: string[] = [];
    let isOver = false;
    while (first.length < worthTar && !isOver) {
      const next = await batches.next();
      isOver = next.done === true;
      if (next.done !== true) first.push(...next.value);
    }
    const tar = first.length < worthTar ? null : (await read.tools()).tar;
    if (tar === null) {
      for (let names: readonly string[] | null = first; names !== null; names = await nextOf(batches))
        yield* overSftp(read, names);
      return;
    }
    const supply = new Names(first, batches);
    while (await supply.hasMore()) yield* new TarRun(read, tar, supply).files();
  } finally {
    await batches.return?.();
  }
}

const nextOf = async (batches: AsyncIterator<readonly string[]>): Promise<readonly string[] | null> => {
  const next = await batches.next();
  return next.done === true ? null : next.value;
};

async function* overSftp(read: ReadMany, paths: readonly string[]): AsyncGenerator<readonly SmallFile[], void> {
  const found = new Queue<SmallFile>(readAtOnce);
  const reading = atOnce(paths, readAtOnce, async (path) => {
    try {
      await found.put(await readSmall(read.machine.files, read.root, path));
    } catch (thrown) {
      const error = toSshMcpError(thrown);
      read.onFailed({ path, code: error.code, message: error.message });
    }
  });
  reading.then(
    () => found.end(),
    (error: unknown) => found.fail(error),
  );
  try {
    for (;;) {
      const files = await found.take(readAtOnce);
      if (files.length === 0) return;
      yield files;
    }
  } finally {
    found.fail(new SshMcpError("CANCELED", "nobody reads the files any more"));
  }
}

/** Names in batches, some of which were taken before. */
class Names {
  #first: readonly string[] | null;
  readonly #batches: AsyncIterator<readonly string[]>;

  constructor(first: readonly string[], batches: AsyncIterator<readonly string[]>) {
    this.#first = first;
    this.#batches = batches;
  }

  async hasMore(): Promise<boolean> {
    this.#first ??= await nextOf(this.#batches);
    return this.#first !== null;
  }

  async take(): Promise<readonly string[] | null> {
    const taken = (await this.hasMore()) ? this.#first : null;
    this.#first = null;
    return taken;
  }
}

/** One tar on the server, from its first name to its end. */
class TarRun {
  readonly #read: ReadMany;
  readonly #tar: NonNullable<ServerTools["tar"]>;
  readonly #names: Names;
  readonly #wanted = new Set<string>();
  /** No tar takes a line for a name that has one in it. */
  readonly #besides: string[] = [];
  /**
   * Files that end in a zero. A file that shrinks while tar reads it is filled up with zeros, so one of these may be no true copy: it is handed on when
   * tar has ended well, and read again when it has not.
   */
  #held: SmallFile[] = [];
  #heldBytes = 0;

  constructor(read: ReadMany, tar: NonNullable<ServerTools["tar"]>, names: Names) {
    this.#read = read;
    this.#tar = tar;
    this.#names = names;
  }

  async *files(): AsyncGenerator<readonly SmallFile[], void> {
    const { machine, root } = this.#read;
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
    } finally {
      output.fail(new SshMcpError("CANCELED", "nobody reads the files any more"));
    }
    const result = await running;
    ended(machine, result);
    const isClean = result.exitCode === 0 && stderr.isEmpty && reader.isWhole;
    if (isClean && this.#held.length > 0) yield this.#held;
    const again = [...this.#besides, ...this.#wanted, ...(isClean ? [] : this.#held.map(({ path }) => path))];
    this.#tellChanged(stderr.text());
    if (again.length > 0) yield* overSftp(this.#read, again);
  }

  async *#input(): AsyncGenerator<Uint8Array, void> {
    const end = this.#tar === "gnu" || this.#tar === "bsd" ? "\n" : "\0";
    for (let count = 0; count < namesOfOne && this.#heldBytes < heldBytes; ) {
      const names = await this.#names.take();
      if (names === null) return;
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
      this.#read.notice(`the server's tar sent ${JSON.stringify(name)}, which was not asked for: dropped`);
      return [];
    }
    // A hard link to one before has no content here, and neither has what became something else: SFTP has the word.
    if (type !== tarType.file || content === null) return [];
    this.#wanted.delete(name);
    const facts = { type: "file", size, mode, uid: null, gid: null, mtime } as const;
    const file = { path: name, facts, content };
    if (content.at(-1) !== 0) return [file];
    this.#held.push(file);
    this.#heldBytes += content.length;
    return [];
  }

  /** GNU tar's own words. */
  #tellChanged(said: string): void {
    for (const [, name] of said.matchAll(/^tar: \.\/(.+): file changed as we read it$/gm)) {
      const message = `${JSON.stringify(name)} changed while it was read`;
      if (name !== undefined) this.#read.onFailed({ path: name, code: "REMOTE_IO", message });
    }
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
