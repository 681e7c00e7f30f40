/** This machine as one side of a transfer, seen from the broker: each method is one exchange with the caller's process, whose files they are. */
import type { FileHandle } from "node:fs/promises";
import { SshMcpError } from "../../core/errors.ts";
import type { FileChanges, FileFacts } from "../../core/files/file-facts.ts";
import { decodeEntry, decodeFile, encodeFiles, encodePaths, recordsOf } from "../../core/files/file-records.ts";
import type { FileForm, Refusal, SmallFile, TransferSide, TreeEntry } from "../../core/files/transfer-side.ts";
import { Slice } from "../../files/local/turns.ts";
import { parseCount, parseFacts, parseText, type SideEvent, type SideRequest } from "../wire/side-requests.ts";
import { type Access, openHanded } from "./open-handed.ts";
import { readHanded } from "./read-handed.ts";
import type { SideExchange } from "./side-exchange.ts";
import { writeHanded } from "./write-handed.ts";

type Asking = (request: SideRequest, onEvent: (event: SideEvent) => void) => SideExchange;

export class CallerSide implements TransferSide {
  readonly server = null;
  readonly #ask: Asking;
  readonly #peer: number | null;

  /** @param peer the process that is asked; null when nobody knows it, and all bytes come from it as frames */
  constructor(ask: Asking, peer: number | null = null) {
    this.#ask = ask;
    this.#peer = peer;
  }

  async look(path: string): Promise<FileFacts | null> {
    return parseFacts(await this.#answer({ method: "look", path }));
  }

  async *walk(root: string, onRefused: (refusal: Refusal) => void): AsyncGenerator<readonly TreeEntry[], undefined> {
    const exchange = this.#ask({ method: "walk", root }, refusals(onRefused));
    const slice = new Slice();
    for await (const records of recordsOf(exchange.data())) {
      for (let at = 0; at < records.length; at += decodedAtOnce) {
        yield records.slice(at, at + decodedAtOnce).map(decodeEntry);
        if (slice.isOver) await slice.next();
      }
    }
  }

  /** The caller's shell has seen to it. */
  async glob(pattern: string): Promise<readonly string[]> {
    return [pattern];
  }

  async *read(path: string, from: number): AsyncGenerator<Uint8Array, undefined> {
    const exchange = this.#ask({ method: "read", path, from, hands: this.#peer !== null }, ignore);
    try {
      const file = await this.#taken(exchange, "read");
      if (file === null) yield* exchange.data();
      else yield* readHanded(file, from, exchange);
    } finally {
      exchange.close();
    }
  }

  async write(
    root: string,
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    from: number,
    form: FileForm,
  ): Promise<void> {
    const hands = this.#peer !== null;
    await this.#send({ method: "write", root, path, from, form, hands }, bytes, ignore, async (exchange) => {
      const file = hands ? await this.#taken(exchange, "write") : null;
      return await (file === null ? exchange.pump(bytes) : writeHanded(file, bytes, from, exchange));
    });
  }

  async part(root: string, path: string): Promise<number | null> {
    return parseCount(await this.#answer({ method: "part", root, path }));
  }

  async hash(path: string, length: number | null, ofPart: boolean): Promise<string | null> {
    return parseText(await this.#answer({ method: "hash", path, length, ofPart }));
  }

  async *readMany(
    root: string,
    paths: AsyncIterable<readonly string[]>,
    onFailed: (failure: Refusal) => void,
  ): AsyncGenerator<readonly SmallFile[], undefined> {
    const exchange = this.#ask({ method: "readMany", root }, refusals(onFailed));
    const pumped = exchange.pump(encoded(paths, encodePaths));
    let failure: Awaited<typeof pumped> = null;
    const own = pumped.then((result) => {
      failure = result;
    });
    try {
      for await (const records of recordsOf(exchange.data())) yield records.map(decodeFile);
    } catch (thrown) {
      if (failure === null) throw thrown;
    }
    // The paths are all said, or the exchange is over.
    await own;
    rethrow(failure);
  }

  async writeMany(
    root: string,
    files: AsyncIterable<readonly SmallFile[]>,
    form: (file: SmallFile) => FileForm,
    onFailed: (failure: Refusal) => void,
    onWritten: (files: number, bytes: number) => void,
  ): Promise<void> {
    const onEvent = (event: SideEvent): void => {
      if ("refused" in event) onFailed(event.refused);
      else if ("files" in event) onWritten(event.files, event.bytes);
    };
    const encode = (some: readonly SmallFile[]): Uint8Array => encodeFiles(some, form);
    await this.#send({ method: "writeMany", root }, encoded(files, encode), onEvent);
  }

  async makeDirectory(root: string, path: string, mode: number | null): Promise<void> {
    await this.#answer({ method: "makeDirectory", root, path, mode });
  }

  async symlink(root: string, path: string, target: string): Promise<void> {
    await this.#answer({ method: "symlink", root, path, target });
  }

  async change(root: string, path: string, changes: FileChanges): Promise<void> {
    await this.#answer({ method: "change", root, path, changes });
  }

  async remove(root: string, path: string): Promise<void> {
    await this.#answer({ method: "remove", root, path });
  }

  async checkMirror(root: string): Promise<void> {
    await this.#answer({ method: "checkMirror", root });
  }

  async free(path: string): Promise<number | null> {
    return parseCount(await this.#answer({ method: "free", path }));
  }

  /** The file that the client hands over, opened here; null when it sends or takes the bytes itself. */
  async #taken(exchange: SideExchange, access: Access): Promise<FileHandle | null> {
    const handed = this.#peer === null ? null : await exchange.handed;
    if (this.#peer === null || handed === null) return null;
    const file = await openHanded(this.#peer, handed, access);
    exchange.sayHanded({ taken: file !== null });
    return file;
  }

  async #answer(request: SideRequest): Promise<unknown> {
    return await this.#ask(request, ignore).reply;
  }

  /** What the source fails with is what the caller hears, once the client has put away what came before. */
  async #send(
    request: SideRequest,
    bytes: AsyncIterable<Uint8Array>,
    onEvent: (event: SideEvent) => void,
    pump = (exchange: SideExchange) => exchange.pump(bytes),
  ): Promise<void> {
    const exchange = this.#ask(request, onEvent);
    let failure: { thrown: unknown } | null = null;
    void pump(exchange).then((result) => {
      failure = result;
    });
    try {
      await exchange.reply;
    } catch (thrown) {
      rethrow(failure);
      throw thrown;
    }
  }
}

/** Entries: a tree may have millions, and other calls are waiting. */
const decodedAtOnce = 256;

const ignore = (): void => undefined;

const refusals =
  (onRefused: (refusal: Refusal) => void) =>
  (event: SideEvent): void => {
    if ("refused" in event) onRefused(event.refused);
  };

async function* encoded<T>(
  batches: AsyncIterable<readonly T[]>,
  encode: (batch: readonly T[]) => Uint8Array,
): AsyncGenerator<Uint8Array, undefined> {
  for await (const batch of batches) if (batch.length > 0) yield encode(batch);
}

const rethrow = (failure: { thrown: unknown } | null): void => {
  if (failure === null) return;
  const { thrown } = failure;
  throw thrown instanceof Error ? thrown : new SshMcpError("INTERNAL", String(thrown));
};
