/** Files that this process opens for the operation it called: with its own permissions, descriptors and view of the disk. */
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { parseOperand } from "../../core/files/operand.ts";
import type { Caller } from "../../core/operation.ts";
import { quoteWord } from "../../core/quote.ts";
import type { LocalPolicy } from "../../files/local/local-policy.ts";
import type { LocalSide } from "../../files/local/local-side.ts";
import { readLocal } from "../../files/read-local.ts";
import { decodeFileCredit, decodeFilePart, encodeFilePart, filePart, filePieceLimit } from "../wire/file-frames.ts";
import { decodeJson, malformed } from "../wire/frame.ts";
import { OutgoingStream } from "../wire/outgoing-stream.ts";
import { fileWindow, openFileLimit } from "../wire/protocol.ts";
import { parseError, parseFileRequest } from "../wire/replies.ts";
import { parseSideRequest } from "../wire/side-requests.ts";
import { ServedExchange } from "./served-exchange.ts";

export interface ServedFilesOptions {
  call: number;
  /** What was asked of the operation: it may have those files opened whose paths occur in here, and no others. */
  input: unknown;
  /** Relative paths are meant from its folder. */
  caller: Caller;
  /** How far local files may be touched; absent is what a person may, or a model. */
  local?: LocalPolicy;
  send: (bytes: Uint8Array) => void;
}

export class ServedFiles {
  readonly #options: ServedFilesOptions;
  readonly #open = new Map<number, ServedFile | ServedExchange>();
  /** Loaded for the first question: few operations have any. */
  #side: Promise<LocalSide> | null = null;
  #last = 0;
  #closed = false;

  constructor(options: ServedFilesOptions) {
    this.#options = options;
  }

  /** @throws SshMcpError PROTOCOL_ERROR for what a broker must not send */
  receive(payload: Uint8Array): void {
    if (this.#closed) return;
    const { file, part, bytes } = decodeFilePart(payload);
    if (part === filePart.open) this.#serve(file, bytes);
    else if (part === filePart.ask) this.#answer(file, bytes);
    else if (file === 0 || file > this.#last) throw malformed(`a word about file ${file}, which it never asked for`);
    // About a file that is complete it was on its way.
    else if (part === filePart.credit) this.#open.get(file)?.grant(decodeFileCredit(bytes));
    else if (part === filePart.close) this.#close(file);
    else this.#take(file, part, bytes);
  }

  #take(file: number, part: number, bytes: Uint8Array): void {
    const isKnown = part === filePart.data || part === filePart.end || part === filePart.failure;
    if (!isKnown && part !== filePart.handed) throw never(part);
    const exchange = this.#open.get(file);
    if (exchange instanceof ServedFile) throw never(part);
    if (part === filePart.data) exchange?.push(bytes);
    else if (part === filePart.handed) exchange?.hearHanded(bytes);
    else exchange?.endInput(part === filePart.end ? null : parseError(decodeJson(bytes)));
  }

  /** Lets go of every file, those that are being waited for among them, and opens no other. */
  close(): void {
    this.#closed = true;
    for (const file of [...this.#open.keys()]) this.#close(file);
    void this.#side?.then((side) => side.close()).catch(() => undefined);
  }

  #answer(file: number, bytes: Uint8Array): void {
    this.#begin(file);
    const request = parseSideRequest(decodeJson(bytes));
    const { call, send } = this.#options;
    const exchange = new ServedExchange(call, file, send);
    this.#open.set(file, exchange);
    this.#side ??= this.#openSide();
    void exchange.run(request, this.#side).then(() => this.#open.delete(file));
  }

  async #openSide(): Promise<LocalSide> {
    const { input, caller, local } = this.#options;
    const { LocalSide } = await import("../../files/local/local-side.ts");
    const policy = local ?? { roots: null, secretsAllowed: caller.face === "cli" };
    const [operands, writable] = [localOperands(input, allOperands), localOperands(input, ["destination"])];
    return new LocalSide({ cwd: caller.cwd, operands, writable, policy });
  }

  #begin(file: number): void {
    if (file <= this.#last) throw malformed(`a request for file ${file}, which it had before`);
    if (this.#open.size >= openFileLimit) throw malformed(`a request for more than ${openFileLimit} files at once`);
    this.#last = file;
  }

  #serve(file: number, bytes: Uint8Array): void {
    this.#begin(file);
    const { path } = parseFileRequest(decodeJson(bytes));
    const { call, send } = this.#options;
    const served = new ServedFile((part, piece) => send(encodeFilePart(call, file, part, piece)));
    this.#open.set(file, served);
    void served.run(this.#pieces(path, served.closing)).then(() => this.#open.delete(file));
  }

  /** @throws SshMcpError NOT_FOUND, LOCAL_IO */
  async *#pieces(path: string, closing: AbortSignal): AsyncGenerator<Uint8Array, undefined> {
    const { input, caller } = this.#options;
    // A model's operations ask for local files as far as its policy goes, and never for one as it is.
    if (caller.face === "mcp" || !occursIn(input, path)) throw unnamed(path);
    try {
      yield* readLocal(path.startsWith("/") ? path : `${caller.cwd}/${path}`, closing);
    } catch (cause) {
      throw unreadable(path, cause);
    }
  }

  #close(file: number): void {
    this.#open.get(file)?.close();
    this.#open.delete(file);
  }
}

type Say = (part: typeof filePart.data | typeof filePart.end | typeof filePart.failure, bytes?: Uint8Array) => void;

class ServedFile {
  readonly #send: Say;
  readonly #stream: OutgoingStream;
  readonly #closing = new AbortController();

  constructor(send: Say) {
    this.#send = send;
    this.#stream = new OutgoingStream({ window: fileWindow, send: (piece) => this.#sendData(piece) });
  }

  /** Aborts when nobody reads it any more. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Sends everything and how it ended, unless it is closed before. Never rejects. */
  async run(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const piece of pieces) await this.#stream.write(piece);
      this.#say(filePart.end);
    } catch (thrown) {
      this.#say(filePart.failure, new TextEncoder().encode(JSON.stringify(toSshMcpError(thrown).toRecord())));
    }
  }

  /** @throws SshMcpError PROTOCOL_ERROR */
  grant(bytes: number): void {
    this.#stream.grant(bytes);
  }

  close(): void {
    this.#closing.abort();
    this.#stream.fail(new SshMcpError("CANCELED", "nobody reads the file any more"));
  }

  #say(...[part, bytes]: Parameters<Say>): void {
    if (!this.#closing.signal.aborted) this.#send(part, bytes);
  }

  #sendData(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += filePieceLimit) {
      this.#say(filePart.data, bytes.subarray(at, at + filePieceLimit));
    }
  }
}

/** Whether a text is a value somewhere in there. */
const occursIn = (value: unknown, text: string): boolean =>
  value === text ||
  (typeof value === "object" && value !== null && Object.values(value).some((one) => occursIn(one, text)));

const never = (part: number): SshMcpError => malformed(`part ${part} of a file, which a broker never sends`);

const allOperands = ["sources", "source", "destination"];

/** The paths of this machine that a transfer is about: as these fields of its input have them, and nowhere else. */
const localOperands = (input: unknown, names: readonly string[]): string[] => {
  if (typeof input !== "object" || input === null) return [];
  const fields: Record<string, unknown> = { ...input };
  return names
    .flatMap((name) => fields[name])
    .flatMap((text) => {
      if (typeof text !== "string" || text === "") return [];
      const operand = parseOperand(text);
      return operand.kind === "local" ? [operand.path] : [];
    });
};

const unnamed = (path: string): SshMcpError =>
  new SshMcpError("LOCAL_IO", `${escapeLine(path)} is not opened: this call does not name it`);

const unreadable = (path: string, cause: unknown): SshMcpError => {
  const code = errorCode(cause);
  const shown = escapeLine(path);
  const hint = `ls -l ${quoteWord(path)}`;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new SshMcpError("NOT_FOUND", `there is no file ${shown}`, { hint, cause });
  }
  return new SshMcpError("LOCAL_IO", `${shown} cannot be read (${code})`, { hint, cause });
};
