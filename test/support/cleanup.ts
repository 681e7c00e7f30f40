/**
 * Everything a test starts is registered here when it starts, so that it is ended even when the test throws.
 * Each test file that uses a fixture says `afterAll(cleanup);` once, at its top. (A hook registered from inside
 * another hook runs at once, so the registry cannot do that by itself.)
 */

interface Entry {
  release: () => unknown;
  atExit: () => void;
}

const entries = new Set<Entry>();
let watching = false;

/**
 * @param release ends one thing; it runs once
 * @param atExit the same without waiting, for a process that is going down
 * @returns the early release: what a fixture offers as `stop`
 */
export const onCleanup = (release: () => unknown, atExit: () => void = () => {}): (() => Promise<void>) => {
  watch();
  const entry = { release, atExit };
  entries.add(entry);
  return async () => {
    if (entries.delete(entry)) await release();
  };
};

/** Releases everything, the newest first. @throws AggregateError after all were tried, when some failed */
export const cleanup = async (): Promise<void> => {
  const failures: unknown[] = [];
  for (const entry of [...entries].reverse()) {
    if (!entries.delete(entry)) continue;
    try {
      await entry.release();
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, `cleanup: ${failures.map(String).join("; ")}`);
};

const watch = (): void => {
  if (watching) return;
  watching = true;
  process.on("exit", () => {
    for (const entry of [...entries].reverse()) entry.atExit();
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));
};
