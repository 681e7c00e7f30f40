/** This very program, started as a person's shell or an editor would. */
import { SshMcpError } from "../core/errors.ts";
import { selfCommand } from "../files/self.ts";
import type { DemoPlace } from "./place.ts";

/** For one command: many times what the slowest machine needs. */
const limitMs = 20_000;

export interface Ran {
  /** The exit status; null when a signal ended it. */
  status: number | null;
  stdout: string;
  stderr: string;
}

export class Program {
  readonly #place: DemoPlace;
  readonly #self: readonly string[];
  readonly #signal: AbortSignal;

  /**
   * @param signal ends what runs
   * @param self what starts the program, as words
   */
  constructor(place: DemoPlace, signal: AbortSignal, self: readonly string[] = selfCommand()) {
    this.#place = place;
    this.#signal = signal;
    this.#self = self;
  }

  /** Starts a command, with pipes for its three streams; it is ended by the signal, or by whoever started it. */
  start(words: readonly string[]) {
    this.#signal.throwIfAborted();
    return Bun.spawn([...this.#self, ...words], {
      cwd: this.#place.home,
      env: { ...this.#place.environment },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      // No terminal, so that nothing waits for an answer at it, and a Ctrl-C there is for the demo alone.
      detached: true,
      signal: this.#signal,
      killSignal: "SIGKILL",
    });
  }

  /**
   * Runs a command to its end.
   * @throws SshMcpError TIMEOUT; the signal's reason
   */
  async run(words: readonly string[]): Promise<Ran> {
    const child = this.start(words);
    await child.stdin.end();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, limitMs);
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    clearTimeout(timer);
    this.#signal.throwIfAborted();
    if (isLate) throw new SshMcpError("TIMEOUT", `\`ssh-mcp ${words[0]}\` did not end within ${limitMs / 1000} s`);
    return { status: child.exitCode, stdout, stderr };
  }
}
