/**
 * Lines that match a pattern of somebody else: on a thread of its own with a deadline, because a pattern can take as long as it likes.
 * JavaScriptCore gives up a single match after about a second by itself, so that a thread ends soon after it is told to.
 */
import { SshMcpError } from "../../core/errors.ts";
import { canceled } from "./search-turns.ts";

export interface SearchQuestion {
  /** Lines, in pieces that may be cut anywhere. */
  pieces: Uint8Array<ArrayBuffer>[];
  pattern: string;
  /** Lines to show around each that matches. */
  context: number;
  /** Bytes of answer, about. */
  length: number;
  /** At most so many matching lines; null for any number. */
  lines: number | null;
  /** The number of the first line. */
  firstLine: number;
}

export interface SearchAnswer {
  /** As grep(1) with -n prints them: `12:matches`, `11-is around`, and `--` between groups. */
  text: string;
  matches: number;
  /** The line to go on with when there was no room for all; else null. */
  nextLine: number | null;
}

/** What the thread says: an answer, why the pattern is none, or the line that the engine gave up on. */
export type SearchReply = { answer: SearchAnswer } | { wrong: string } | { gaveUpOn: number };

const deadlineMs = 5000;

/** See key-derivation.ts. */
const worker = import.meta.dir.startsWith("/$bunfs/")
  ? new URL("./src/broker/outputs/search-worker.js", import.meta.url)
  : new URL("./search-worker.ts", import.meta.url);

/**
 * @param question its bytes are handed over
 * @throws SshMcpError INVALID_INPUT for a pattern that is none; TIMEOUT; CANCELED when `signal` aborts
 */
export const search = async (question: SearchQuestion, signal: AbortSignal): Promise<SearchAnswer> => {
  if (signal.aborted) throw canceled();
  const { promise, resolve, reject } = Promise.withResolvers<SearchReply>();
  const thread = new Worker(worker);
  const cancel = (): void => reject(canceled());
  const timer = setTimeout(() => reject(tooLong()), deadlineMs);
  signal.addEventListener("abort", cancel, { once: true });
  thread.onmessage = ({ data }: MessageEvent<SearchReply>) => resolve(data);
  thread.onerror = ({ message }) => reject(new SshMcpError("INTERNAL", `the output could not be searched: ${message}`));
  try {
    thread.postMessage(
      question,
      question.pieces.map(({ buffer }) => buffer),
    );
    const reply = await promise;
    if ("answer" in reply) return reply.answer;
    if ("gaveUpOn" in reply) throw tooSlow(`line ${reply.gaveUpOn} alone was too much`);
    throw new SshMcpError("INVALID_INPUT", `grep takes a JavaScript regular expression: ${reply.wrong}`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
    thread.terminate();
  }
};

const tooLong = (): SshMcpError => tooSlow(`the search took more than ${deadlineMs / 1000} s`);

const tooSlow = (what: string): SshMcpError =>
  new SshMcpError("TIMEOUT", `the pattern is too slow, ${what}: a simpler one is faster`, { retryable: false });
