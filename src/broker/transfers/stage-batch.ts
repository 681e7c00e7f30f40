import type { CommandResult } from "../../core/command.ts";
import { SshMcpError } from "../../core/errors.ts";
import { pathBytes, pathText } from "../../core/files/path-text.ts";
import type { RemoteMachine } from "../../core/files/remote-files.ts";
import type { FileForm, SmallFile } from "../../core/files/transfer-side.ts";
import { nameOf } from "./below.ts";
import { Collected, ended } from "./program-output.ts";
import { Queue } from "./queue.ts";
import { leftWord, type Move, movedWord, movesName, movesProgram, stageProgram } from "./stage-program.ts";
import { encodeTar, type TarFile, tarEnd } from "./tar-writer.ts";

/** A file on its way into a stage; it is held until it has its final name, should it have to be sent another way. */
export interface StagedFile {
  file: SmallFile;
  form: FileForm;
  /** Permission bits, exactly. */
  mode: number;
  /** Absolute. */
  folder: string;
}

/** Bytes that are put into an archive in one piece. */
const pieceLength = 512 * 1024;

/** One archive to the server: files go into it until it is closed, and get their names then. */
export class StageBatch {
  readonly #machine: RemoteMachine;
  readonly #input = new Queue<Uint8Array>(4);
  readonly #said = new Collected(1024 * 1024);
  readonly #running: Promise<CommandResult>;
  readonly #folders = new Map<string, number>();
  readonly #moves: Move[] = [];
  readonly files: StagedFile[] = [];
  readonly keepsTimes: boolean;
  readonly begunAt = performance.now();
  bytes = 0;

  /** @param root absolute @param sweeps see `stageProgram` */
  constructor(machine: RemoteMachine, root: string, keepsTimes: boolean, sweeps: boolean) {
    this.#machine = machine;
    this.keepsTimes = keepsTimes;
    const id = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
    this.#running = machine.run({
      script: stageProgram(root, id, keepsTimes, sweeps),
      stdin: this.#input,
      stdout: this.#said,
      timeoutMs: null,
    });
    // A program that is over takes no more of its input.
    const over = new SshMcpError("REMOTE_IO", "the server's tar has ended");
    this.#running.then(
      () => this.#input.fail(over),
      (error: unknown) => this.#input.fail(error),
    );
  }

  async add(files: readonly StagedFile[]): Promise<void> {
    let piece: TarFile[] = [];
    let length = 0;
    for (const staged of files) {
      const { file, form, mode, folder } = staged;
      const path = `${this.#folderNumber(folder)}/${nameOf(file.path)}`;
      this.files.push(staged);
      this.#moves.push({ staged: path, folder });
      this.bytes += file.content.length;
      piece.push({ path, mode, mtime: form.mtime ?? 0, content: file.content });
      length += file.content.length + 1024;
      if (length < pieceLength) continue;
      await this.#send(encodeTar(piece));
      piece = [];
      length = 0;
    }
    if (piece.length > 0) await this.#send(encodeTar(piece));
  }

  /**
   * Closes it, and waits until its files have their names.
   * @returns those that did not get them
   * @throws SshMcpError when nobody knows
   */
  async close(): Promise<readonly StagedFile[]> {
    const program = pathBytes(movesProgram(this.#moves));
    await this.#send(encodeTar([{ path: movesName, mode: 0o600, mtime: 0, content: program }]));
    await this.#send(tarEnd());
    this.#input.end();
    let result: CommandResult;
    try {
      result = await this.#running;
    } catch (thrown) {
      // It was not run.
      if (thrown instanceof SshMcpError && thrown.code === "UNSUPPORTED") return this.files;
      throw thrown;
    }
    ended(this.#machine, result);
    const lines = this.#said.bytes();
    if (!this.#said.text().includes(movedWord)) return this.files;
    const left = new Set(
      linesOf(lines)
        .filter((line) => line.startsWith(`${leftWord}./`))
        .map((line) => line.slice(leftWord.length + 2)),
    );
    return this.files.filter((_, index) => left.has(this.#moves[index]?.staged ?? ""));
  }

  /** It is not to be finished: what came is removed there. */
  abandon(error: unknown): void {
    this.#input.fail(error);
    this.#running.catch(() => {});
  }

  /** A program that ended early has its reason, which `close` hears. */
  async #send(bytes: Uint8Array): Promise<void> {
    await this.#input.put(bytes).catch(() => {});
  }

  #folderNumber(folder: string): number {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const number = this.#folders.size;
    this.#folders.set(folder, number);
    return number;
  }
}

const linesOf = (bytes: Uint8Array): string[] => pathText(bytes).split("\n");
