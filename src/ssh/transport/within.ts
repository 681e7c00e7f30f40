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
