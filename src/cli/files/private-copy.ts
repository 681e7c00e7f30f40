/** A copy of a remote file for an editor, that nobody else can read: in a directory of its own, under its own name, by which editors know what it is. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import type { Sink } from "../../core/sink.ts";

/** File systems end names at 255 bytes, and editors put something behind them. */
const longestName = 60;

export class PrivateCopy {
  readonly path: string;
  readonly #directory: string;

  private constructor(directory: string, name: string) {
    this.#directory = directory;
    this.path = join(directory, name);
  }

  /** @param remotePath where it comes from. @throws SshMcpError LOCAL_IO */
  static async make(remotePath: string): Promise<PrivateCopy> {
    try {
      // Mode 0700, whatever the umask.
      return new PrivateCopy(await mkdtemp(join(tmpdir(), "ssh-mcp-edit-")), nameFor(remotePath));
    } catch (thrown) {
      throw unusable("no copy can be made", tmpdir(), thrown);
    }
  }

  /** Takes the content, chunk by chunk. @throws SshMcpError LOCAL_IO */
  async filled<T>(fill: (sink: Sink) => Promise<T>): Promise<T> {
    const file = await open(this.path, "wx", 0o600).catch((thrown) => {
      throw unusable("a copy cannot be written", this.path, thrown);
    });
    try {
      return await fill({ write: (chunk) => writeAll(file, chunk, this.path) });
    } finally {
      await file.close();
    }
  }

  /** SHA-256 in hex of what it holds now; null when it is not there. @throws SshMcpError LOCAL_IO */
  async sha256(): Promise<string | null> {
    const hash = createHash("sha256");
    try {
      for await (const chunk of this.content()) hash.update(chunk);
    } catch (thrown) {
      if (errorCode(thrown) === "ENOENT") return null;
      throw unusable("the copy cannot be read", this.path, thrown);
    }
    return hash.digest("hex");
  }

  async *content(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of createReadStream(this.path)) yield chunk;
  }

  /** Takes the file away, and leaves its name to be made. */
  async emptied(): Promise<void> {
    await rm(this.path, { force: true });
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

const writeAll = async (file: FileHandle, chunk: Uint8Array, path: string): Promise<void> => {
  try {
    for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
  } catch (thrown) {
    throw unusable("a copy cannot be written", path, thrown);
  }
};

/** With what would do something to a terminal, or is no character at all, replaced. */
const nameFor = (remotePath: string): string => {
  const name = remotePath.replace(/\/+$/, "").split("/").at(-1) ?? "";
  const plain = [...name].map((character) => (escapeLine(character) === character ? character : "_")).join("");
  const short = [...plain].slice(-longestName).join("");
  return short === "" || short === "." || short === ".." ? "file" : short;
};

const unusable = (what: string, path: string, cause: unknown): SshMcpError =>
  cause instanceof SshMcpError
    ? cause
    : new SshMcpError("LOCAL_IO", `${what}: ${escapeLine(path)} (${errorCode(cause)})`, { cause });
