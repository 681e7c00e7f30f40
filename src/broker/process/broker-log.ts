/** The broker's own diary, `broker.log`: that it began and ended, and what it did not expect. A line each, and never a secret. */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { escapeLine } from "../../core/escape.ts";

/** Bytes of the longest file: then its older half goes. */
const fileLimit = 1024 * 1024;
const longestLine = 4096;

export class BrokerLog {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Appends a line with the time and the process. Never throws: a full disk is no reason to end. */
  write(text: string): void {
    const line = `${new Date().toISOString()} [${process.pid}] ${escapeLine(text).slice(0, longestLine)}\n`;
    try {
      append(this.#path, Buffer.from(line));
    } catch {
      // There is nobody else to tell.
    }
  }

  /** What nobody caught: a bug, with the place it came from. */
  unexpected(thrown: unknown): void {
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    this.write(`unexpected: ${text.replaceAll(/\s*\n\s*/g, " | ")}`);
  }
}

const append = (path: string, line: Uint8Array): void => {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = openSync(path, flags, 0o600);
  try {
    const { size } = fstatSync(file);
    if (size + line.length > fileLimit) forgetOlderHalf(file, size);
    writeSync(file, line);
  } finally {
    closeSync(file);
  }
};

const forgetOlderHalf = (file: number, size: number): void => {
  const newer = Buffer.alloc(fileLimit / 2);
  const length = readSync(file, newer, 0, newer.length, Math.max(0, size - newer.length));
  ftruncateSync(file, 0);
  // From the first whole line on.
  writeSync(file, newer.subarray(newer.indexOf("\n") + 1, length));
};
