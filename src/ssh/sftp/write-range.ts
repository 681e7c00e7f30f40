import type { Lane, Lanes } from "./lanes.ts";
import { RequestWindow } from "./request-window.ts";
import { writeAt } from "./requests.ts";

/** Smaller chunks than this are gathered: a request each would cost more than their bytes. */
const gathered = 32 * 1024;

/** One WRITE, in the order of the file. */
interface Sent {
  bytes: number;
  isDone: boolean;
}

/** The bytes of one file on their way to its server. */
export class RangeWriter {
  readonly #lanes: Lanes;
  readonly #onWritten: ((bytes: number) => void) | null;
  readonly #window = new RequestWindow();
  readonly #failed = Promise.withResolvers<never>();
  readonly #sent: Sent[] = [];
  readonly #offset: number;
  #position: number;
  #written = 0;
  #unanswered = 0;
  #requests = 0;
  #open = 0;
  #failure: { thrown: unknown } | null = null;
  /** Goes on with whoever waits for room, or for the last answer. */
  #wake: () => void = () => undefined;

  constructor(lanes: Lanes, offset: number, onWritten: ((bytes: number) => void) | null) {
    this.#lanes = lanes;
    this.#offset = offset;
    this.#position = offset;
    this.#onWritten = onWritten;
    this.#failed.promise.catch(() => undefined);
    lanes.onOpened = (count) => {
      this.#window.over(count);
      this.#wake();
    };
  }

  /** Bytes from the beginning on that the server has acknowledged, without a hole. */
  get written(): number {
    return this.#written;
  }

  /** Requests that were sent. */
  get requests(): number {
    return this.#requests;
  }

  /** Whether something may have been written behind the first hole. */
  get mayHaveHole(): boolean {
    return this.#failure !== null && this.#requests > 1;
  }

  /**
   * Sends all of it, as fast as answers allow; resolves when the last of it is on its way.
   * @throws what the server answered, or what `bytes` threw
   */
  async send(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const sending = this.#sendAll(bytes);
    sending.catch(() => undefined);
    // A failure does not wait for the source, which may have nothing to give for a long time.
    const unwatch = this.#lanes.first.client.watchEnd((thrown) => this.#fail({ thrown }));
    try {
      await Promise.race([sending, this.#failed.promise]);
    } finally {
      unwatch();
    }
  }

  /** Nothing more is sent. */
  end(): void {
    this.#window.end();
  }

  /** Resolves when all that was sent is answered. @throws the first failure */
  async answered(): Promise<void> {
    await this.settled();
    if (this.#failure !== null) throw this.#failure.thrown;
  }

  /** The same, whatever the answers are. */
  async settled(): Promise<void> {
    while (this.#open > 0) await this.#changed();
  }

  async #sendAll(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    let small: Uint8Array[] = [];
    let smallBytes = 0;
    const flush = async (): Promise<void> => {
      if (smallBytes === 0) return;
      const chunk = small.length === 1 && small[0] !== undefined ? small[0] : Buffer.concat(small, smallBytes);
      small = [];
      smallBytes = 0;
      await this.#put(chunk);
    };
    for await (const chunk of bytes) {
      if (this.#failure !== null) throw this.#failure.thrown;
      if (chunk.length === 0) continue;
      if (smallBytes + chunk.length >= gathered) await flush();
      if (chunk.length >= gathered) await this.#put(chunk);
      else {
        small.push(chunk);
        smallBytes += chunk.length;
      }
    }
    await flush();
  }

  async #put(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      while (this.#failure === null && this.#unanswered >= this.#window.bytes) await this.#changed();
      if (this.#failure !== null) throw this.#failure.thrown;
      const most = this.#lanes.first.client.limits.write;
      const piece = chunk.length - at <= most ? chunk.subarray(at) : chunk.subarray(at, at + most);
      this.#sendPiece(piece);
      at += piece.length;
    }
  }

  #sendPiece(piece: Uint8Array): void {
    const lane = this.#lanes.next();
    const sent: Sent = { bytes: piece.length, isDone: false };
    this.#sent.push(sent);
    this.#requests++;
    this.#open++;
    this.#unanswered += piece.length;
    lane.busy += piece.length;
    const position = this.#position;
    this.#position += piece.length;
    writeAt(lane.client, lane.handle, position, piece).then(
      () => this.#settle(lane, sent, null),
      (thrown: unknown) => this.#settle(lane, sent, { thrown }),
    );
    this.#lanes.grow(position - this.#offset);
  }

  #settle(lane: Lane, sent: Sent, failure: { thrown: unknown } | null): void {
    this.#open--;
    this.#unanswered -= sent.bytes;
    lane.busy -= sent.bytes;
    if (failure === null) {
      sent.isDone = true;
      this.#window.note(sent.bytes, lane.client.roundTripMs);
      this.#advance();
    } else this.#fail(failure);
    this.#wake();
  }

  #fail(failure: { thrown: unknown }): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    this.#failed.reject(failure.thrown);
    this.#wake();
  }

  #advance(): void {
    const before = this.#written;
    for (let head = this.#sent[0]; head?.isDone; head = this.#sent[0]) {
      this.#written += head.bytes;
      this.#sent.shift();
    }
    if (this.#written > before) this.#onWritten?.(this.#written);
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      // Two can wait: who sends, and who waits for the answers after a failure.
      const earlier = this.#wake;
      this.#wake = () => {
        this.#wake = () => undefined;
        earlier();
        resolve();
      };
    });
  }
}
