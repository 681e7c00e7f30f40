/**
 * The answer to a plain `exec` as long as it is a plain one: output that is taken at once, and an exit status. Nearly every command's is; what
 * takes every other one costs more to load than such a command itself. With whatever is not plain, this hands over, and nothing of it is
 * lost: `fast-call.ts` goes on as if it had been there from the start.
 */
import { decodeJson, encodeCredit, encodeFrame, type Frame, firstFrame, frameType } from "../broker/wire/frame.ts";
import { protocolVersion } from "../broker/wire/protocol.ts";
import { quickFiles } from "../files/quick-files.ts";
import type { SentExec } from "./fast.ts";
import { watchSignals } from "./signals.ts";

/** A command that takes longer has time for the rest to be loaded; and somebody may begin to type into it. */
const patienceMs = 40;
/** More output than this is better written in larger pieces. */
const writtenLimit = 64 * 1024;

/**
 * @param sent what it has held back is handled first
 * @returns the exit status; null to hand over: what is to be handled again is in `held` then
 */
export const quickAnswer = (sent: SentExec): Promise<number | null> => new QuickAnswer(sent).status;

class QuickAnswer {
  readonly #sent: SentExec;
  readonly #status = Promise.withResolvers<number | null>();
  readonly #timer: ReturnType<typeof setTimeout>;
  /** What was understood, and whoever goes on has to know. */
  readonly #kept: Uint8Array[] = [];
  /** What came after that. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes of the outputs that were written, by stream. */
  readonly #written = { [frameType.stdout]: 0, [frameType.stderr]: 0 };
  #over = false;

  constructor(sent: SentExec) {
    this.#sent = sent;
    const { transport, held } = sent;
    this.#timer = setTimeout(() => this.#handOver(), patienceMs);
    this.#watchSignals();
    transport.onClose = () => {
      sent.closed = true;
      this.#handOver();
    };
    transport.onData = (bytes) => this.#receive(bytes);
    for (const bytes of held.splice(0)) transport.onData(bytes);
    if (sent.closed) this.#handOver();
  }

  get status(): Promise<number | null> {
    return this.#status.promise;
  }

  #receive(bytes: Uint8Array): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    try {
      for (let next = firstFrame(this.#rest); next !== null && !this.#over; next = firstFrame(this.#rest)) {
        const { frame, size } = next;
        if (!this.#understands(frame, size)) this.#handOver();
      }
    } catch {
      // Whoever goes on says what is wrong with it.
      this.#handOver();
    }
  }

  /** Takes a frame off the rest, if it is one of a plain answer. */
  #understands(frame: Frame, size: number): boolean {
    const { type, call, payload } = frame;
    if (type === frameType.control) return this.#understandsMessage(frame, size);
    if (call !== this.#sent.call) return false;
    if (type === frameType.credit) {
      if (!this.#sent.ended && !this.#hasNoInput()) return false;
      this.#keep(size);
      return true;
    }
    if (type !== frameType.stdout && type !== frameType.stderr) return false;
    const taken = this.#write(type, payload);
    this.#written[type] += taken;
    this.#rest = this.#rest.subarray(size);
    if (taken === payload.length) return true;
    this.#rest = Buffer.concat([encodeFrame(type, call, payload.subarray(taken)), this.#rest]);
    return false;
  }

  #understandsMessage({ call, payload }: Frame, size: number): boolean {
    const message = decodeJson(payload) as Record<string, unknown> | null;
    switch (message?.["kind"]) {
      case "welcome":
        if (message["protocol"] !== protocolVersion) return false;
        break;
      case "accepted":
        break;
      case "result": {
        const status = call === this.#sent.call ? plainStatus(message["value"]) : null;
        if (status !== null) this.#end(status);
        return status !== null;
      }
      default:
        return false;
    }
    this.#keep(size);
    return true;
  }

  #keep(size: number): void {
    this.#kept.push(this.#rest.subarray(0, size));
    this.#rest = this.#rest.subarray(size);
  }

  /** Whether there is nothing to send for now; an end is sent. */
  #hasNoInput(): boolean {
    const found = quickFiles().inputOf(0);
    if (found === "over") {
      this.#sent.ended = true;
      this.#sent.transport.write(encodeFrame(frameType.eof, this.#sent.call));
    }
    return found === "over" || found === "nothing yet";
  }

  /** @returns how many bytes were written */
  #write(type: typeof frameType.stdout | typeof frameType.stderr, payload: Uint8Array): number {
    const file = type === frameType.stdout ? 1 : 2;
    const { kindOf, writeNow } = quickFiles();
    const kind = kindOf(file);
    // A terminal wants more care.
    if (kind === null || kind === "other") return 0;
    return this.#written[type] + payload.length > writtenLimit ? 0 : writeNow(file, payload);
  }

  #watchSignals(): void {
    let first = (): void => this.#handOver();
    let again = (status: number): void => process.exit(status);
    const signals = watchSignals(
      () => first(),
      (status) => again(status),
    );
    this.#sent.watch = (onFirst, onAgain) => {
      [first, again] = [onFirst, onAgain];
      // Not before the other side knows whom it watches with.
      if (signals.status() !== null) queueMicrotask(onFirst);
      return signals;
    };
  }

  #end(status: number): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#status.resolve(status);
  }

  #handOver(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    const { transport, held, call } = this.#sent;
    held.push(...this.#kept, this.#rest);
    transport.onData = (bytes) => {
      held.push(bytes);
    };
    // The one who goes on gives back what it reads, and has not read this.
    for (const type of [frameType.stdout, frameType.stderr] as const) {
      if (this.#written[type] > 0) transport.write(encodeCredit(call, type, this.#written[type]));
    }
    this.#status.resolve(null);
  }
}

/** The status of a command that exited with one that can be told from our own; null for every other end, of which there is more to say. */
const plainStatus = (value: unknown): number | null => {
  if (typeof value !== "object" || value === null || !("outcome" in value) || !("exitCode" in value)) return null;
  const { outcome, exitCode } = value;
  if (outcome !== "exited" || typeof exitCode !== "number") return null;
  return Number.isInteger(exitCode) && exitCode >= 0 && exitCode < 255 ? exitCode : null;
};
