import { SshMcpError } from "../../core/errors.ts";
import type { FileFacts } from "../../core/files/file-facts.ts";
import type { OpenRemoteFile } from "../../core/files/remote-files.ts";
import { CutShort, readRange } from "./read-range.ts";
import { dropHandle, fileSystemOfHandle, type Handle, type PathBytes, statHandle } from "./requests.ts";
import { isSame } from "./second-look.ts";
import type { SftpClient } from "./sftp-client.ts";
import { isVague, namedPath, sftpFailure } from "./sftp-failure.ts";

export interface OpenFileOptions {
  client: SftpClient;
  handle: Handle;
  path: string;
  sent: PathBytes;
  where: string;
}

/** A file that is open for reading. */
export class OpenSftpFile implements OpenRemoteFile {
  readonly #options: OpenFileOptions;
  readonly #action: string;
  #facts: Promise<FileFacts> | null = null;
  #isClosed = false;

  constructor(options: OpenFileOptions) {
    this.#options = options;
    this.#action = `cannot read ${namedPath(options.path)} on ${options.where}`;
  }

  async facts(): Promise<FileFacts> {
    try {
      return await this.#askFacts();
    } catch (thrown) {
      throw sftpFailure(this.#action, thrown);
    }
  }

  async *read(offset: number, length: number | null): AsyncGenerator<Uint8Array> {
    if (this.#isClosed) throw new SshMcpError("INTERNAL", `${this.#action}: it was closed`);
    const { client, handle } = this.#options;
    const facts = this.#facts ?? this.#askFacts();
    const isPseudo = (known: FileFacts): Promise<boolean> => this.#isPseudo(known);
    try {
      yield* readRange({ client, handle, facts, isPseudo, isClosed: () => this.#isClosed }, offset, length);
    } catch (thrown) {
      if (thrown instanceof CutShort) throw new SshMcpError("REMOTE_IO", `${this.#action}: ${thrown.message}`);
      // A directory opens like a file, and gives nothing.
      const isDirectory = isVague(thrown) && (await facts.catch(() => null))?.type === "directory";
      throw sftpFailure(this.#action, thrown, isDirectory ? { code: "REMOTE_IO", words: "it is a directory" } : null);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    dropHandle(this.#options.client, this.#options.handle);
  }

  #askFacts(): Promise<FileFacts> {
    // A server gives the handle of a closed file to the next one.
    if (this.#isClosed) return Promise.reject(new SshMcpError("INTERNAL", "the file was closed"));
    const facts = statHandle(this.#options.client, this.#options.handle);
    facts.catch(() => undefined);
    this.#facts = facts;
    return facts;
  }

  /** /sys says a page for every file, and gives a line: such file systems have no blocks. */
  async #isPseudo(known: FileFacts): Promise<boolean> {
    const { client, handle, sent } = this.#options;
    if (this.#isClosed) return false;
    const [now, system] = await Promise.all([statHandle(client, handle), fileSystemOfHandle(client, handle)]);
    if (!isSame(now, known)) return false;
    return system === null ? /^\/(proc|sys)\//.test(Buffer.from(sent).toString("latin1")) : system.blocks === 0n;
  }
}
