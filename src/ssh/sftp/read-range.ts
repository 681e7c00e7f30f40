import type { FileFacts } from "../../core/files/file-facts.ts";
import { lend } from "../../core/files/lent-bytes.ts";
import { giveUp } from "../../core/spent-memory.ts";
import { RequestWindow } from "./request-window.ts";
import { type Handle, readAt } from "./requests.ts";
import type { SftpClient } from "./sftp-client.ts";

export interface RangeSource {
  client: SftpClient;
  handle: Handle;
  /** Of the open file, asked for before its first byte was. */
  facts: Promise<FileFacts>;
  /** Whether the file has a size that says nothing of its content: the look costs a round trip. */
  isPseudo(known: FileFacts): Promise<boolean>;
  /** Whether nothing may be asked any more: a server gives the handle of a closed file to the next one. */
  isClosed(): boolean;
}

/** A file that ended before it was to. */
export class CutShort extends Error {
  override readonly name = "CutShort";
}

/** One READ; they stand in the order of the file, without gaps. */
interface Slot {
  start: number;
  length: number;
  reply: Promise<Buffer | null>;
}

/** Servers that give less than was asked give a multiple of this; what else is short is short for its own reasons. */
const learntUnit = 1024;
const leastLearnt = 8 * 1024;
/** Until the size is known: the second one sees the end of a small file. */
const firstSlots = 2;

/**
 * The bytes from `offset` on, up to `length` or the end, in order. What is read ahead is bounded by the window, and nothing is asked for while the reader does not take.
 * A short reply is no end: the rest is asked for again, until the server says that the file ends there, or it is as long as it was said to be.
 * @throws CutShort, StatusReply, SshMcpError
 */
export async function* readRange(source: RangeSource, offset: number, length: number | null): AsyncGenerator<Buffer> {
  const { client, handle } = source;
  const limit = length === null ? Number.MAX_SAFE_INTEGER : Math.min(offset + length, Number.MAX_SAFE_INTEGER);
  const window = new RequestWindow();
  const slots: Slot[] = [];
  let ahead = 0;
  let asked = offset;
  let at = offset;
  let known: FileFacts | null = null;
  // Files of /proc have none, and devices neither.
  let size: number | null = null;
  let wasFull = false;
  source.facts.then(
    (facts) => {
      known = facts;
      size = facts.type === "file" && facts.size > 0 ? facts.size : null;
    },
    () => undefined,
  );

  const ask = (start: number, bytes: number): Slot => {
    if (source.isClosed()) throw new CutShort("it was closed while it was read");
    const reply = readAt(client, handle, start, bytes);
    // Whoever waits for it hears of a failure; until then it is nobody's.
    reply.catch(() => undefined);
    ahead += bytes;
    return { start, length: bytes, reply };
  };
  const mayAsk = (): boolean => {
    if (asked >= limit) return false;
    if (slots.length < firstSlots && size === null) return true;
    if (ahead >= window.bytes) return false;
    if (size === null) return wasFull;
    // One behind the end as it was, to see whether it still is.
    return asked < size || (slots.at(-1)?.start ?? 0) < size;
  };

  try {
    while (at < limit) {
      while (mayAsk()) {
        const bytes = Math.min(client.limits.read, limit - asked);
        slots.push(ask(asked, bytes));
        asked += bytes;
      }
      const slot = slots.shift();
      if (slot === undefined) return;
      const data = await slot.reply;
      ahead -= slot.length;
      if (data === null) {
        known ??= await source.facts;
        if (size !== null && at < Math.min(size, limit) && !(await source.isPseudo(known))) {
          throw new CutShort(`it was cut while it was read, and ends after ${at} of ${size} bytes`);
        }
        return;
      }
      at += data.length;
      wasFull = data.length === slot.length;
      window.note(data.length, client.roundTripMs);
      if (isAlone(data)) lend(data, giveUpMemory);
      let isAtEnd = false;
      if (!wasFull) {
        if (size !== null && at >= size) isAtEnd = true;
        else {
          if (size !== null) learn(client, data.length);
          slots.unshift(ask(at, slot.start + slot.length - at));
        }
      }
      yield data;
      if (isAtEnd) return;
    }
  } finally {
    window.end();
  }
}

/** A packet that was gathered has memory of its own, with its head before the data: see PacketSplitter. One that came in one piece has others beside it. */
const isAlone = ({ buffer, byteOffset, length }: Buffer): boolean =>
  byteOffset <= 16 && byteOffset + length === buffer.byteLength;

const giveUpMemory = (memory: ArrayBufferLike): void => giveUp(new Uint8Array(memory));

const learn = (client: SftpClient, bytes: number): void => {
  if (bytes >= leastLearnt && bytes % learntUnit === 0) client.learnRead(bytes);
};
