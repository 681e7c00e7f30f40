/**
 * Standard input, read only as far as somebody asks for more. `process.stdin` is never touched: it costs 8 ms at the start, and
 * reads whether anybody asks or not.
 */
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import { quickFiles } from "../files/quick-files.ts";

const chunkSize = 64 * 1024;

export class Input implements AsyncIterable<Uint8Array> {
  readonly #fd: number;
  #reader: Reader | null = null;
  #pause: PromiseWithResolvers<void> | null = null;
  #over = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** While a person answers a question at the terminal, their keys are for the question and not for the command. */
  async pause(): Promise<void> {
    const { isatty } = await import("node:tty");
    if (!isatty(this.#fd)) return;
    this.#pause ??= Promise.withResolvers();
    await this.#letGo();
  }

  resume(): void {
    this.#pause?.resolve();
    this.#pause = null;
  }

  /** @throws SshMcpError LOCAL_IO when it cannot be read, as a directory */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const chunks = this.#chunks();
    return {
      next: () => chunks.next(),
      // A generator would wait for the read that is under way, and nobody may ever type again.
      return: async () => {
        this.#over = true;
        this.resume();
        await this.#letGo();
        return { done: true, value: undefined };
      },
    };
  }

  async *#chunks(): AsyncGenerator<Uint8Array, undefined> {
    const kind = quickFiles().kindOf(this.#fd);
    // A descriptor that was closed before the start holds nothing.
    if (kind === null || kind === "null") return;
    try {
      yield* kind === "file" ? this.#file() : this.#stream();
    } catch (cause) {
      const code = errorCode(cause);
      throw new SshMcpError("LOCAL_IO", `standard input cannot be read (${code})`, { cause });
    }
  }

  /** From where the descriptor stands: whoever shares it may have read a part, as `read` does in a shell's loop. */
  async *#file(): AsyncGenerator<Uint8Array> {
    while (!this.#over) {
      const chunk = new Uint8Array(chunkSize);
      const length = await readFrom(this.#fd, chunk);
      if (length === 0) return;
      yield chunk.subarray(0, length);
    }
  }

  async *#stream(): AsyncGenerator<Uint8Array> {
    while (!this.#over) {
      await this.#pause?.promise;
      const reader = this.#reader ?? open(this.#fd);
      this.#reader = reader;
      const { done, value } = await reader.read();
      // A reader that was let go of ends without a value; what follows is read by another one.
      if (done && reader === this.#reader) return;
      if (value !== undefined) yield value;
    }
  }

  async #letGo(): Promise<void> {
    const reader = this.#reader;
    this.#reader = null;
    await reader?.cancel();
  }
}

/** It reads ahead a few chunks of at most 512 KiB. Letting go of it leaves the descriptor open. */
const open = (fd: number) => Bun.file(fd).stream().getReader();

type Reader = ReturnType<typeof open>;

const readFrom = async (fd: number, chunk: Uint8Array): Promise<number> => {
  const { read } = await import("node:fs");
  return await new Promise((resolve, reject) => {
    read(fd, chunk, 0, chunk.length, null, (failure, length) => (failure === null ? resolve(length) : reject(failure)));
  });
};
