/**
 * What is left out, as rsync(1) has the simple ones of its FILTER RULES: a pattern with a slash in it (not at its end) is meant from the root of the
 * transfer, or from any folder where it does not begin with one; one without matches a name anywhere; a slash at its end means folders only. `*`
 * stops at a slash, `**` does not. What is below an excluded folder is excluded.
 */
import { matchGlob } from "../../core/glob.ts";

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

const ruleOf = (pattern: string): Rule => {
  const foldersOnly = pattern.endsWith("/");
  const anchored = pattern.startsWith("/");
  const names = pattern.split("/").filter((name) => name !== "");
  return { foldersOnly, anchored, names };
};

const matches = ({ anchored, names: wanted }: Rule, names: readonly string[]): boolean => {
  if (wanted.length === 0) return false;
  if (wanted.some((name) => name.includes("**"))) {
    const text = names.join("/");
    const pattern = wanted.join("/");
    return matchGlob(text, pattern) || (!anchored && matchGlob(`/${text}`, `*/${pattern}`));
  }
  if (names.length < wanted.length || (anchored && names.length !== wanted.length)) return false;
  return wanted.every((pattern, index) => matchGlob(names[names.length - wanted.length + index] ?? "", pattern));
};
