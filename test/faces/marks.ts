/** Finding the processes of a command by something that stands on its command line and nowhere else. */
import { readdirSync, readFileSync } from "node:fs";

let marks = 0;

/** A number of seconds that no other `sleep` on the machine has. */
export const nextMark = (): string => `70${process.pid}${++marks}`;

/** Command lines of the living processes that name the mark. */
export const marked = (mark: string): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => commandLine(pid))
    .filter((line) => line.includes(mark));

const commandLine = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim();
  } catch {
    // It ended while we looked.
    return "";
  }
};
