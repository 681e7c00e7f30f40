import { giveBack } from "../../core/files/lent-bytes.ts";

/** Below this, pieces go out together: one packet instead of many. */
const gatheredBytes = 32 * 1024;

/**
 * Bytes on their way out, in order: pieces that are queued in the same turn go out together. How much waits is up to whoever queues it. What was lent is
 * given back when it has gone out: what the server answers, and when, says nothing of that.
 */
export class SendQueue {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #pieces: Uint8Array[] = [];
  #isSending = false;
  #isDropped = false;

  /** @param write resolves when the bytes are not looked at any more and more may be written, also when nobody takes anything */
  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  push(bytes: Uint8Array): void {
    if (this.#isDropped || bytes.length === 0) return;
    this.#pieces.push(bytes);
    if (this.#isSending) return;
    this.#isSending = true;
    queueMicrotask(() => void this.#send());
  }

  /** Forgets what waits, and whatever comes. */
  drop(): void {
    this.#isDropped = true;
    this.#pieces = [];
  }

  async #send(): Promise<void> {
    while (this.#pieces.length > 0) {
      const pieces = this.#pieces;
      this.#pieces = [];
      for (const bytes of gathered(pieces)) {
        if (!this.#isDropped) await this.#write(bytes);
        giveBack(bytes);
      }
    }
    this.#isSending = false;
  }
}

/** Small neighbours together, large ones as they are. */
function* gathered(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = [];
  let length = 0;
  const together = (): Uint8Array => {
    const [only] = small;
    const isOne = small.length === 1 && only !== undefined;
    const bytes = isOne ? only : Buffer.concat(small, length);
    if (!isOne) for (const piece of small) giveBack(piece);
    small = [];
    length = 0;
    return bytes;
  };
  for (const piece of pieces) {
    // Only the beginning of a large one joins the small ones before it: the rest is not copied.
    const joining = piece.length < gatheredBytes ? piece.length : length === 0 ? 0 : gatheredBytes - length;
    if (joining > 0) {
      small.push(piece.subarray(0, joining));
      length += joining;
    }
    if (length >= gatheredBytes) yield together();
    if (joining < piece.length) yield piece.subarray(joining);
  }
  if (length > 0) yield together();
}
