import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { giveUp } from "../../core/spent-memory.ts";

/** What goes out at once, at most. */
const blockBytes = 128 * 1024;
/** Blocks that are kept for the next turn, of all connections together. */
const mostSpare = 4;

const spare: Buffer[] = [];

/**
 * From now on, what is written to a socket in one turn leaves together when the turn ends, or a block is full. ssh2 writes a packet in three
 * pieces, and with Nagle's algorithm off each would be a system call here, a segment on the wire, and a wake-up of the server. What is written is
 * copied: whoever wrote it may use its memory again at once.
 */
export const gatherWrites = (socket: Duplex): void => {
  const write = socket.write.bind(socket);
  const end = socket.end.bind(socket);
  const blocks = new Blocks(write, socket instanceof Socket);
  let isPlanned = false;
  const release = (): void => {
    isPlanned = false;
    blocks.closeOne();
  };
  socket.write = ((...words: Parameters<typeof write>): boolean => {
    const [chunk] = words;
    if (words.length > 1 || !(chunk instanceof Uint8Array)) {
      blocks.writeAll();
      return write(...words);
    }
    blocks.add(chunk);
    if (!isPlanned) {
      isPlanned = true;
      process.nextTick(release);
    }
    return !socket.writableNeedDrain;
  }) as typeof socket.write;
  socket.end = ((...words: Parameters<typeof end>) => {
    blocks.writeAll();
    return end(...words);
  }) as typeof socket.end;
};

/** Bytes on their way to a socket. It has one block at a time: of several that wait, it would make one by copying them. */
class Blocks {
  readonly #write: (bytes: Uint8Array, done: () => void) => boolean;
  /** Whether the memory is free when the socket calls back: who passes it on may still look at it. */
  readonly #isFreeWhenDone: boolean;
  readonly #closed: { block: Buffer; bytes: number }[] = [];
  #open: Buffer | null = null;
  #filled = 0;
  #isWriting = false;

  constructor(write: (bytes: Uint8Array, done: () => void) => boolean, isFreeWhenDone: boolean) {
    this.#write = write;
    this.#isFreeWhenDone = isFreeWhenDone;
  }

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      this.#open ??= spare.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
      const taken = Math.min(bytes.length - at, blockBytes - this.#filled);
      this.#open.set(taken === bytes.length ? bytes : bytes.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled === blockBytes) this.closeOne();
    }
  }

  /** What was added so far goes out as soon as the socket takes it. */
  closeOne(): void {
    if (this.#open === null) return;
    this.#closed.push({ block: this.#open, bytes: this.#filled });
    this.#open = null;
    this.#filled = 0;
    if (!this.#isWriting) this.#next();
  }

  /** Leaves nothing here: the socket has all of it. */
  writeAll(): void {
    this.closeOne();
    while (this.#closed.length > 0) this.#next();
  }

  #next(): void {
    const next = this.#closed.shift();
    this.#isWriting = next !== undefined;
    if (next === undefined) return;
    const { block, bytes } = next;
    if (this.#isFreeWhenDone) {
      this.#write(block.subarray(0, bytes), () => {
        keep(block);
        this.#next();
      });
    } else {
      const copy = Buffer.from(block.subarray(0, bytes));
      keep(block);
      this.#write(copy, () => this.#next());
    }
  }
}

const keep = (block: Buffer): void => {
  if (spare.length < mostSpare) spare.push(block);
  else giveUp(block);
};
