import { readFileSync } from "node:fs";

/** Whether the words are what was typed: Bun replaces bytes that are not UTF-8 by U+FFFD, which somebody may also have typed. */
export const wereUtf8 = (words: readonly string[]): boolean => {
  if (!words.some((word) => word.includes("\ufffd"))) return true;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(readFileSync("/proc/self/cmdline"));
    return true;
  } catch {
    // Not UTF-8, or no /proc to look at (macOS): then rather a refusal than another command.
    return false;
  }
};
