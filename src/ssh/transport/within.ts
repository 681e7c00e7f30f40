/**
 * Waits for `work`, but not longer than `limitMs` milliseconds: then the answer is
 * `otherwise`, and the work goes on unwatched.
 */
export const within = async <T>(work: Promise<T>, limitMs: number, otherwise: T): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
};

/** How long somebody waits. */
export interface Patience {
  limitMs: number;
  signal: AbortSignal;
  /** What is said when the time is over. */
  late: () => Error;
  /** What is said when the signal aborts. */
  canceled: () => Error;
}

/** Waits for `work` as long as the patience lasts; the work goes on unwatched then. @throws what `late` or `canceled` gives */
export const patiently = async <T>(work: Promise<T>, { limitMs, signal, late, canceled }: Patience): Promise<T> => {
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(canceled());
  const timer = setTimeout(() => reject(late()), limitMs);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([givenUp, work]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
};
