/** Whether the words are what was typed: Bun replaces bytes that are not UTF-8 by U+FFFD, which somebody may also have typed. */
export const wereUtf8 = (words: readonly string[]): boolean => {
  if (!words.join("").includes("\ufffd")) return true;
  // Only now: the warm path has no time to load it.
  const { readFileSync }: typeof import("node:fs") = require("node:fs");
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(readFileSync("/proc/self/cmdline"));
    return true;
  } catch {
    // Not UTF-8, or no /proc to look at (macOS): then rather a refusal than another command.
    return false;
  }
};
