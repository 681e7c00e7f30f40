/**
 * What is left out, as rsync(1) has the simple ones of its FILTER RULES: a pattern with a slash in it (not at its end) is meant from the root of the
 * transfer, or from any folder where it does not begin with one; one without matches a name anywhere; a slash at its end means folders only. `*`
 * stops at a slash, `**` does not; a folder of that name is any number of folders, and none. What is below an excluded folder is excluded.
 * `[…]` is one character of several, and a backslash makes the next one plain, in a pattern that has any of `*`, `?` and `[`. `FOLDER/***` is `FOLDER/`.
 */
import { matchGlob } from "../../core/glob.ts";
import { matchDeepGlob } from "./deep-glob.ts";

/** @returns whether the path, or a folder that it lies in, is excluded */
export type Excluded = (path: string, isDirectory: boolean) => boolean;

export const excludedBy = (patterns: readonly string[]): Excluded => {
  const rules = patterns.map(ruleOf);
  if (rules.length === 0) return () => false;
  return (path, isDirectory) => {
    const names = path.split("/");
    return names.some((_, index) => {
      const isFolder = isDirectory || index < names.length - 1;
      return rules.some((rule) => (isFolder || !rule.foldersOnly) && matches(rule, names.slice(0, index + 1)));
    });
  };
};

interface Rule {
  foldersOnly: boolean;
  /** From the root on; else the end of a path is enough. */
  anchored: boolean;
  names: readonly string[];
}

const ruleOf = (given: string): Rule => {
  const pattern = given.replace(/\/\*\*\*$/, "/");
  const foldersOnly = pattern.endsWith("/");
  const anchored = pattern.startsWith("/");
  const names = pattern.split("/").filter((name) => name !== "");
  return { foldersOnly, anchored, names };
};

const matches = ({ anchored, names: wanted }: Rule, names: readonly string[]): boolean => {
  if (wanted.length === 0) return false;
  if (wanted.some((name) => name.includes("**")))
    return matchDeepGlob(names.join("/"), `${anchored ? "" : "**/"}${wanted.join("/")}`);
  if (names.length < wanted.length || (anchored && names.length !== wanted.length)) return false;
  return wanted.every((pattern, index) => matchesName(names[names.length - wanted.length + index] ?? "", pattern));
};

const matchesName = (name: string, pattern: string): boolean => {
  if (!/[*?[]/.test(pattern)) return name === pattern;
  return /[[\\]/.test(pattern) ? matchDeepGlob(name, pattern) : matchGlob(name, pattern);
};
