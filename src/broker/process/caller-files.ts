/** Files that the process behind a call opens for it, seen from the broker. */

import type { CallerFiles } from "../../core/call-scope.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { TransferSide } from "../../core/files/transfer-side.ts";
import {
  decodeFilePart,
  encodeFileCredit,
  encodeFilePart,
  type FileMessage,
  filePart,
  filePieceLimit,
} from "../wire/file-frames.ts";
import { decodeJson, malformed } from "../wire/frame.ts";
import { IncomingStream } from "../wire/incoming-stream.ts";
import { type FileRequest, fileWindow, openFileLimit } from "../wire/protocol.ts";
import { parseError } from "../wire/replies.ts";
import type { SideEvent, SideRequest } from "../wire/side-requests.ts";
import { CallerSide } from "./caller-side.ts";
import type { Link } from "./server-call.ts";
import { SideExchange } from "./side-exchange.ts";

export class RequestedFiles implements CallerFiles {
  readonly #call: number;
  readonly #send: (bytes: Uint8Array) => void;
  /** Those that are neither complete nor let go of. */
  readonly #open = new Map<number, IncomingStream | SideExchange>();
  readonly #link: Pick<Link, "way" | "peer">;
  #last = 0;
  #failure: SshMcpError | null = null;

  constructor(call: number, send: (bytes: Uint8Array) => void, link: Pick<Link, "way" | "peer">) {
    this.#call = call;
    this.#send = send;
    this.#link = link;
  }

  /** This machine as one side of a transfer, as far as the process behind the call lets it be touched. */
  side(): TransferSide {
    return new CallerSide((request, onEvent) => this.#ask(request, onEvent), this.#link.peer);
  }

  async *read(path: string): AsyncGenerator<Uint8Array, undefined> {
    const { file, stream } = this.#request(path);
    try {
      yield* stream;
    } finally {
      // Once the call is over, nobody has to be told.
      if (this.#open.delete(file) && this.#failure === null) {
        this.#send(encodeFilePart(this.#call, file, filePart.close));
      }
    }
  }

  /** @throws SshMcpError PROTOCOL_ERROR for what a client must not send */
  receive(payload: Uint8Array): void {
    const message = decodeFilePart(payload);
    const { file } = message;
    if (file === 0 || file > this.#last) throw malformed(`a part of file ${file}, which nobody asked for`);
    const stream = this.#open.get(file);
    // A part of a file that was let go of was on its way.
    if (stream === undefined) return;
    if (stream instanceof SideExchange) {
      if (stream.receive(message)) this.#open.delete(file);
      return;
    }
    if (message.part !== filePart.data) this.#open.delete(file);
    take(message, stream);
  }

  /** Ends every file, and refuses those to come. */
  fail(error: SshMcpError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    for (const stream of this.#open.values()) stream.fail(error);
    this.#open.clear();
  }

  /** @throws SshMcpError as `read` */
  #ask(request: SideRequest, onEvent: (event: SideEvent) => void): SideExchange {
    const asked = this.#checked(request);
    const file = ++this.#last;
    const close = (): void => {
      if (this.#open.delete(file) && this.#failure === null) {
        this.#send(encodeFilePart(this.#call, file, filePart.close));
      }
    };
    const { way } = this.#link;
    const exchange = new SideExchange({ call: this.#call, file, send: this.#send, way, onEvent, close });
    this.#open.set(file, exchange);
    this.#send(encodeFilePart(this.#call, file, filePart.ask, asked));
    return exchange;
  }

  #checked(request: FileRequest | SideRequest): Uint8Array {
    if (this.#failure !== null) throw this.#failure;
    if (this.#open.size >= openFileLimit) {
      throw new SshMcpError("TOO_LARGE", `${openFileLimit} files of one call are open already`);
    }
    const bytes = new TextEncoder().encode(JSON.stringify(request));
    if (bytes.length > filePieceLimit) throw new SshMcpError("TOO_LARGE", "a path is longer than a frame can hold");
    return bytes;
  }

  #request(path: string): { file: number; stream: IncomingStream } {
    const request = this.#checked({ path });
    const file = ++this.#last;
    const stream = new IncomingStream(fileWindow, (bytes) => this.#send(encodeFileCredit(this.#call, file, bytes)));
    this.#open.set(file, stream);
    this.#send(encodeFilePart(this.#call, file, filePart.open, request));
    return { file, stream };
  }
}

const take = ({ part, bytes }: FileMessage, stream: IncomingStream): void => {
  switch (part) {
    case filePart.data:
      stream.push(bytes);
      break;
    case filePart.end:
      stream.end();
      break;
    case filePart.failure:
      stream.fail(parseError(decodeJson(bytes)));
      break;
    default:
      throw malformed(`part ${part} of a file, which a client never sends`);
  }
};
