/** Output of servers on its way to a terminal. Loaded only where there is one. */
import type { Sink } from "../core/sink.ts";
import { TerminalFilter } from "./terminal-filter.ts";

export interface GuardedSink extends Sink {
  /** Writes what was held back; to be called when the output is over. */
  end(): Promise<void>;
}

/** @param isRaw whether everything is to pass: the command has a terminal of its own on the server, and this one is its screen */
export const guarded = (sink: Sink, isRaw: () => boolean): GuardedSink => {
  const filter = new TerminalFilter();
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (bytes.length > 0) await sink.write(bytes);
  };
  return {
    write: (chunk) => write(isRaw() ? chunk : filter.push(chunk)),
    end: () => write(filter.end()),
  };
};

interface Streams {
  stdout: Sink;
  stderr: Sink;
}

/** Both streams for a command's output, guarded where they are terminals. */
export const guardedStreams = async (
  { stdout, stderr }: Streams,
  isTerminal: (fd: 1 | 2) => Promise<boolean>,
  isRaw: () => boolean,
): Promise<Streams & { end(): Promise<void> }> => {
  const [out, err] = [
    (await isTerminal(1)) ? guarded(stdout, isRaw) : null,
    (await isTerminal(2)) ? guarded(stderr, isRaw) : null,
  ];
  return {
    stdout: out ?? stdout,
    stderr: err ?? stderr,
    end: async () => {
      await out?.end();
      await err?.end();
    },
  };
};
