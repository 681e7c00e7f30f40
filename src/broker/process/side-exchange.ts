/** One thing that the broker asks about local files, from the side that asks: data either way, what is said meanwhile, and how it ends. */
import { type SshMcpError, toSshMcpError } from "../../core/errors.ts";
import {
  decodeFileCredit,
  encodeDataHead,
  encodeFileCredit,
  encodeFilePart,
  type FileMessage,
  filePart,
} from "../wire/file-frames.ts";
import { decodeJson, malformed } from "../wire/frame.ts";
import { IncomingStream } from "../wire/incoming-stream.ts";
import { OutgoingStream, type Way } from "../wire/outgoing-stream.ts";
import { sideWindow } from "../wire/protocol.ts";
import { parseError } from "../wire/replies.ts";
import { type HandedFile, type HandedWord, parseSideEvent, type SideEvent } from "../wire/side-requests.ts";

export interface SideExchangeOptions {
  call: number;
  file: number;
  send: (bytes: Uint8Array) => void;
  way: Way | null;
  onEvent: (event: SideEvent) => void;
  /** Tells the client that nobody waits any more, unless it has ended. */
  close(): void;
}

export class SideExchange {
  readonly #options: SideExchangeOptions;
  readonly #data: IncomingStream;
  readonly #output: OutgoingStream;
  readonly #reply = Promise.withResolvers<unknown>();
  readonly #handed = Promise.withResolvers<HandedFile | null>();
  #ended = false;

  constructor(options: SideExchangeOptions) {
    const { call, file, send, way } = options;
    this.#options = options;
    this.#data = new IncomingStream(sideWindow, (bytes) => {
      if (!this.#ended) send(encodeFileCredit(call, file, bytes));
    });
    const sendData = (piece: Uint8Array): void => {
      if (this.#ended) return;
      send(encodeDataHead(call, file, piece.length));
      send(piece);
    };
    this.#output = new OutgoingStream({ window: sideWindow, send: sendData, ...(way === null ? {} : { way }) });
    // Who iterates the data hears of a failure there.
    this.#reply.promise.catch(() => undefined);
  }

  /** @throws SshMcpError that of the client, or of the call's end */
  get reply(): Promise<unknown> {
    return this.#reply.promise;
  }

  /** The file that the client hands over; null when it does something else instead. */
  get handed(): Promise<HandedFile | null> {
    return this.#handed.promise;
  }

  get isOver(): boolean {
    return this.#ended;
  }

  sayHanded(word: HandedWord): void {
    this.#say(filePart.handed, new TextEncoder().encode(JSON.stringify(word)));
  }

  /** What the client sends; leaving the loop lets go of the exchange. */
  async *data(): AsyncGenerator<Uint8Array, undefined> {
    try {
      yield* this.#data;
    } finally {
      this.close();
    }
  }

  /**
   * Sends everything; a failure of the source is told to the client, which ends the exchange with what it makes of it.
   * @returns the source's own failure, or null
   */
  async pump(bytes: AsyncIterable<Uint8Array>): Promise<{ thrown: unknown } | null> {
    try {
      for await (const piece of bytes) {
        await this.#output.write(piece);
        if (this.#ended) return null;
      }
      this.sayEnd(null);
      return null;
    } catch (thrown) {
      if (this.#ended) return null;
      this.sayEnd({ thrown });
      return { thrown };
    }
  }

  /** No more follows. @param failure what the source broke with */
  sayEnd(failure: { thrown: unknown } | null): void {
    if (failure === null) this.#say(filePart.end);
    else {
      const record = toSshMcpError(failure.thrown).toRecord();
      this.#say(filePart.failure, new TextEncoder().encode(JSON.stringify(record)));
    }
  }

  /** Lets go of it. */
  close(): void {
    if (this.#ended) return;
    this.#options.close();
    this.#end();
  }

  fail(error: SshMcpError): void {
    this.#handed.resolve(null);
    this.#reply.reject(error);
    this.#data.fail(error);
    this.#output.fail(error);
    this.#ended = true;
  }

  /** @returns whether that was its end. @throws SshMcpError PROTOCOL_ERROR */
  receive({ part, bytes }: FileMessage): boolean {
    switch (part) {
      case filePart.data:
        this.#handed.resolve(null);
        this.#data.push(bytes);
        return false;
      case filePart.credit:
        this.#output.grant(decodeFileCredit(bytes));
        return false;
      case filePart.event:
        this.#hear(parseSideEvent(decodeJson(bytes)));
        return false;
      case filePart.reply:
        this.#reply.resolve(decodeJson(bytes));
        this.#data.end();
        this.#end();
        return true;
      case filePart.failure:
        this.fail(parseError(decodeJson(bytes)));
        return true;
      default:
        throw malformed(`part ${part} of an answer about local files, which a client never sends`);
    }
  }

  #hear(event: SideEvent): void {
    if ("handed" in event) this.#handed.resolve(event.handed);
    else this.#options.onEvent(event);
  }

  #end(): void {
    this.#handed.resolve(null);
    this.#ended = true;
    this.#output.fail(over());
  }

  #say(part: typeof filePart.end | typeof filePart.failure | typeof filePart.handed, bytes?: Uint8Array): void {
    const { call, file, send } = this.#options;
    if (!this.#ended) send(encodeFilePart(call, file, part, bytes));
  }
}

const over = (): SshMcpError => malformed("the end of an exchange");
