/** A program in a real pseudo-terminal that is its controlling one: /dev/tty works, Ctrl-C is a signal. */
import { buildOnce } from "./binary.ts";
import { endBrokersAtCleanup, startedBy } from "./brokers.ts";
import { onCleanup } from "./cleanup.ts";
import { cleanEnv } from "./command.ts";
import { endProcesses, signal } from "./processes.ts";
import type { ProgramOptions } from "./program.ts";
import { tempDir } from "./temp.ts";
import { waitFor, within } from "./wait.ts";

export interface TerminalOptions extends ProgramOptions {
  columns?: number;
  rows?: number;
  /**
   * A shell script that runs in the terminal, with the program as `"$@"`: to redirect a stream of it while the
   * terminal stays, as in `echo data | "$@" >out`, or to look at the terminal afterwards. By default `exec "$@"`.
   */
  script?: string;
}

export interface TerminalSession {
  readonly pid: number;
  readonly home: string;
  /** Everything shown so far, as bytes read as UTF-8. */
  raw(): string;
  /** The same without escape sequences and carriage returns. It is what was written, not what a screen would hold. */
  text(): string;
  /** Types; `\r` is the return key, `\x03` Ctrl-C. */
  type(text: string): void;
  /** Resolves with the match once `text()` matches. Later calls look only at what came after that match. */
  waitFor(pattern: string | RegExp, timeout?: number): Promise<RegExpMatchArray>;
  resize(columns: number, rows: number): void;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit status, or the signal's name, when it ended and everything it showed was read. */
  exit(timeout?: number): Promise<number | string>;
  stop(): Promise<void>;
}

/** Starts the compiled binary in a terminal. */
export const startInTerminal = (args: readonly string[], options: TerminalOptions = {}): TerminalSession =>
  startProgramInTerminal([buildOnce(), ...args], options);

export const startProgramInTerminal = (argv: readonly string[], options: TerminalOptions = {}): TerminalSession => {
  const home = options.home ?? tempDir("home");
  endBrokersAtCleanup(home);
  const chunks: Uint8Array[] = [];
  const closed = Promise.withResolvers<void>();
  const child = Bun.spawn(["/bin/sh", "-c", options.script ?? 'exec "$@"', "sh", ...argv], {
    // Given in place, the terminal becomes the controlling one of a new session; a Bun.Terminal made before does not.
    terminal: {
      cols: options.columns ?? 80,
      rows: options.rows ?? 24,
      data: (_, chunk) => {
        chunks.push(Uint8Array.from(chunk));
      },
      exit: () => closed.resolve(),
    },
    env: { ...cleanEnv, TERM: "xterm-256color", HOME: home, ...options.env },
    cwd: options.cwd ?? home,
  });
  const { terminal } = child;
  if (terminal === undefined) throw new Error("Bun gave the program no terminal");
  const stop = onCleanup(
    async () => {
      await endProcesses([child.pid, ...startedBy(child.pid)]);
      await child.exited;
      terminal.close();
    },
    () => signal(child.pid, "SIGKILL"),
  );

  const raw = () => new TextDecoder().decode(Buffer.concat(chunks));
  const text = () => Bun.stripANSI(raw()).replaceAll("\r", "");
  const explain = (failure: unknown) =>
    new Error(`${failure instanceof Error ? failure.message : failure}; the terminal shows:\n${text()}`);
  let seen = 0;

  return {
    pid: child.pid,
    home,
    raw,
    text,
    type: (keys) => {
      terminal.write(keys);
    },
    waitFor: async (pattern, timeout = 10_000) => {
      const match = () => {
        const found = text()
          .slice(seen)
          .match(typeof pattern === "string" ? new RegExp(RegExp.escape(pattern)) : pattern);
        if (found === null) return null;
        seen += (found.index ?? 0) + found[0].length;
        return found;
      };
      try {
        return await waitFor(match, { what: `${pattern}`, timeout });
      } catch (failure) {
        throw explain(failure);
      }
    },
    resize: (columns, rows) => terminal.resize(columns, rows),
    signal: (name) => signal(child.pid, name),
    exit: async (timeout = options.timeout ?? 20_000) => {
      try {
        await within(Promise.all([child.exited, closed.promise]), { what: `${argv.join(" ")} to end`, timeout });
      } catch (failure) {
        throw explain(failure);
      } finally {
        await stop();
      }
      return child.exitCode ?? child.signalCode ?? -1;
    },
    stop,
  };
};
