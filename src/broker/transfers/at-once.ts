/**
 * Works on many things, so many at once. The first failure ends it: what was begun is waited for, nothing more is begun.
 * @throws the first failure
 */
export const atOnce = async <T>(
  items: Iterable<T> | AsyncIterable<T>,
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const failures: unknown[] = [];
  let isOver = false;
  const worker = async (): Promise<void> => {
    while (!isOver) {
      const next = await iterator.next();
      if (next.done === true) {
        isOver = true;
        return;
      }
      if (!isOver) await work(next.value);
    }
  };
  const workers = Array.from({ length: most }, () =>
    worker().catch((error: unknown) => {
      isOver = true;
      failures.push(error);
    }),
  );
  await Promise.all(workers);
  if (failures.length === 0) return;
  await iterator.return?.();
  throw failures[0];
};
