/**
 * The warm path: a plain `exec TARGET words…` over a broker that is there. Most of the time of such a command is the start of its process, so
 * this loads what it takes to send the request and no more; what takes a plain answer is loaded while the broker is at work, and what takes
 * every other one only when it comes. It ends like the same words over the full command line.
 */
import { encodeFrame, frameType } from "../broker/wire/frame.ts";
import { encodeHello, encodeRequest } from "../broker/wire/opening.ts";
import type { Transport } from "../broker/wire/protocol.ts";
import { connectSocket } from "../broker/wire/socket-transport.ts";
import type { Caller } from "../core/operation.ts";
import { placeOf } from "../core/place.ts";
import { quickFiles } from "../files/quick-files.ts";
import { type QuickLook, quickLook } from "../files/quick-look.ts";
import { type Asker, askerFor } from "./asking.ts";
import { type PlainExec, plainExec } from "./plain-exec.ts";
import type { watchSignals } from "./signals.ts";

/** A request on its way, and what came back so far. */
export interface SentExec extends PlainExec {
  transport: Transport;
  call: number;
  caller: Caller;
  /** Who can be asked, as the request says; null for nobody. */
  asker: Asker | null;
  held: Uint8Array[];
  /** Whether the end of standard input was sent. */
  ended: boolean;
  /** Hands on the signals that are watched for since the request left; null when nobody does. */
  watch: typeof watchSignals | null;
  /** Whether the broker has closed the connection. */
  closed: boolean;
}

/**
 * @param words what follows the program's name
 * @returns the exit status; null when nothing was done, for the full command line to do it: other words, no broker, or one that went
 *   before it accepted
 */
export const runFast = async (words: readonly string[]): Promise<number | null> => {
  const plain = plainExec(words);
  const look = plain === null ? null : quickLook(process.env);
  if (plain === null || look === null) return null;
  let transport: Transport;
  try {
    transport = await connectSocket(look.socket);
  } catch {
    // The full command line meets the same, and knows what to do.
    return null;
  }
  const sent = send(plain, transport, look);
  // The request leaves first.
  await Promise.resolve();
  const { quickAnswer } = await import("./quick-answer.ts");
  const status = await quickAnswer(sent);
  if (status !== null) return status;
  const { followUp } = await import("./fast-call.ts");
  return await followUp(sent);
};

const send = ({ target, command }: PlainExec, transport: Transport, { place }: QuickLook): SentExec => {
  const caller: Caller = { face: "cli", client: "cli", ...placeOf(process) };
  const asker = askerFor(false, process.env, hasTerminal);
  const asks = asker !== null;
  const sent: SentExec = {
    target,
    command,
    transport,
    call: 1,
    caller,
    asker,
    held: [],
    ended: false,
    watch: null,
    closed: false,
  };
  transport.onData = (bytes) => {
    sent.held.push(bytes);
  };
  transport.onClose = () => {
    sent.closed = true;
  };
  transport.write(encodeHello({ place, stop: false }));
  const input = { target, command };
  transport.write(encodeRequest(sent.call, { operation: "exec", input, caller, capture: null, progress: false, asks }));
  const stdin = quickFiles().kindOf(0);
  if (stdin === null || stdin === "null") {
    sent.ended = true;
    transport.write(encodeFrame(frameType.eof, sent.call));
  }
  return sent;
};

const hasTerminal = (): boolean => {
  const file = quickFiles().open("/dev/tty", "read and write");
  if (file !== null) quickFiles().close(file);
  return file !== null;
};
