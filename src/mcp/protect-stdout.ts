/** What of `console` never prints on stdout. `Console` is not even read: it costs 4 ms. */
const harmless: ReadonlySet<string> = new Set(["error", "warn", "assert", "Console"]);

/**
 * Turns everything else that prints on stdout, a library's stray `console.log` or `process.stdout.write`, to stderr: one such
 * line makes a client drop the connection. The transport writes to the file descriptor itself.
 */
export const protectStdout = (): void => {
  const { error } = console;
  for (const name of Object.keys(console)) {
    if (!harmless.has(name)) Object.defineProperty(console, name, { configurable: true, writable: true, value: error });
  }
  // Replaced unread: making the real stream costs 8 ms of start-up. Whoever took it before holds it still, so this comes first.
  Object.defineProperty(process, "stdout", { configurable: true, enumerable: true, get: () => process.stderr });
};
