/** One thing that the broker asked about local files, from the side that has them: its data either way, and its end. */
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { decodeFile, encodeEntries, encodeFiles, type FormedFile, recordsOf } from "../../core/files/file-records.ts";
import { pathText } from "../../core/files/path-text.ts";
import type { Refusal } from "../../core/files/transfer-side.ts";
import type { HandOver } from "../../files/local/hand-over.ts";
import type { LocalSide } from "../../files/local/local-side.ts";
import { encodeDataHead, encodeFileCredit, encodeFilePart, filePart, filePieceLimit } from "../wire/file-frames.ts";
import { IncomingStream } from "../wire/incoming-stream.ts";
import { OutgoingStream } from "../wire/outgoing-stream.ts";
import { sideWindow } from "../wire/protocol.ts";
import type { SideEvent, SideRequest } from "../wire/side-requests.ts";
import { HandedOver } from "./handed-over.ts";

/** Bytes of the longest text that an event or a reply carries. */
const longestText = 16 * 1024;

export class ServedExchange {
  readonly #tell: (part: Part, bytes?: Uint8Array) => void;
  readonly #input: IncomingStream;
  readonly #output: OutgoingStream;
  readonly #handed: HandedOver;
  readonly #closing = new AbortController();
  /** Why the broker has no more to say; what it said before is used first. */
  #inputFailure: SshMcpError | null = null;

  constructor(call: number, file: number, send: (bytes: Uint8Array) => void) {
    this.#tell = (part, bytes) => {
      if (!this.#closing.signal.aborted) send(encodeFilePart(call, file, part, bytes));
    };
    this.#input = new IncomingStream(sideWindow, (bytes) => {
      if (!this.#closing.signal.aborted) send(encodeFileCredit(call, file, bytes));
    });
    const sendData = (piece: Uint8Array): void => {
      if (this.#closing.signal.aborted) return;
      send(encodeDataHead(call, file, piece.length));
      send(piece);
    };
    this.#output = new OutgoingStream({ window: sideWindow, send: sendData });
    this.#handed = new HandedOver((handed) => this.#event({ handed }));
  }

  /** Answers, and says how it ended, unless it is closed before. Never rejects. */
  async run(request: SideRequest, side: Promise<LocalSide>): Promise<void> {
    try {
      const value = await this.#answer(request, await side);
      this.#tell(filePart.reply, json(value ?? null));
    } catch (thrown) {
      this.#tell(filePart.failure, json(toSshMcpError(thrown).toRecord()));
    }
    this.#input.drop();
  }

  /** @throws SshMcpError PROTOCOL_ERROR */
  grant(bytes: number): void {
    this.#output.grant(bytes);
  }

  /** @throws SshMcpError PROTOCOL_ERROR */
  push(bytes: Uint8Array): void {
    this.#input.push(bytes);
  }

  /** @throws SshMcpError PROTOCOL_ERROR */
  hearHanded(bytes: Uint8Array): void {
    this.#handed.hear(bytes);
  }

  /** @param failure null when the broker has said everything */
  endInput(failure: SshMcpError | null): void {
    this.#handed.end();
    this.#inputFailure = failure;
    this.#input.end();
  }

  /** Nobody waits for it any more: it ends with what it has done. */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    const canceled = new SshMcpError("CANCELED", "nobody waits for these files any more");
    this.#inputFailure ??= canceled;
    this.#handed.end();
    // What came is kept for a resume.
    this.#input.end();
    this.#output.fail(canceled);
  }

  async #answer(request: SideRequest, side: LocalSide): Promise<unknown> {
    const { signal } = this.#closing;
    switch (request.method) {
      case "look":
        return await side.look(request.path);
      case "free":
        return await side.free(request.path);
      case "part":
        return await side.part(request.root, request.path);
      case "hash":
        return await side.hash(request.path, request.length, request.ofPart, signal);
      case "makeDirectory":
        return await side.makeDirectory(request.root, request.path, request.mode);
      case "symlink":
        return await side.symlink(request.root, request.path, request.target);
      case "change":
        return await side.change(request.root, request.path, request.changes);
      case "remove":
        return await side.remove(request.root, request.path);
      case "checkMirror":
        return await side.checkMirror(request.root);
      case "read":
        for await (const piece of side.read(request.path, request.from, signal, this.#handOver(request))) {
          await this.#output.write(piece);
        }
        return null;
      case "walk":
        for await (const some of side.walk(request.root, this.#refuse)) await this.#output.write(encodeEntries(some));
        return null;
      case "write":
        return await side.write(
          request.root,
          request.path,
          this.#said(request.hands),
          request.from,
          request.form,
          undefined,
          this.#handOver(request),
          signal,
        );
      case "readMany":
        for await (const some of side.readMany(request.root, this.#paths(), this.#refuse)) {
          await this.#output.write(encodeFiles(some));
        }
        return null;
      case "writeMany": {
        const formOf = (file: object): FormedFile["form"] => (file as FormedFile).form;
        const written = (files: number, bytes: number): void => this.#event({ files, bytes });
        return await side.writeMany(request.root, this.#files(), formOf, this.#refuse, written);
      }
    }
  }

  #handOver({ hands }: { hands: boolean }): HandOver | null {
    return hands ? (file) => this.#handed.hand(file) : null;
  }

  /** What the broker says, to its end or to where it broke. @param hands whether it waits for a file instead @throws SshMcpError */
  async *#said(hands = false): AsyncGenerator<Uint8Array, undefined> {
    if (hands) this.#handed.refuse();
    yield* this.#input;
    if (this.#inputFailure !== null) throw this.#inputFailure;
  }

  async *#paths(): AsyncGenerator<string[], undefined> {
    for await (const records of recordsOf(this.#said())) yield records.map(pathText);
  }

  async *#files(): AsyncGenerator<FormedFile[], undefined> {
    for await (const records of recordsOf(this.#said())) yield records.map(decodeFile);
  }

  readonly #refuse = (refused: Refusal): void => this.#event({ refused });

  #event(event: SideEvent): void {
    const bytes = json(event);
    if (bytes.length <= filePieceLimit) this.#tell(filePart.event, bytes);
    else if ("refused" in event) {
      const { code, path, message } = event.refused;
      const short = { code, path: path.slice(0, longestText), message: message.slice(0, longestText) };
      this.#tell(filePart.event, json({ refused: short }));
    }
  }
}

type Part = typeof filePart.reply | typeof filePart.failure | typeof filePart.event;

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
