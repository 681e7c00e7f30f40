/**
 * One line at the bottom of a terminal that is drawn again in place. Whatever else is written to the terminal goes through here: the line is
 * cleared before, and comes back after, so that nothing is written into the middle of it.
 */
import { Rate } from "../../core/files/rate.ts";
import type { TransferProgress } from "../../core/files/transfers.ts";
import type { Sink } from "../../core/sink.ts";
import { barLine } from "./bar.ts";

/** Ten times a second at most. */
const intervalMs = 100;
/** What ends sooner is not worth a flicker. */
const hiddenMs = 300;
/** To the first column, and nothing behind the cursor (ECMA-48, EL). */
const clear = "\r\x1b[K";

const encoder = new TextEncoder();

export interface Screen {
  /** The terminal. */
  sink: Sink;
  /** How wide it is now. */
  columns(): number;
  /** Whether it is another program's just now. */
  isTaken(): boolean;
}

export class ProgressLine {
  /** The same terminal, for everybody else. */
  readonly sink: Sink = { write: (chunk) => this.#write(chunk) };
  readonly #screen: Screen;
  /** Both from the first word on: a login is no part of the way. */
  #rate: Rate | null = null;
  #beganAt = 0;
  #now: TransferProgress | null = null;
  #shown = "";
  #pauses = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  #isClosed = false;
  #written: Promise<void> = Promise.resolve();
  /** Draws that the terminal has not taken yet, as after Ctrl-S. */
  #pending = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  update(now: TransferProgress): void {
    if (this.#isClosed) return;
    this.#now = now;
    if (this.#rate === null) {
      this.#beganAt = performance.now();
      this.#rate = new Rate(this.#beganAt, now.bytes);
    }
    this.#timer ??= setInterval(() => this.#tick(), intervalMs);
  }

  /** Leaves the line free, as for a question; resolves when it is. To be followed by as many `resume`. */
  async pause(): Promise<void> {
    this.#pauses++;
    this.#erase();
    await this.#written;
  }

  resume(): void {
    this.#pauses--;
  }

  /** Takes the line away for good. What is written later finds it free; calling it twice does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#erase();
  }

  #tick(): void {
    const at = performance.now();
    if (this.#now === null || this.#rate === null) return;
    this.#rate.update(this.#now.bytes, at);
    if (this.#pauses > 0 || this.#pending > 0 || at - this.#beganAt < hiddenMs || this.#screen.isTaken()) return;
    const line = barLine(this.#now, this.#rate.now, this.#screen.columns());
    if (line === this.#shown) return;
    this.#shown = line;
    // What is longer than before covers it; what is shorter is followed by nothing.
    this.#put(`\r${line}\x1b[K`);
  }

  #erase(): void {
    if (this.#shown === "") return;
    this.#shown = "";
    if (!this.#screen.isTaken()) this.#put(clear);
  }

  async #write(chunk: Uint8Array): Promise<void> {
    this.#erase();
    await this.#screen.sink.write(chunk);
  }

  /** The sink keeps the order. Nobody reads it any more: there is no other place to say so. */
  #put(text: string): void {
    this.#pending++;
    this.#written = this.#screen.sink
      .write(encoder.encode(text))
      .catch(() => undefined)
      .then(() => void this.#pending--);
  }
}
