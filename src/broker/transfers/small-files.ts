import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { FileFacts } from "../../core/files/file-facts.ts";
import type { Refusal, SmallFile } from "../../core/files/transfer-side.ts";
import { atOnce } from "./at-once.ts";
import { below } from "./below.ts";
import { copyFile } from "./copy-file.ts";
import { type CopyJob, type CopyRun, formOf } from "./copy-run.ts";
import type { Queue } from "./queue.ts";
import { verifyCopy } from "./verify.ts";

/** A file of a tree, as the walk saw it. */
export interface WalkedFile {
  path: string;
  facts: FileFacts;
}

/** Files that are asked for in one word. */
const asked = 500;
/** Files between two rounds of verifying: their paths are held until then. */
const verifiedTogether = 2000;
/** Files that are hashed at once. */
const hashedAtOnce = 64;

/** Copies all small files of a tree in one stream: read together, written together. */
export class SmallFiles {
  readonly #run: CopyRun;
  readonly #job: CopyJob;
  readonly #queue: Queue<WalkedFile>;
  readonly #unread: FileFactsByPath = new Map();
  #round: string[] = [];
  /** Larger now than a small file may be: each goes by itself. */
  readonly #grown: WalkedFile[] = [];

  constructor(run: CopyRun, job: CopyJob, queue: Queue<WalkedFile>) {
    this.#run = run;
    this.#job = job;
    this.#queue = queue;
  }

  async copy(): Promise<void> {
    const read = this.#job.source.readMany(this.#job.from, this.#paths(), (failure) => this.#unreadable(failure));
    const files = read[Symbol.asyncIterator]();
    try {
      const { verify } = this.#run.request;
      for (let done = false; !done; ) {
        const state = { done: false };
        await this.#write(this.#files(files, verify ? verifiedTogether : Number.POSITIVE_INFINITY, state));
        done = state.done;
        if (verify) await this.#verify();
        for (const { path, facts } of this.#grown.splice(0)) await copyFile(this.#run, this.#job, path, facts);
      }
      for (const path of this.#unread.keys()) this.#missing(path);
    } finally {
      await files.return?.();
    }
  }

  async #write(files: AsyncIterable<readonly SmallFile[]>): Promise<void> {
    const { tally } = this.#run;
    const { root, destination } = this.#job;
    await destination.writeMany(
      root,
      files,
      ({ facts }) => formOf(this.#run, facts, destination),
      ({ path, code, message }) => {
        this.#unwritten.add(path);
        tally.failed(below(root, path), new SshMcpError(code, message));
      },
      (count, bytes) => {
        tally.moved(bytes, null);
        tally.copied(count);
      },
    );
  }

  readonly #unwritten = new Set<string>();

  async *#paths(): AsyncGenerator<readonly string[], void> {
    for (;;) {
      const files = await this.#queue.take(asked);
      if (files.length === 0) return;
      for (const { path, facts } of files) this.#unread.set(path, facts);
      yield files.map(({ path }) => path);
    }
  }

  async *#files(
    source: AsyncIterator<readonly SmallFile[]>,
    most: number,
    state: { done: boolean },
  ): AsyncGenerator<readonly SmallFile[], void> {
    const { limit, signal, request } = this.#run;
    for (let count = 0; count < most; ) {
      const next = await source.next();
      signal.throwIfAborted();
      if (next.done === true) {
        state.done = true;
        return;
      }
      const files = next.value.filter(({ path }) => this.#unread.delete(path));
      count += files.length;
      if (request.verify) this.#round.push(...files.map(({ path }) => path));
      const { prefix } = this.#job;
      const placed = prefix === "" ? files : files.map((file) => ({ ...file, path: below(prefix, file.path) }));
      if (limit === null) {
        yield placed;
        continue;
      }
      for (const file of placed) {
        await limit.pass(file.content.length);
        yield [file];
      }
    }
  }

  #unreadable({ path, code, message }: Refusal): void {
    const facts = this.#unread.get(path);
    this.#unread.delete(path);
    if (code === "TOO_LARGE" && facts !== undefined) this.#grown.push({ path, facts });
    else this.#run.tally.failed(below(this.#job.from, path), new SshMcpError(code, message));
  }

  #missing(path: string): void {
    const at = below(this.#job.from, path);
    this.#run.tally.failed(at, new SshMcpError("NOT_FOUND", `${shown(at)} was not there any more when it was read`));
  }

  async #verify(): Promise<void> {
    const paths = this.#round.filter((path) => !this.#unwritten.has(below(this.#job.prefix, path)));
    this.#round = [];
    this.#unwritten.clear();
    await atOnce(paths, hashedAtOnce, async (path) => {
      await verifyCopy(this.#run, this.#job, path).catch((thrown: unknown) =>
        this.#run.tally.failed(below(this.#job.root, below(this.#job.prefix, path)), thrown),
      );
    });
  }
}

type FileFactsByPath = Map<string, FileFacts>;
