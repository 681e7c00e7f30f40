/** The words as they were typed: Bun replaces bytes that are not UTF-8 by U+FFFD, which somebody may also have typed. */
import { pathText } from "../core/files/path-text.ts";

/** @returns with each byte that is no UTF-8 as path-text.ts has it; null where nobody knows what was typed */
export const typedWords = (words: readonly string[]): readonly string[] | null => {
  if (!words.join("").includes("\ufffd")) return words;
  // Only now: the warm path has no time to load it.
  const { readFileSync }: typeof import("node:fs") = require("node:fs");
  try {
    const line = readFileSync("/proc/self/cmdline");
    const all = pathText(line).split("\0").slice(0, -1);
    const typed = words.length === 0 ? [] : all.slice(-words.length);
    return typed.every((word, at) => lenient(word) === lenient(words[at] ?? "")) ? typed : null;
  } catch {
    // No /proc to look at (macOS): then rather a refusal than another command.
    return null;
  }
};

/** Of how many bytes, both may say otherwise. */
const lenient = (word: string): string => word.replace(/[\ufffd\udc80-\udcff]+/g, "\ufffd");
