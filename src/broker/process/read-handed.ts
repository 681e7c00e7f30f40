import { read } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { errorCode } from "../../core/error-code.ts";
import { SpareMemory } from "../../core/files/lent-bytes.ts";
import type { SideExchange } from "./side-exchange.ts";

/** Four of what OpenSSH takes at most in one request: none is left over. */
const pieceBytes = 4 * 255 * 1024;
/** Reads that are under way while one piece is used. */
const readsAhead = 2;
/** Pieces of which the memory is kept for the next: more than are on their way to a server nearby. */
const mostSpare = 6;

/**
 * The bytes of a file that the client handed over, as far as it goes now, as the client's own would come. The client looks at what became of it, and says how
 * it ended.
 * @throws SshMcpError what the client says of it, or of the call's end
 */
export async function* readHanded(
  file: FileHandle,
  from: number,
  exchange: SideExchange,
): AsyncGenerator<Uint8Array, undefined> {
  const spare = new SpareMemory(mostSpare);
  const waiting: Promise<Read>[] = [];
  let next = from;
  let at = from;
  let code: string | null = null;
  const ask = (): void => {
    waiting.push(readAt(file.fd, next, spare.take(pieceBytes) ?? new ArrayBuffer(pieceBytes)));
    next += pieceBytes;
  };
  try {
    const { size } = await file.stat();
    while (!exchange.isOver) {
      while (waiting.length < readsAhead) ask();
      const { bytes, failure } = (await waiting.shift()) ?? { bytes: nothing, failure: null };
      code = failure;
      const known = bytes.subarray(0, Math.max(0, size - at));
      if (failure !== null || known.length === 0) break;
      at += known.length;
      // What was read behind a gap is asked for again.
      if (bytes.length < pieceBytes) {
        await Promise.all(waiting.splice(0));
        next = at;
      }
      if (exchange.isOver) break;
      spare.lend(known);
      yield known;
    }
  } finally {
    // Its descriptor must not be another's before they are done.
    await Promise.all(waiting);
    await file.close().catch(() => undefined);
  }
  exchange.sayHanded({ bytes: at - from, code });
  exchange.sayEnd(null);
  await exchange.reply;
}

interface Read {
  bytes: Uint8Array;
  failure: string | null;
}

const nothing = new Uint8Array(0);

/** Never rejects: nobody may be waiting for it. */
const readAt = (file: number, at: number, memory: ArrayBufferLike): Promise<Read> =>
  new Promise((resolve) => {
    const buffer = Buffer.from(memory);
    read(file, buffer, 0, pieceBytes, at, (failure, length) =>
      resolve(
        failure === null
          ? { bytes: buffer.subarray(0, length), failure: null }
          : { bytes: nothing, failure: errorCode(failure) },
      ),
    );
  });
