import type { Sink } from "../../core/sink.ts";

/** Crumbs that wait are gathered in blocks of this size: a window of one-byte packets costs no more than any other. */
const blockSize = 4 * 1024;

interface Block {
  bytes: Uint8Array;
  used: number;
}

/** One output stream of a command on its way to its sink, at the sink's pace and in order. */
export class OutputQueue {
  readonly #sink: Sink;
  readonly #taken: (bytes: number) => void;
  readonly #broken: () => void;
  readonly #dropped = Promise.withResolvers<void>();
  #blocks: Block[] = [];
  #pumping: Promise<void> | null = null;
  #isDropped = false;

  /**
   * @param taken told of bytes that the sink is done with, or that were thrown away
   * @param broken told when the sink takes no more: the rest is thrown away
   */
  constructor(sink: Sink, taken: (bytes: number) => void, broken: () => void) {
    this.#sink = sink;
    this.#taken = taken;
    this.#broken = broken;
  }

  push(chunk: Uint8Array): void {
    if (this.#isDropped) {
      this.#taken(chunk.length);
      return;
    }
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.bytes.length - last.used >= chunk.length) {
      last.bytes.set(chunk, last.used);
      last.used += chunk.length;
    } else if (this.#pumping !== null && chunk.length < blockSize) {
      const bytes = Buffer.allocUnsafeSlow(blockSize);
      bytes.set(chunk);
      this.#blocks.push({ bytes, used: chunk.length });
    } else this.#blocks.push({ bytes: chunk, used: chunk.length });
    this.#pumping ??= this.#pump();
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    await Promise.race([this.#pumping, this.#dropped.promise]);
  }

  /** Throws away what waits and what comes. */
  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    for (const { used } of this.#blocks) this.#taken(used);
    this.#blocks = [];
    this.#dropped.resolve();
  }

  async #pump(): Promise<void> {
    for (let block = this.#blocks.shift(); block !== undefined; block = this.#blocks.shift()) {
      try {
        await this.#sink.write(block.bytes.subarray(0, block.used));
      } catch {
        this.#broken();
        this.drop();
      }
      this.#taken(block.used);
    }
    this.#pumping = null;
  }
}
