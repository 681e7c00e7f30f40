/** Two transports joined in memory: what one end writes, the other receives, later and in order. */
import type { Transport } from "./protocol.ts";

/**
 * Bytes delivered before timers and sockets get a turn. Microtasks alone would keep them waiting for as long as two
 * ends have something to say to each other, and a cancel that waits behind the output it is to stop is none.
 */
const bytesPerTurn = 1024 * 1024;
/** What a delivery counts for at least, so that many small ones come to a turn as well. */
const costOfDelivery = 1024;

export const createPair = (): [Transport, Transport] => {
  const left = new PairEnd();
  const right = new PairEnd();
  left.join(right);
  right.join(left);
  return [left, right];
};

class PairEnd implements Transport {
  readonly peer = process.pid;
  onData: (bytes: Uint8Array) => void = () => undefined;
  onDrain: () => void = () => undefined;
  onClose: () => void = () => undefined;
  #peer: PairEnd | null = null;
  #queue: Uint8Array[] = [];
  #pending = 0;
  #scheduled = false;
  #sinceTurn = 0;
  #open = true;
  #reported = false;

  join(peer: PairEnd): void {
    this.#peer = peer;
  }

  get pending(): number {
    return this.#pending;
  }

  write(bytes: Uint8Array): void {
    if (!this.#open) return;
    this.#queue.push(bytes);
    this.#pending += bytes.length;
    this.#schedule();
  }

  /** Both ends live and die together. */
  whenTaken(callback: () => void): void {
    if (this.#open) callback();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#schedule();
  }

  abort(): void {
    this.#queue = [];
    this.#pending = 0;
    this.close();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (this.#sinceTurn < bytesPerTurn) queueMicrotask(() => this.#deliver());
    else setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    const peer = this.#peer;
    if (peer === null) return;
    if (this.#sinceTurn >= bytesPerTurn) this.#sinceTurn = 0;
    const queue = this.#queue;
    this.#queue = [];
    this.#scheduled = false;
    for (const bytes of queue) {
      this.#pending -= bytes.length;
      this.#sinceTurn += bytes.length + costOfDelivery;
      // A peer that closed meanwhile reads no more.
      if (peer.#open) peer.onData(bytes);
    }
    if (this.#open) {
      if (queue.length > 0 && this.#pending === 0) this.onDrain();
      return;
    }
    peer.#closed();
    this.#closed();
  }

  #closed(): void {
    if (this.#reported) return;
    this.#reported = true;
    this.#open = false;
    this.onClose();
  }
}
