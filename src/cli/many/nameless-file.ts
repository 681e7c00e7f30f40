/** Files for output that waits to be shown: nobody else can open them, and they are gone with this process, however that ends. */
import { constants, mkdtempSync, rmdirSync, unlinkSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";

const pieceSize = 64 * 1024;

export class NamelessFile {
  readonly #handle: FileHandle;
  #size = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** @throws SshMcpError LOCAL_IO */
  static async make(): Promise<NamelessFile> {
    return new NamelessFile(await local(withoutName));
  }

  /** Room for so many bytes at its end, which nobody else writes to. */
  reserve(bytes: number): number {
    const start = this.#size;
    this.#size += bytes;
    return start;
  }

  /** @throws SshMcpError LOCAL_IO */
  async writeAt(start: number, chunk: Uint8Array): Promise<void> {
    await local(async () => {
      for (let done = 0; done < chunk.length; ) {
        done += (await this.#handle.write(chunk, done, chunk.length - done, start + done)).bytesWritten;
      }
    });
  }

  /** @throws SshMcpError LOCAL_IO */
  async *read(start: number, length: number): AsyncGenerator<Uint8Array> {
    const end = start + length;
    for (let at = start; at < end; ) {
      const size = Math.min(pieceSize, end - at);
      const { bytesRead, buffer } = await local(() => this.#handle.read(new Uint8Array(size), 0, size, at));
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

const local = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    throw new SshMcpError("LOCAL_IO", `the output cannot be put aside in ${tmpdir()} (${errorCode(cause)})`, {
      hint: "TMPDIR=/var/tmp ssh-mcp exec …",
      cause,
    });
  }
};

const withoutName = async (): Promise<FileHandle> => {
  const folder = mkdtempSync(join(tmpdir(), "ssh-mcp-"));
  const path = join(folder, "output");
  try {
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const file = await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    unlinkSync(path);
    return file;
  } finally {
    rmdirSync(folder);
  }
};
