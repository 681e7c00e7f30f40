import { writev } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { errorCode } from "../../core/error-code.ts";
import { giveBack } from "../../core/files/lent-bytes.ts";
import type { SideExchange } from "./side-exchange.ts";

/** Bytes that wait for the disk before the source has to. */
const mostWaiting = 4 * 1024 * 1024;
/** writev(2) takes 1024 pieces. */
const mostPieces = 512;

/**
 * Writes to a file that the client handed over, in order and without a gap, and tells the client how far it came and how the source ended. What came
 * before a failure of the source is written.
 * @returns the source's own failure, or null
 */
export const writeHanded = async (
  file: FileHandle,
  bytes: AsyncIterable<Uint8Array>,
  from: number,
  exchange: Pick<SideExchange, "isOver" | "sayHanded" | "sayEnd">,
): Promise<{ thrown: unknown } | null> => {
  const writer = new InOrder(file.fd, from, () => exchange.isOver);
  let failure: { thrown: unknown } | null = null;
  try {
    for await (const piece of bytes) {
      await writer.push(piece);
      if (writer.code !== null || exchange.isOver) break;
    }
  } catch (thrown) {
    failure = { thrown };
  }
  await writer.idle();
  await file.close().catch(() => undefined);
  const isOver = exchange.isOver;
  exchange.sayHanded({ bytes: writer.written, code: writer.code });
  exchange.sayEnd(writer.code === null ? failure : null);
  return isOver || writer.code !== null ? null : failure;
};

/** One write at a time, of all that waits. */
class InOrder {
  readonly #file: number;
  readonly #from: number;
  readonly #isOver: () => boolean;
  #pieces: Uint8Array[] = [];
  #waiting = 0;
  #written = 0;
  #isWriting = false;
  /** The write under way, or the last one. */
  #step: Promise<void> = Promise.resolve();
  #code: string | null = null;

  constructor(file: number, from: number, isOver: () => boolean) {
    this.#file = file;
    this.#from = from;
    this.#isOver = isOver;
  }

  get written(): number {
    return this.#written;
  }

  /** What the system said when it took no more. */
  get code(): string | null {
    return this.#code;
  }

  /** Resolves when there is room for more. */
  async push(piece: Uint8Array): Promise<void> {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#waiting += piece.length;
    if (!this.#isWriting) void this.#writeAll();
    while (this.#waiting > mostWaiting && this.#isWriting) await this.#step;
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.#isWriting) await this.#step;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#pieces.length > 0 && this.#code === null && !this.#isOver()) {
      this.#step = this.#writeSome(this.#pieces.splice(0, mostPieces));
      await this.#step;
    }
    this.#isWriting = false;
  }

  async #writeSome(pieces: Uint8Array[]): Promise<void> {
    let rest = pieces;
    while (rest.length > 0) {
      const taken = await written(this.#file, rest, this.#from + this.#written);
      if (typeof taken === "string") {
        this.#code = taken;
        return;
      }
      if (taken === 0) {
        this.#code = "EIO";
        return;
      }
      this.#written += taken;
      this.#waiting -= taken;
      rest = behind(rest, taken);
    }
    for (const piece of pieces) giveBack(piece);
  }
}

/** @returns the bytes that were taken, or what the system said */
const written = (file: number, pieces: Uint8Array[], at: number): Promise<number | string> =>
  new Promise((resolve) => {
    writev(file, pieces, at, (failure, taken) => resolve(failure === null ? taken : errorCode(failure)));
  });

const behind = (pieces: readonly Uint8Array[], taken: number): Uint8Array[] => {
  let left = taken;
  return pieces.flatMap((piece) => {
    const skipped = Math.min(left, piece.length);
    left -= skipped;
    return skipped === piece.length ? [] : [piece.subarray(skipped)];
  });
};
