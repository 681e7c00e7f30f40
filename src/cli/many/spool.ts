/** Output of a host until its turn to be shown: in memory while it is short, then in a file that has no name any more. */
import { SshMcpError } from "../../core/errors.ts";
import type { Sink } from "../../core/sink.ts";
import { formatSize } from "../../core/size.ts";
import { NamelessFile } from "./nameless-file.ts";

const inMemory = 64 * 1024;
/** Bytes: a disk is for more than this. */
const longest = 1024 * 1024 * 1024;
const newline = 10;

export class Spool implements Sink {
  readonly #hash = new Bun.CryptoHasher("sha256");
  readonly #longest: number;
  #chunks: Uint8Array[] = [];
  /** Where its bytes are, from that one on, once they are out of memory. */
  #place: { file: NamelessFile; start: number; isOwn: boolean } | null = null;
  #bytes = 0;
  #last = newline;
  #work: Promise<void> = Promise.resolve();

  constructor(longestBytes = longest) {
    this.#longest = longestBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that it holds in memory. */
  get held(): number {
    return this.#place === null ? this.#bytes : 0;
  }

  /** Whether what comes next begins a line. */
  get endsLine(): boolean {
    return this.#last === newline;
  }

  /** Of all that was written. Asked for once, at the end. */
  digest(): string {
    return this.#hash.digest("hex");
  }

  /** @throws SshMcpError LOCAL_IO; TOO_LARGE for what no disk is for */
  write(chunk: Uint8Array): Promise<void> {
    const written = this.#work.then(() => this.#write(chunk));
    this.#work = written.catch(() => undefined);
    return written;
  }

  /** From the begin. @throws SshMcpError LOCAL_IO */
  async *chunks(): AsyncGenerator<Uint8Array> {
    if (this.#place === null) yield* this.#chunks;
    else yield* this.#place.file.read(this.#place.start, this.#bytes);
  }

  /** Into a file that many share, once all of it was written: of open ones a process may have only so many. @throws SshMcpError LOCAL_IO */
  async moveTo(file: NamelessFile): Promise<void> {
    const start = file.reserve(this.#bytes);
    let at = start;
    for await (const chunk of this.chunks()) {
      await file.writeAt(at, chunk);
      at += chunk.length;
    }
    await this.close();
    this.#place = { file, start, isOwn: false };
  }

  /** Gives back what it holds. A file that many share is not its to close. */
  async close(): Promise<void> {
    const place = this.#place;
    this.#chunks = [];
    this.#place = null;
    if (place?.isOwn === true) await place.file.close();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    if (this.#bytes + chunk.length > this.#longest) {
      throw new SshMcpError(
        "TOO_LARGE",
        `there is over ${formatSize(this.#longest)} of output: too much to put aside`,
        {
          hint: "ssh-mcp exec --outdir DIR …",
        },
      );
    }
    if (this.#place === null && this.#bytes + chunk.length > inMemory) await this.#toDisk();
    if (this.#place === null) this.#chunks.push(chunk.slice());
    else await this.#place.file.writeAt(this.#place.start + this.#bytes, chunk);
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    this.#last = chunk.at(-1) ?? newline;
  }

  async #toDisk(): Promise<void> {
    const file = await NamelessFile.make();
    this.#place = { file, start: 0, isOwn: true };
    await file.writeAt(0, Buffer.concat(this.#chunks));
    this.#chunks = [];
  }
}
