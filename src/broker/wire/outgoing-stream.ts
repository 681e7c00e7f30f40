/**
 * The sending end of one stream of a call: pieces go out as far as the reader
 * gave credit and the way to it has room, the rest waits with its writer.
 */
import type { SshMcpError } from "../../core/errors.ts";
import type { Sink } from "../../core/sink.ts";
import { malformed } from "./frame.ts";

/**
 * Largest piece of a stream in one frame. A reader of a socket gets some 200 KiB at a time: pieces that fit in there need not be put together.
 */
export const pieceLimit = 64 * 1024;

/** The way that many streams share. */
export interface Way {
  /** False while so much is under way that a piece more must wait. */
  readonly hasRoom: boolean;
  /** Calls back once when there is room again, in the order of asking. */
  whenRoom(resume: () => void): void;
}

interface Writer extends PromiseWithResolvers<void> {
  rest: Uint8Array;
}

export interface OutgoingOptions {
  /** The most credit the reader may give. */
  window: number;
  /** Puts one piece, of at most `pieceLimit` bytes, into a frame. */
  send: (piece: Uint8Array) => void;
  /** What the reader gives from the start; by default its whole window. */
  credit?: number;
  way?: Way;
}

export class OutgoingStream implements Sink {
  readonly #window: number;
  readonly #send: (piece: Uint8Array) => void;
  readonly #way: Way | null;
  #credit: number;
  #writers: Writer[] = [];
  #waitsForRoom = false;
  #failure: SshMcpError | null = null;

  constructor({ window, send, credit = window, way }: OutgoingOptions) {
    this.#window = window;
    this.#credit = credit;
    this.#send = send;
    this.#way = way ?? null;
  }

  /**
   * Resolves when there is credit and nobody waits to use it: so much, at least, the reader wants.
   * @throws SshMcpError what `fail` was given
   */
  ready(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return this.#credit > 0 ? Promise.resolve() : this.#wait(new Uint8Array(0));
  }

  /**
   * Resolves when every byte of the chunk went out; until then the chunk is not copied and must not change.
   * @throws SshMcpError what `fail` was given
   */
  write(chunk: Uint8Array): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const rest = this.#writers.length === 0 ? this.#sendFrom(chunk) : chunk;
    return rest.length === 0 ? Promise.resolve() : this.#wait(rest);
  }

  /** @throws SshMcpError PROTOCOL_ERROR for more credit than the reader can have room */
  grant(bytes: number): void {
    if (this.#failure !== null) return;
    if (this.#credit + bytes > this.#window) throw malformed("more credit than its window");
    this.#credit += bytes;
    this.#goOn();
  }

  /** Rejects every write that waits, and those to come. */
  fail(error: SshMcpError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    const writers = this.#writers;
    this.#writers = [];
    for (const writer of writers) writer.reject(error);
  }

  #wait(rest: Uint8Array): Promise<void> {
    const writer = { rest, ...Promise.withResolvers<void>() };
    this.#writers.push(writer);
    return writer.promise;
  }

  #goOn(): void {
    for (let writer = this.#writers[0]; writer !== undefined && this.#credit > 0; writer = this.#writers[0]) {
      writer.rest = this.#sendFrom(writer.rest);
      if (writer.rest.length > 0) return;
      this.#writers.shift();
      writer.resolve();
    }
  }

  #sendFrom(chunk: Uint8Array): Uint8Array {
    let rest = chunk;
    while (rest.length > 0 && this.#credit > 0) {
      if (this.#way?.hasRoom === false) {
        this.#awaitRoom(this.#way);
        break;
      }
      const piece = rest.subarray(0, Math.min(rest.length, this.#credit, pieceLimit));
      this.#credit -= piece.length;
      this.#send(piece);
      rest = rest.subarray(piece.length);
    }
    return rest;
  }

  #awaitRoom(way: Way): void {
    if (this.#waitsForRoom) return;
    this.#waitsForRoom = true;
    way.whenRoom(() => {
      this.#waitsForRoom = false;
      this.#goOn();
    });
  }
}
