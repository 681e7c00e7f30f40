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
  const destroy = socket.destroy.bind(socket);
  const blocks = new Blocks(write, socket instanceof Socket);
  let isPlanned = false;
  const release = (): void => {
    isPlanned = false;
    blocks.release();
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
  socket.destroy = (...words: Parameters<typeof destroy>) => {
    // What the system takes at once goes out: the last word of a connection may be why it ends.
    if (socket.writable) blocks.writeAll();
    return destroy(...words);
  };
};

type Done = (error?: Error | null) => void;

/** Bytes on their way to a socket. It has one block at a time: of several that wait, it would make one by copying them. */
class Blocks {
  readonly #write: (bytes: Uint8Array, done: Done) => boolean;
  /** Whether the memory is free when the socket calls back: who passes it on may still look at it. */
  readonly #isFreeWhenDone: boolean;
  readonly #full: Buffer[] = [];
  #open: Buffer | null = null;
  #filled = 0;
  /** Blocks that the socket has. */
  #away = 0;

  constructor(write: (bytes: Uint8Array, done: Done) => boolean, isFreeWhenDone: boolean) {
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
      if (this.#filled < blockBytes) continue;
      this.#full.push(this.#open);
      this.#open = null;
      this.#filled = 0;
      this.release();
    }
  }

  /** What was added so far goes out when the socket takes it: what comes until then joins it. */
  release(): void {
    if (this.#away === 0) this.#next();
  }

  /** Leaves nothing here: the socket has all of it. */
  writeAll(): void {
    while (this.#full.length > 0 || this.#open !== null) this.#next();
  }

  #next(): void {
    const full = this.#full.shift();
    if (full !== undefined) this.#send(full, blockBytes);
    else if (this.#open !== null) {
      const [block, bytes] = [this.#open, this.#filled];
      this.#open = null;
      this.#filled = 0;
      this.#send(block, bytes);
    }
  }

  /** Nothing goes out any more. */
  #drop(): void {
    this.#full.length = 0;
    this.#open = null;
    this.#filled = 0;
  }

  #send(block: Buffer, bytes: number): void {
    const piece = block.subarray(0, bytes);
    const isKept = !this.#isFreeWhenDone;
    const sent = isKept ? Buffer.from(piece) : piece;
    if (isKept) keep(block);
    this.#away++;
    this.#write(sent, (error) => {
      this.#away--;
      if (!isKept) keep(block);
      if (error == null) this.release();
      else this.#drop();
    });
  }
}

const keep = (block: Buffer): void => {
  if (spare.length < mostSpare) spare.push(block);
  else giveUp(block);
};
