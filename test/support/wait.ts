export interface WaitOptions {
  /** What is awaited, for the error: "the proxy's second connection". */
  what: string;
  /** Milliseconds; 10 s by default. A limit for a broken program, not a measure of a working one. */
  timeout?: number;
  /** Milliseconds between looks. */
  interval?: number;
}

/** Polls until the condition gives something truthy, and returns that. @throws Error naming what did not happen */
export const waitFor = async <T>(
  condition: () => T | Promise<T>,
  { what, timeout = 10_000, interval = 10 }: WaitOptions,
): Promise<Exclude<Awaited<T>, false | null | undefined | 0 | "">> => {
  const deadline = performance.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value) return value as Exclude<Awaited<T>, false | null | undefined | 0 | "">;
    if (performance.now() > deadline) throw new Error(`waited ${timeout} ms in vain for ${what}`);
    await Bun.sleep(interval);
  }
};

/** The promise, or an error naming what did not happen in time. */
export const within = async <T>(promise: Promise<T>, { what, timeout = 10_000 }: WaitOptions): Promise<T> => {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`waited ${timeout} ms in vain for ${what}`)), timeout);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};
