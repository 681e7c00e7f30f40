/** The way of all output of one connection to its client: a client that does not read keeps its commands waiting, and no memory. */
import type { Way } from "./outgoing-stream.ts";
import type { Transport } from "./protocol.ts";

/** Bytes under way at which output waits. */
const roomLimit = 1024 * 1024;

export class SharedWay implements Way {
  readonly #transport: Pick<Transport, "pending">;
  #waiting: (() => void)[] = [];

  constructor(transport: Pick<Transport, "pending">) {
    this.#transport = transport;
  }

  get hasRoom(): boolean {
    return this.#transport.pending < roomLimit;
  }

  whenRoom(resume: () => void): void {
    this.#waiting.push(resume);
  }

  /** Lets those who wait go on, each in its turn: who waits again does so behind the others. */
  drained(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const resumed = waiting.findIndex((resume) => {
      if (!this.hasRoom) return true;
      resume();
      return false;
    });
    if (resumed >= 0) this.#waiting.unshift(...waiting.slice(resumed));
  }
}
