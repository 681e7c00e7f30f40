import type { Sink } from "../../core/sink.ts";

/**
 * What a program writes, as something to read: a chunk is accepted when the one before it was taken, and no more is taken from the server meanwhile.
 * @param work runs the program; when the reader leaves, its sink refuses the next chunk
 */
export async function* piped(work: (sink: Sink) => Promise<void>): AsyncGenerator<Uint8Array, void, void> {
  let waiting: { chunk: Uint8Array; taken: PromiseWithResolvers<void> } | null = null;
  let arrived = Promise.withResolvers<void>();
  let isLeft = false;
  const left = (): Error => new Error("nobody reads on");
  const write = async (chunk: Uint8Array): Promise<void> => {
    if (isLeft) throw left();
    const taken = Promise.withResolvers<void>();
    waiting = { chunk, taken };
    arrived.resolve();
    await taken.promise;
  };
  let isOver = false;
  const over = work({ write }).finally(() => {
    isOver = true;
    arrived.resolve();
  });
  // Thrown below, when what came before it has been read; nobody may be there to hear it then.
  over.catch(() => {});
  try {
    while (true) {
      await arrived.promise;
      arrived = Promise.withResolvers<void>();
      const now = taken();
      if (now !== null) yield now;
      if (isOver && waiting === null) break;
      if (isOver) arrived.resolve();
    }
    await over;
  } finally {
    isLeft = true;
    const last = waiting as { taken: PromiseWithResolvers<void> } | null;
    last?.taken.reject(left());
  }

  function taken(): Uint8Array | null {
    const now = waiting;
    waiting = null;
    now?.taken.resolve();
    return now?.chunk ?? null;
  }
}
