/** Sends a call's standard input as far as the broker gives credit, and its end. */
import { SshMcpError } from "../../core/errors.ts";
import { encodeFrame, frameType } from "../wire/frame.ts";
import { OutgoingStream } from "../wire/outgoing-stream.ts";
import { streamWindow } from "../wire/protocol.ts";

export class InputPump {
  readonly #number: number;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #stream: OutgoingStream;
  readonly #source: AsyncIterable<Uint8Array> | undefined;
  #reading: AsyncIterator<Uint8Array> | null = null;
  #over = false;

  constructor(number: number, source: AsyncIterable<Uint8Array> | undefined, send: (bytes: Uint8Array) => void) {
    this.#number = number;
    this.#source = source;
    this.#send = send;
    const frame = (piece: Uint8Array): void => send(encodeFrame(frameType.stdin, number, piece));
    this.#stream = new OutgoingStream({ window: streamWindow.stdin, send: frame, credit: 0 });
  }

  /**
   * Resolves when everything is sent, or `end` was called. Rejects with the source's own error; then no end was sent.
   */
  async run(): Promise<void> {
    try {
      // Nothing is read that the operation may never want: the caller's next command may be waiting for it.
      if (this.#source !== undefined) await this.#stream.ready();
      if (this.#over) return;
      const reading = this.#source?.[Symbol.asyncIterator]() ?? null;
      this.#reading = reading;
      for (let step = await reading?.next(); step?.done === false && !this.#over; step = await reading?.next()) {
        await this.#stream.write(step.value);
      }
      this.#reading = null;
      if (!this.#over) this.#send(encodeFrame(frameType.eof, this.#number));
    } catch (thrown) {
      if (!this.#over) throw thrown;
    }
  }

  /** @throws SshMcpError PROTOCOL_ERROR */
  grant(bytes: number): void {
    this.#stream.grant(bytes);
  }

  /** Sends no more and returns the source, if it was begun. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream.fail(new SshMcpError("CANCELED", "the call takes no more input"));
    const reading = this.#reading;
    // Not awaited: a generator that waits for its next chunk returns only when that
    // has come. How it ends is its own affair.
    Promise.try(() => reading?.return?.()).catch(() => undefined);
  }
}
