/** Begins at once, where an iteration would begin with its first question. Whoever does not come to its end calls `return`. */
export const begun = <T>(items: AsyncIterable<T>): AsyncIterator<T> => {
  const iterator = items[Symbol.asyncIterator]();
  let first: Promise<IteratorResult<T>> | null = iterator.next();
  // Whoever asks hears of it.
  first.catch(() => undefined);
  return {
    next: () => {
      const next = first ?? iterator.next();
      first = null;
      return next;
    },
    return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
  };
};
