/** The terminal as a remote command's: every key goes there as it is, and what it would have done here is the command's to decide. */
import type { CallOptions } from "../broker/client/client.ts";
import type { CallerTerminal, TerminalSize } from "../core/call-scope.ts";
import { isInBackground } from "../files/background.ts";

/** Standard input: what is typed is read from there. */
const input = 0;

export class CommandTerminal {
  /** The settings to go back to, as `stty -g` gives them; null when nothing was changed. */
  #settings: string | null = null;
  #closed = false;
  #unwatch: () => void = () => undefined;
  readonly #type: string;

  /** @param type TERM */
  constructor(type: string | undefined) {
    this.#type = type ?? "";
  }

  /** Hands it over; null when standard input is no terminal. */
  readonly begin: NonNullable<CallOptions["terminal"]> = async (onResize): Promise<CallerTerminal | null> => {
    const { isatty } = await import("node:tty");
    // In the background, to change the terminal would stop the whole job.
    const size = isatty(input) && !isInBackground() && !this.#closed ? sizeOf(stty("size")) : null;
    if (size === null) return null;
    this.#settings = stty("-g");
    if (this.#settings === null) return null;
    stty("raw", "-echo");
    const resized = (): void => {
      const now = sizeOf(stty("size"));
      if (now !== null) onResize(now);
    };
    const restore = (): void => this.close();
    process.on("SIGWINCH", resized);
    process.on("exit", restore);
    this.#unwatch = () => {
      process.off("SIGWINCH", resized);
      process.off("exit", restore);
    };
    return { type: this.#type, ...size };
  };

  /** Puts it back as it was, however often it is called. */
  close(): void {
    this.#closed = true;
    const settings = this.#settings;
    this.#settings = null;
    this.#unwatch();
    if (settings !== null) stty(settings);
  }
}

/** `ROWS COLUMNS`, as stty prints it. */
const sizeOf = (text: string | null): TerminalSize | null => {
  const [, rows, columns] = /^(\d+) (\d+)$/.exec(text ?? "") ?? [];
  return rows === undefined ? null : { rows: Number(rows), columns: Number(columns) };
};

/** @returns what it printed, or null when it failed */
const stty = (...words: string[]): string | null => {
  try {
    const outcome = Bun.spawnSync(["stty", ...words], { stdin: input, stdout: "pipe", stderr: "ignore" });
    return outcome.success ? outcome.stdout.toString().trim() : null;
  } catch {
    // It is not installed.
    return null;
  }
};
