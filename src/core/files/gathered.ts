/** Bytes that are waited for before anything is begun with them. */
const mostGathered = 1024 * 1024;

/**
 * Waits for all of a short input, and for the beginning of a long one: whoever keeps others waiting while it writes does not wait for its own input
 * meanwhile, as far as that can be.
 * @param bytes chunks that stay as they are
 * @returns the same bytes
 * @throws what `bytes` throws
 */
export const gathered = async (bytes: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> => {
  const source = bytes[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let isDone = false;
  for (let length = 0; length < mostGathered && !isDone; ) {
    const { done, value } = await source.next();
    isDone = done === true;
    if (done === true) break;
    // Its memory may be used again for the next one.
    chunks.push(value.slice());
    length += value.length;
  }
  return (async function* () {
    let isLeft = !isDone;
    try {
      yield* chunks;
      while (isLeft) {
        const { done, value } = await source.next();
        if (done === true) isLeft = false;
        else yield value;
      }
    } finally {
      if (isLeft) await source.return?.();
    }
  })();
};
