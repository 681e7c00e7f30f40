/** ProxyCommand of ssh_config(5): a command of the person's own whose standard input and output lead to the server. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { signalGroup } from "../../files/process-group.ts";
import { within } from "./within.ts";

export interface ProxyCommand {
  /** What is run, see `shellWords`. */
  words: readonly string[];
  /** All of it. */
  environment: Readonly<Record<string, string>>;
  cwd: string;
  /** Takes each line that it writes to its standard error: ssh(1) leaves them on the terminal. */
  onLine: (line: string) => void;
}

/** How long the process group has after each signal, in milliseconds. */
const ladder = [
  ["SIGHUP", 300],
  ["SIGTERM", 300],
  ["SIGKILL", 300],
] as const;
/** How long its status and its last words are waited for when its output has ended. */
const lastWordsMs = 500;
/** Characters of a line of its standard error that are kept. */
const longestLine = 1024;

/**
 * Starts it in a process group of its own. Its end ends the stream, with its status and its last line in the error; the end of the stream ends
 * the whole group, and is reported when that has gone.
 * @param where the server, for messages
 */
export const startProxyCommand = (command: ProxyCommand, where: string): Duplex => {
  const [program = "", ...words] = command.words;
  const { environment: env, cwd } = command;
  const child = spawn(program, words, { env, cwd, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  return new ProxyStream(child, command, where);
};

class ProxyStream extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #where: string;
  readonly #exited = Promise.withResolvers<void>();
  readonly #silent = Promise.withResolvers<void>();
  /** What became of it, for a sentence; null while it runs. */
  #end: string | null = null;
  #hasAnswered = false;

  constructor(child: ChildProcessWithoutNullStreams, { onLine }: ProxyCommand, where: string) {
    super({ allowHalfOpen: false });
    this.#child = child;
    this.#where = where;
    // One that is given up before anybody listens is no reason for the process to end.
    this.on("error", () => undefined);
    child.on("error", (error) => this.#note(`could not be started (${errorCode(error)})`));
    child.on("exit", (status, signal) =>
      this.#note(signal === null ? `ended with status ${status}` : `was ended by ${signal}`),
    );
    child.stdout.on("data", (chunk: Buffer) => {
      this.#hasAnswered = true;
      if (!this.push(chunk)) child.stdout.pause();
    });
    child.stdout.on("end", () => void this.#fail());
    child.stdout.on("error", () => void this.#fail());
    // What it does not read any more is explained by how it ends.
    child.stdin.on("error", () => undefined);
    this.#readLines(onLine);
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#child.stdin.destroy();
    this.#child.stdout.destroy();
    void this.#endGroup().then(() => {
      this.#child.stderr.destroy();
      done(error);
    });
  }

  #note(end: string): void {
    this.#end ??= end;
    this.#exited.resolve();
    // It may never have had an output that could end.
    void this.#fail();
  }

  async #fail(): Promise<void> {
    if (this.destroyed) return;
    await within(Promise.all([this.#exited.promise, this.#silent.promise]), lastWordsMs, null);
    // Not what it said: that is for the person whose command it is, and an error reaches whoever waits for the login.
    const message = `ProxyCommand for ${this.#where} ${this.#end ?? "ended its output"}`;
    this.destroy(new SshMcpError(this.#hasAnswered ? "CONNECTION_LOST" : "UNREACHABLE", message));
  }

  #readLines(onLine: (line: string) => void): void {
    const { stderr } = this.#child;
    let rest = "";
    const take = (line: string): void => {
      const text = line.replace(/\r$/, "").slice(0, longestLine);
      if (text === "") return;
      onLine(text);
    };
    stderr.setEncoding("utf8");
    stderr.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = (lines.pop() ?? "").slice(0, longestLine);
      for (const line of lines) take(line);
    });
    const over = (): void => {
      take(rest);
      rest = "";
      this.#silent.resolve();
    };
    stderr.on("end", over);
    stderr.on("error", over);
  }

  /** Asks the whole group to end, and then makes it. */
  async #endGroup(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined) return;
    for (const [signal, patienceMs] of ladder) {
      if (!signalGroup(pid, signal)) return;
      for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 10) {
        await Bun.sleep(10);
        if (!signalGroup(pid, 0)) return;
      }
    }
  }
}
