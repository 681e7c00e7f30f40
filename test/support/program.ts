/** A program under test as a process of its own: fed, read, signalled, and ended whatever happens. */
import { endBrokersAtCleanup, startedBy } from "./brokers.ts";
import { onCleanup } from "./cleanup.ts";
import { cleanEnv } from "./command.ts";
import { endProcesses, signal } from "./processes.ts";
import { tempDir } from "./temp.ts";
import { waitFor, within } from "./wait.ts";

export interface ProgramOptions {
  /** Added to the clean environment; HOME is `home`. */
  env?: Readonly<Record<string, string>>;
  /** A fresh directory by default. */
  home?: string;
  /** HOME by default. */
  cwd?: string;
  /** Milliseconds that `exit` waits until it kills the program and fails; 20 s by default. */
  timeout?: number;
}

export interface ProgramOutcome {
  /** Exit status, or null when a signal ended it. */
  status: number | null;
  signal: NodeJS.Signals | number | null;
  stdout: string;
  stderr: string;
  stdoutBytes: Uint8Array;
  stderrBytes: Uint8Array;
}

export interface RunningProgram {
  readonly pid: number;
  readonly home: string;
  stdout(): string;
  stderr(): string;
  /** Resolves when the pipe took it, or when nobody reads any more. */
  write(data: string | Uint8Array): Promise<void>;
  /** Ends its standard input. */
  end(): Promise<void>;
  /** Resolves with the match once the stream's text so far matches. @throws Error showing both streams */
  waitForStdout(pattern: string | RegExp, timeout?: number): Promise<RegExpMatchArray>;
  waitForStderr(pattern: string | RegExp, timeout?: number): Promise<RegExpMatchArray>;
  /** Sends a signal to the process alone, or to its whole group as Ctrl-C in a terminal does. */
  signal(name: NodeJS.Signals, to?: "process" | "group"): void;
  /** Resolves when it ended and its output was read to the end. @throws Error after the timeout; it is killed then */
  exit(timeout?: number): Promise<ProgramOutcome>;
  /** Kills it and what it started, whatever state it is in. A broker stays until cleanup. */
  stop(): Promise<void>;
}

/** Starts a program with its own HOME in a plain environment; it leads its own process group. */
export const startProgram = (argv: readonly string[], options: ProgramOptions = {}): RunningProgram => {
  const home = options.home ?? tempDir("home");
  endBrokersAtCleanup(home);
  const child = Bun.spawn([...argv], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    // A group and a terminal session of its own: nothing of the developer's terminal can be asked or signalled.
    detached: true,
    env: { ...cleanEnv, HOME: home, ...options.env },
    cwd: options.cwd ?? home,
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const stop = onCleanup(
    async () => {
      await endProcesses([child.pid, ...startedBy(child.pid)]);
      await child.exited;
    },
    () => signal(-child.pid, "SIGKILL"),
  );
  const show = () => `stdout:\n${stdout.text()}\nstderr:\n${stderr.text()}`;
  const waitForText = async (source: Collected, pattern: string | RegExp, timeout = 10_000) => {
    const match = () => source.text().match(typeof pattern === "string" ? new RegExp(RegExp.escape(pattern)) : pattern);
    // What it wrote last is looked at even when it has ended.
    const over = () => (child.exitCode ?? child.signalCode) !== null && source.done();
    try {
      await waitFor(() => match() !== null || over(), { what: `${pattern}`, timeout });
    } catch (failure) {
      throw new Error(`${failure instanceof Error ? failure.message : failure}; ${show()}`);
    }
    const found = match();
    if (found === null) throw new Error(`${argv.join(" ")} ended without ${pattern}; ${show()}`);
    return found;
  };

  return {
    pid: child.pid,
    home,
    stdout: stdout.text,
    stderr: stderr.text,
    write: (data) =>
      unlessClosed(async () => {
        await child.stdin.write(data);
        await child.stdin.flush();
      }),
    end: () => unlessClosed(async () => child.stdin.end()),
    waitForStdout: (pattern, timeout) => waitForText(stdout, pattern, timeout),
    waitForStderr: (pattern, timeout) => waitForText(stderr, pattern, timeout),
    signal: (name, to = "process") => signal(to === "group" ? -child.pid : child.pid, name),
    exit: async (timeout = options.timeout ?? 20_000) => {
      try {
        const finished = Promise.all([child.exited, stdout.finished, stderr.finished]);
        await within(finished, { what: `${argv.join(" ")} to end`, timeout });
      } catch (failure) {
        throw new Error(`${failure instanceof Error ? failure.message : failure}; ${show()}`);
      } finally {
        await stop();
      }
      return {
        status: child.exitCode,
        signal: child.signalCode,
        stdout: stdout.text(),
        stderr: stderr.text(),
        stdoutBytes: stdout.bytes(),
        stderrBytes: stderr.bytes(),
      };
    },
    stop,
  };
};

/** A program may end, or close its input, before it has read everything: that is for its outcome to say. */
const unlessClosed = async (write: () => Promise<unknown>): Promise<void> => {
  try {
    await write();
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code !== "EPIPE") throw failure;
  }
};

interface Collected {
  text(): string;
  bytes(): Uint8Array;
  done(): boolean;
  finished: Promise<void>;
}

const collect = (stream: ReadableStream<Uint8Array>): Collected => {
  const chunks: Uint8Array[] = [];
  let done = false;
  const read = async () => {
    for await (const chunk of stream) chunks.push(chunk);
    done = true;
  };
  const bytes = () => new Uint8Array(Buffer.concat(chunks));
  return { bytes, text: () => new TextDecoder().decode(bytes()), done: () => done, finished: read() };
};
