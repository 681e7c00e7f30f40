/** An SFTP server that a test writes answer by answer: what it says is right only where the test says it right. */
import { SshMcpError } from "../../src/core/errors.ts";
import type { FileFacts } from "../../src/core/files/file-facts.ts";
import { packetType, statusCode } from "../../src/ssh/sftp/packet-types.ts";
import { PacketWriter } from "../../src/ssh/sftp/packet-writer.ts";
import type { SftpLink } from "../../src/ssh/sftp/sftp-link.ts";
import { WireReader } from "../../src/ssh/wire-reader.ts";

export interface SftpRequest {
  type: number;
  id: number;
  /** Behind the id. */
  body: WireReader;
}

export interface SftpAnswers {
  /** Sends bytes as they are. */
  raw(bytes: Uint8Array): void;
  /** One packet: length, type, id, and what is filled in. */
  reply(type: number, id: number, fill?: (writer: PacketWriter) => unknown): void;
  status(id: number, code: number, words?: string): void;
  handle(id: number, name?: string): void;
  data(id: number, bytes: Uint8Array): void;
  names(id: number, names: readonly (string | Uint8Array)[], facts?: Partial<FileFacts>): void;
  attributes(id: number, facts: Partial<FileFacts>): void;
  /** The server is gone. */
  die(): void;
}

export interface ScriptedSftp {
  link: SftpLink;
  /** Every request so far, INIT left out. */
  readonly requests: readonly SftpRequest[];
  /** Whether the client ended the link. */
  isEnded(): boolean;
}

export interface ScriptedSftpOptions {
  /** Name and version of extensions; OpenSSH's `limits` is not answered by itself. */
  extensions?: readonly (readonly [string, string])[];
  /** In place of VERSION. */
  greet?: (answers: SftpAnswers) => void;
}

/** @param answer called for each request in its turn, on a later tick */
export const scriptedSftp = (
  answer: (request: SftpRequest, answers: SftpAnswers) => void,
  { extensions = [], greet }: ScriptedSftpOptions = {},
): ScriptedSftp => {
  const ended = Promise.withResolvers<SshMcpError>();
  const requests: SftpRequest[] = [];
  let isEnded = false;
  let isGone = false;
  let waiting = Buffer.alloc(0);
  const raw = (bytes: Uint8Array): void => {
    if (!isEnded && !isGone) link.onData(Buffer.from(bytes));
  };
  const reply: SftpAnswers["reply"] = (type, id, fill) => {
    const writer = new PacketWriter(type).uint32(id);
    fill?.(writer);
    raw(writer.packet());
  };
  const answers: SftpAnswers = {
    raw,
    reply,
    status: (id, code, words = "") =>
      reply(packetType.status, id, (writer) => writer.uint32(code).string(Buffer.from(words)).string(Buffer.alloc(0))),
    handle: (id, name = "h") => reply(packetType.handle, id, (writer) => writer.string(Buffer.from(name))),
    data: (id, bytes) => reply(packetType.data, id, (writer) => writer.string(bytes)),
    names: (id, names, facts = {}) =>
      reply(packetType.name, id, (writer) => {
        writer.uint32(names.length);
        for (const name of names) writeFacts(writer.string(Buffer.from(name as string)).string(Buffer.alloc(0)), facts);
      }),
    attributes: (id, facts) => reply(packetType.attrs, id, (writer) => writeFacts(writer, facts)),
    die: () => {
      isGone = true;
      ended.resolve(new SshMcpError("CONNECTION_LOST", "the scripted server died"));
    },
  };
  const take = (packet: Buffer): void => {
    if (isEnded || isGone) return;
    if (packet[0] === packetType.init) {
      if (greet !== undefined) greet(answers);
      else {
        const version = new PacketWriter(packetType.version).uint32(3);
        for (const [name, value] of extensions) version.string(Buffer.from(name)).string(Buffer.from(value));
        raw(version.packet());
      }
      return;
    }
    const request = { type: packet[0] ?? 0, id: packet.readUInt32BE(1), body: new WireReader(packet, 5) };
    requests.push(request);
    answer(request, answers);
  };
  const link: SftpLink = {
    send: (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUInt32BE(0)) {
        const packet = waiting.subarray(4, 4 + waiting.readUInt32BE(0));
        waiting = waiting.subarray(4 + packet.length);
        setImmediate(() => take(packet));
      }
    },
    onData: () => undefined,
    ended: ended.promise,
    end: () => {
      isEnded = true;
      ended.resolve(new SshMcpError("CONNECTION_LOST", "the client ended the link"));
    },
  };
  return { link, requests, isEnded: () => isEnded };
};

const formats: Readonly<Record<string, number>> = { file: 0o10, directory: 0o04, symlink: 0o12, fifo: 0o01 };

const writeFacts = (
  writer: PacketWriter,
  { type = "file", size = 0, mode = 0o644, mtime }: Partial<FileFacts>,
): void => {
  const flags = 1 | 4 | (mtime == null ? 0 : 8);
  writer
    .uint32(flags)
    .uint64(size)
    .uint32(((formats[type] ?? 0) << 12) | (mode ?? 0));
  if (mtime != null) writer.uint32(mtime).uint32(mtime);
};

/** One file of these bytes, whatever it is called; what `change` answers itself is left to it. */
export const servingOneFile =
  (content: Uint8Array, change: (request: SftpRequest, answers: SftpAnswers) => boolean = () => false) =>
  (request: SftpRequest, answers: SftpAnswers): void => {
    if (change(request, answers)) return;
    const { type, id, body } = request;
    if (type === packetType.open) answers.handle(id);
    else if (type === packetType.stat || type === packetType.lstat || type === packetType.fstat) {
      answers.attributes(id, { size: content.length });
    } else if (type === packetType.read) {
      body.string();
      const start = Number(body.uint64());
      const part = content.subarray(start, start + body.uint32());
      if (part.length === 0) answers.status(id, statusCode.eof);
      else answers.data(id, part);
    } else answers.status(id, type === packetType.extended ? statusCode.operationUnsupported : statusCode.ok);
  };
