/** Reading a file of this machine piece by piece, whatever kind of file it is, and without keeping anybody waiting. */
import { close, constants, fstatSync, open, read, type Stats } from "node:fs";
import { isatty } from "node:tty";

/** Bytes of the largest piece of a regular file. */
const pieceSize = 128 * 1024;

/**
 * The bytes of a file, up to its end; a pipe or a terminal is waited for. Each piece may change once the next one is asked for. A FIFO that
 * nobody has opened for writing may count as one that has ended: fifo(7).
 * @param signal ends the reading, like an end of file
 * @throws what the system says, with its code: ENOENT, EACCES, EISDIR, …
 */
export async function* readLocal(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array, undefined> {
  // Without O_NONBLOCK, opening a FIFO would keep a thread until there is a writer.
  const file = await opened(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    yield* isWaitedFor(fstatSync(file), file) ? stream(file, signal) : pieces(file, signal);
  } finally {
    close(file, () => {});
  }
}

/** What the event loop can wait for. The rest answers at once, or from a thread. */
const isWaitedFor = (stats: Stats, file: number): boolean => stats.isFIFO() || stats.isSocket() || isatty(file);

async function* pieces(file: number, signal: AbortSignal): AsyncGenerator<Uint8Array, undefined> {
  const buffer = new Uint8Array(pieceSize);
  while (!signal.aborted) {
    const length = await readInto(file, buffer);
    if (length === 0) return;
    yield buffer.subarray(0, length);
  }
}

async function* stream(file: number, signal: AbortSignal): AsyncGenerator<Uint8Array, undefined> {
  const reader = Bun.file(file).stream().getReader();
  // It leaves the descriptor open, and lets a read that waits end.
  const cancel = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  try {
    while (!signal.aborted) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    await reader.cancel();
  }
}

const opened = (path: string, flags: number): Promise<number> =>
  new Promise((resolve, reject) => {
    open(path, flags, (failure, file) => (failure === null ? resolve(file) : reject(failure)));
  });

const readInto = (file: number, buffer: Uint8Array): Promise<number> =>
  new Promise((resolve, reject) => {
    const done = (failure: Error | null, length: number): void =>
      failure === null ? resolve(length) : reject(failure);
    read(file, buffer, 0, buffer.length, null, done);
  });
