/** Standard input for several: read once, as far as the one that has read most wants it, and given whole to each. */
import { SshMcpError } from "../../core/errors.ts";
import { formatSize } from "../../core/size.ts";

/** Bytes that are kept, since a host that begins late gets them from the begin. */
const usualLimit = 16 * 1024 * 1024;

export class SharedInput {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #reading: AsyncIterator<Uint8Array> | null = null;
  /** The chunk that is being waited for. */
  #next: Promise<boolean> | null = null;

  constructor(source: AsyncIterable<Uint8Array>, limit = usualLimit) {
    this.#source = source;
    this.#limit = limit;
  }

  /** All of it, from the begin. @throws SshMcpError TOO_LARGE beyond the limit; what the source throws */
  async *reader(): AsyncGenerator<Uint8Array, undefined> {
    for (let at = 0; ; at++) {
      if (at >= this.#chunks.length && !(await this.#more())) return;
      const chunk = this.#chunks[at];
      if (chunk !== undefined) yield chunk;
    }
  }

  /** Lets go of the source. */
  end(): void {
    Promise.try(() => this.#reading?.return?.()).catch(() => undefined);
  }

  /** @returns false at the end, to everybody who asks */
  async #more(): Promise<boolean> {
    this.#next ??= this.#take();
    return await this.#next;
  }

  async #take(): Promise<boolean> {
    this.#reading ??= this.#source[Symbol.asyncIterator]();
    const { done, value } = await this.#reading.next();
    if (done === true) return false;
    this.#bytes += value.length;
    if (this.#bytes > this.#limit) {
      throw new SshMcpError(
        "TOO_LARGE",
        `standard input is kept to be given to each host, and has over ${formatSize(this.#limit)}`,
        {
          hint: "ssh-mcp exec ONE-HOST -- COMMAND <FILE",
        },
      );
    }
    this.#chunks.push(value.slice());
    this.#next = null;
    return true;
  }
}
