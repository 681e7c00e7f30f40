/** Replies of a server: each reader takes the packet of one request, and throws Malformed for what is no answer to it. */
import type { DirectoryEntry, FileFacts } from "../../core/files/file-facts.ts";
import { pathText } from "../../core/files/path-text.ts";
import { WireReader } from "../wire-reader.ts";
import { readAttributes } from "./file-attributes.ts";
import { Malformed } from "./malformed.ts";
import { packetType, statusCode } from "./packet-types.ts";

/** The longest handle: draft-ietf-secsh-filexfer-02, section 6.2. */
const mostHandleBytes = 256;
/** A name, a long name and flags, all of them empty. */
const leastEntryBytes = 12;

/** A status other than OK. It is thrown, and never leaves this folder. */
export class StatusReply extends Error {
  override readonly name = "StatusReply";
  readonly code: number;

  /** @param words the server's, untrusted */
  constructor(code: number, words: string) {
    super(words);
    this.code = code;
  }
}

/** Bytes of a status' words that are looked at. */
const mostWords = 1024;

export type ReplyReader<T> = (packet: Buffer) => T;

/** Behind the type and the request's id. */
const bodyAt = 5;

const bodyOf = (packet: Buffer, type: number): WireReader => {
  if (packet[0] === type) return new WireReader(packet, bodyAt);
  if (packet[0] !== packetType.status) throw new Malformed(`a reply of type ${packet[0]} where ${type} was due`);
  throw refusalOf(packet);
};

/** A status that stands for what is missing: success would be none. */
const refusalOf = (packet: Buffer): StatusReply => {
  const status = statusOf(packet);
  if (status.code === statusCode.ok) throw new Malformed("success without what was asked for");
  return status;
};

const statusOf = (packet: Buffer): StatusReply => {
  const reader = new WireReader(packet, bodyAt);
  const code = reader.uint32();
  if (reader.isCut) throw new Malformed("a status without a code");
  // Some servers leave the words out: those of the oldest versions had none.
  return new StatusReply(code, reader.hasMore ? pathText(reader.string().subarray(0, mostWords)) : "");
};

const complete = <T>(reader: WireReader, what: string, value: T): T => {
  if (reader.isCut) throw new Malformed(`${what} that ends too early`);
  return value;
};

export const readOk: ReplyReader<void> = (packet) => {
  if (packet[0] !== packetType.status) throw new Malformed(`a reply of type ${packet[0]} where a status was due`);
  const status = statusOf(packet);
  if (status.code !== statusCode.ok) throw status;
};

/** The same where only the end of something stands for no answer. @returns null at the end */
const orEnd = <T>(packet: Buffer, read: ReplyReader<T>): T | null => {
  if (packet[0] !== packetType.status) return read(packet);
  const status = refusalOf(packet);
  if (status.code === statusCode.eof) return null;
  throw status;
};

export const readHandle: ReplyReader<Buffer> = (packet) => {
  const reader = bodyOf(packet, packetType.handle);
  // A copy: it outlives the chunk that it came in.
  const handle = complete(reader, "a handle", Buffer.from(reader.string()));
  if (handle.length > mostHandleBytes) throw new Malformed(`a handle of ${handle.length} bytes`);
  return handle;
};

/** A view of the packet. @param asked bytes that were asked for */
export const readData =
  (asked: number): ReplyReader<Buffer | null> =>
  (packet) =>
    orEnd(packet, () => {
      const reader = bodyOf(packet, packetType.data);
      const data = complete(reader, "data", reader.string());
      if (data.length > asked) throw new Malformed(`${data.length} bytes of data where ${asked} were asked for`);
      if (data.length === 0) throw new Malformed("data without a byte");
      return data;
    });

export const readFacts: ReplyReader<FileFacts> = (packet) => {
  const reader = bodyOf(packet, packetType.attrs);
  return complete(reader, "attributes", readAttributes(reader));
};

/** What one batch of a directory holds, a few at a time, read when they are taken. @throws Malformed then */
export type Entries = Iterable<DirectoryEntry[]>;

/** One batch of a directory. @returns null at its end */
export const readEntries: ReplyReader<Entries | null> = (packet) => orEnd(packet, entriesOf);

/** The one name that a path leads to. */
export const readName: ReplyReader<string> = (packet) => {
  const [[entry, ...more] = []] = entriesOf(packet);
  if (entry === undefined || more.length > 0) throw new Malformed("a number of names where one was due");
  return entry.name;
};

const entriesOf = (packet: Buffer): Entries => {
  const reader = bodyOf(packet, packetType.name);
  const count = reader.uint32();
  if (count * leastEntryBytes > packet.length - reader.at)
    throw new Malformed(`${count} names in ${packet.length} bytes`);
  return parts(reader, count);
};

/** Names that are read at once, and the bytes after which there are enough of them: a hostile server fills its packets with what takes long. */
const [mostNames, enoughBytes] = [512, 32 * 1024];

function* parts(reader: WireReader, count: number): Generator<DirectoryEntry[]> {
  let entries: DirectoryEntry[] = [];
  let from = reader.at;
  for (let index = 0; index < count; index++) {
    const name = pathText(reader.string());
    // What `ls -l` would print: made for people, and for no program.
    reader.string();
    entries.push({ name, facts: readAttributes(reader) });
    if (reader.isCut) throw new Malformed("names that end too early");
    if (index < count - 1 && (entries.length >= mostNames || reader.at - from >= enoughBytes)) {
      yield entries;
      entries = [];
      from = reader.at;
    }
  }
  if (!reader.isDone) throw new Malformed("bytes behind the names");
  yield entries;
}

/** @returns what stands in the reply, for the extension to read */
export const readExtended = (packet: Buffer): WireReader => bodyOf(packet, packetType.extendedReply);
