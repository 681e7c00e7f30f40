/**
 * Outputs that the broker keeps in memory after, and while, their command runs, so that whoever made the call can read on where a result was cut.
 * Everybody reads only what they made themselves.
 */

export const outputStreams = ["stdout", "stderr"] as const;
export type OutputStreamName = (typeof outputStreams)[number];

/** The most bytes that one answer holds of one stream; results that are cut hold no more either. */
export const largestAnswerBytes = 4 * 1024 * 1024;

/** Which part of an output is wanted. */
export interface OutputRequest {
  id: string;
  stream: OutputStreamName;
  /** Where to begin; null begins with what is kept. At most one of the three is given. */
  offset: number | null;
  /** The first line wanted, counted from 1. */
  line: number | null;
  /** So many lines at the end. */
  tail: number | null;
  /** At most so many lines; null for as many as fit. */
  lines: number | null;
  /** At most so many bytes of the stream, or of matching lines. */
  length: number;
  /** A JavaScript regular expression: only lines that match, with as many lines around each as `context` says. */
  grep: string | null;
  context: number;
  encoding: "base64" | null;
}

/** A part of an output. Offsets count bytes, and lines from 1, from the begin of the stream, kept or not. */
export interface OutputPage {
  outputId: string;
  stream: OutputStreamName;
  /** `utf-8`: malformed sequences are U+FFFD. */
  encoding: "utf-8" | "base64";
  content: string;
  /** Whether it is no text, and the content only says so. */
  binary: boolean;
  /** Where this part begins. */
  offset: number;
  /** The line that this part begins in. */
  line: number;
  /** Where to read on; null when the command has ended and this was the end of its output. */
  nextOffset: number | null;
  /** Whether more is there now. */
  more: boolean;
  /** Of the whole stream so far. */
  bytes: number;
  lines: number;
  /** The first byte that is still kept. */
  keptFrom: number;
  /** Whether what was asked for begins earlier than this part: that is not kept any more, or, of a tail, was too long. */
  beginMissing: boolean;
  /** Lines that match, of those shown; null without `grep`. */
  matches: number | null;
  /** Whether its command still runs. */
  running: boolean;
}

/** Whether some of what was asked for is not kept any more; the rest of a tail that was too long is. */
export const isLost = ({
  beginMissing,
  offset,
  keptFrom,
}: Pick<OutputPage, "beginMissing" | "offset" | "keptFrom">): boolean => beginMissing && offset <= keptFrom;

/** The kept outputs, as one call sees them. */
export interface Outputs {
  /**
   * @throws SshMcpError NOT_FOUND for an output that is not kept, or is another caller's; INVALID_INPUT for a pattern that is none; TIMEOUT for
   *   one that takes too long
   */
  read(request: OutputRequest): Promise<OutputPage>;
  /**
   * The id of the caller's newest output on a session; null when none is kept.
   * @param ageMs how long ago the session was opened: an earlier one may have had its name
   */
  last(session: string, ageMs: number): string | null;
  /** Notes that the output of this call is from that session. */
  ranOn(session: string): void;
}
