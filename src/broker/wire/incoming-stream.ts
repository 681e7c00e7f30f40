/**
 * The receiving end of one stream of a call. Bytes wait here until they are read; what was read is given back to the
 * sender as credit, so never more than one window waits.
 */
import { SshMcpError } from "../../core/errors.ts";
import { malformed } from "./frame.ts";

/** Small frames share blocks of this size: a window full of one-byte frames costs no more than any other. */
const blockSize = 4 * 1024;
/** A payload is kept as it is when it is at least this part of the memory that it holds: else it is copied. */
const keptPart = 1 / 4;

interface Block {
  bytes: Uint8Array;
  used: number;
}

/** Iterated once, by one reader. Leaving the loop drops what is still to come. */
export class IncomingStream implements AsyncIterable<Uint8Array> {
  readonly #window: number;
  readonly #grant: (bytes: number) => void;
  /** Bytes the sender may still send. */
  #room: number;
  /** Bytes read, but not yet given back. */
  #owed = 0;
  /** Bytes in the reader's hands: read, but possibly still being written somewhere. */
  #lent = 0;
  #blocks: Block[] = [];
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array>> | null = null;
  #ended = false;
  #dropped = false;
  #failure: SshMcpError | null = null;

  /**
   * @param grant tells the sender that it may send so many bytes more
   * @param room what the sender may send from the start; with 0 the whole window is granted when reading begins
   */
  constructor(window: number, grant: (bytes: number) => void, room = window) {
    this.#window = window;
    this.#room = room;
    this.#owed = window - room;
    this.#grant = grant;
  }

  /**
   * Takes a frame's payload, which nobody changes any more.
   * @throws SshMcpError PROTOCOL_ERROR for more than was granted, or anything after the end
   */
  push(bytes: Uint8Array): void {
    if (this.#dropped || this.#failure !== null || bytes.length === 0) return;
    if (this.#ended) throw malformed("data after the end of its stream");
    if (bytes.length > this.#room) throw malformed("more data than it had credit for");
    this.#room -= bytes.length;
    this.#append(bytes);
    this.#wake();
  }

  /** No more will come; what waits can still be read. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Reading fails from now on, with what waits unread: a stream that was cut must never look complete. */
  fail(error: SshMcpError): void {
    if (this.#dropped || this.#failure !== null) return;
    this.#failure = error;
    this.#blocks = [];
    this.#wake();
  }

  /** Nobody reads any more: the loop ends, and what comes is thrown away without credit. */
  drop(): void {
    this.#dropped = true;
    this.#blocks = [];
    this.#wake();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => this.#next(),
      return: () => {
        this.drop();
        return Promise.resolve(done);
      },
    };
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#waiting !== null) return Promise.reject(new SshMcpError("INTERNAL", "a stream was read twice at once"));
    this.#giveBack();
    this.#waiting = Promise.withResolvers();
    const { promise } = this.#waiting;
    this.#wake();
    return promise;
  }

  #wake(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    const block = this.#blocks.shift();
    if (block === undefined && !this.#dropped && this.#failure === null && !this.#ended) return;
    this.#waiting = null;
    if (block !== undefined) {
      this.#lent = block.used;
      waiting.resolve({ done: false, value: block.bytes.subarray(0, block.used) });
    } else if (this.#failure !== null && !this.#dropped) waiting.reject(this.#failure);
    else waiting.resolve(done);
  }

  #append(bytes: Uint8Array): void {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.bytes.length - last.used >= bytes.length) {
      last.bytes.set(bytes, last.used);
      last.used += bytes.length;
      return;
    }
    if (bytes.length >= blockSize && bytes.length >= keptPart * bytes.buffer.byteLength) {
      this.#blocks.push({ bytes, used: bytes.length });
      return;
    }
    // A reader that waits gets the bytes at once: no block to fill up for it.
    const block = new Uint8Array(this.#waiting === null ? Math.max(bytes.length, blockSize) : bytes.length);
    block.set(bytes);
    this.#blocks.push({ bytes: block, used: bytes.length });
  }

  /** Asking for the next chunk says that the one before is done with. */
  #giveBack(): void {
    this.#owed += this.#lent;
    this.#lent = 0;
    if (this.#ended || this.#failure !== null || this.#dropped || this.#owed < this.#window / 4) return;
    const bytes = this.#owed;
    this.#owed = 0;
    this.#room += bytes;
    this.#grant(bytes);
  }
}

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };
