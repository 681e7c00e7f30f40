/**
 * Standard output and standard error as sinks. `process.stdout` is never touched: it costs 8 ms at the start, and what it holds
 * back is lost when the process exits. A write here resolves when the kernel has taken every byte.
 */
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import type { Sink } from "../core/sink.ts";
import { quickFiles } from "../files/quick-files.ts";

/** Nobody reads the output any more, as after `| head -1`: the end of the work, and no news to anybody. */
export class BrokenPipe extends Error {
  override readonly name = "BrokenPipe";
}

export class Output implements Sink {
  readonly #fd: number;
  readonly #name: string;
  #writer: Bun.FileSink | null = null;
  #last: Promise<void> = Promise.resolve();

  /** @param name what to call it in an error */
  constructor(fd: number, name: string) {
    this.#fd = fd;
    this.#name = name;
  }

  /**
   * Writes that overlap are written one after the other. A slow reader is waited for without blocking the process.
   * @throws BrokenPipe, SshMcpError LOCAL_IO (a full disk, a terminal that is gone)
   */
  write(chunk: Uint8Array): Promise<void> {
    const written = this.#last.then(() => this.#write(chunk));
    this.#last = written.catch(() => undefined);
    return written;
  }

  async #write(chunk: Uint8Array): Promise<void> {
    try {
      this.#writer ??= Bun.file(ownDescription(this.#fd)).writer();
      await this.#writer.write(chunk);
      await this.#writer.flush();
    } catch (cause) {
      const code = errorCode(cause);
      if (code === "EPIPE") throw new BrokenPipe("nobody reads the output", { cause });
      throw new SshMcpError("LOCAL_IO", `${this.#name} cannot be written (${code})`, { cause });
    }
  }
}

/**
 * Waiting without blocking needs O_NONBLOCK, which belongs to the open file and not to the descriptor: on a pipe that is shared
 * with other programs, as in `(ssh-mcp …; cat big) | slow`, they would fail with EAGAIN. So a pipe is opened once more.
 */
const ownDescription = (fd: number): number => {
  const { kindOf, open } = quickFiles();
  if (kindOf(fd) !== "pipe") return fd;
  // No /proc (macOS), a pipe of another user, or nobody who reads: the shared one has to do, and says which by its write.
  return open(`/proc/self/fd/${fd}`, "write without waiting") ?? fd;
};
