import { type Marks, spentMark } from "./shell-program.ts";

/** Of what a shell says before a command begins: its last stretch is kept, in case the command never does. */
const heldLimit = 64 * 1024;
/** An exit status and the end of the line. */
const statusLimit = 12;

const lineFeed = 0x0a;
const nothing = Buffer.alloc(0);

/** One stream of one command in a lasting shell: takes out what lies between the marks. */
export class MarkedOutput {
  readonly #marks: Marks;
  #hasBegun = false;
  #held: Buffer = nothing;
  #status: string | null = null;

  constructor(marks: Marks) {
    this.#marks = marks;
  }

  /** Whether the end mark was seen: nothing that follows is the command's. */
  get isOver(): boolean {
    return this.#status !== null;
  }

  /** Whether the start mark was seen. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** What the end mark came with; null before it. */
  get status(): string | null {
    return this.#status;
  }

  /** @returns what of it, and of what was held back, is the command's own */
  pass(chunk: Buffer): Buffer {
    if (this.#status !== null) return nothing;
    let all = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = nothing;
    if (!this.#hasBegun) {
      const at = all.indexOf(this.#marks.start);
      if (at >= 0) {
        this.#hasBegun = true;
        all = all.subarray(at + this.#marks.start.length);
      }
    }
    const own = this.#untilEnd(all);
    if (this.#hasBegun) return own;
    if (this.#status !== null) return Buffer.from(own.toString("latin1").replace(spentMark, ""), "latin1");
    // Not begun: a shell that reads all of a command first, and found it broken, says so here and then ends it.
    this.#held = Buffer.concat([own, this.#held]);
    this.#held = this.#held.subarray(Math.max(0, this.#held.length - heldLimit));
    return nothing;
  }

  /** What was held back, when nothing more comes. */
  rest(): Buffer {
    const rest = this.#held;
    this.#held = nothing;
    return rest;
  }

  #untilEnd(all: Buffer): Buffer {
    const { end } = this.#marks;
    for (let from = 0; ; ) {
      const at = all.indexOf(end, from);
      if (at < 0) return this.#withoutPiece(all, Math.max(from, all.length - end.length + 1));
      const after = at + end.length;
      const line = all.subarray(after, after + statusLimit).indexOf(lineFeed);
      if (line >= 0) {
        this.#status = all.toString("latin1", after, after + line);
        return all.subarray(0, at);
      }
      if (all.length - after < statusLimit) return this.#hold(all, at);
      from = after;
    }
  }

  /** Holds back an end of it that may be a mark's begin. */
  #withoutPiece(all: Buffer, from: number): Buffer {
    const { end } = this.#marks;
    for (let at = all.indexOf(end[0] ?? 0, from); at >= 0; at = all.indexOf(end[0] ?? 0, at + 1)) {
      if (end.subarray(0, all.length - at).equals(all.subarray(at))) return this.#hold(all, at);
    }
    return all;
  }

  #hold(all: Buffer, at: number): Buffer {
    this.#held = Buffer.from(all.subarray(at));
    return all.subarray(0, at);
  }
}
