import { lstatSync, readdirSync } from "node:fs";
import { parseComponent } from "./glob-component.ts";
import type { Seen } from "./seen-files.ts";

/** PATH_MAX: no pattern that is as long matches anything. */
const longestPattern = 4096;

/**
 * The existing paths that match an absolute glob(7) pattern, in byte order: `*`, `?`, `[a-z]`, `[!a-z]` and
 * backslash, within one path component each; a leading dot must be written. A pattern without any of these
 * is a path, given back if it exists. Folders that cannot be read match nothing. (Bun.Glob would take
 * braces and `**`, which Include does not know.)
 * @param seen told of what may come to match
 */
export const expandGlob = (pattern: string, seen?: Seen): string[] => {
  if (Buffer.byteLength(pattern) >= longestPattern) return [];
  let paths = ["/"];
  for (const component of pattern.split("/").filter((part) => part !== "")) {
    paths = matchesIn(paths, component, seen);
  }
  return paths;
};

const matchesIn = (folders: readonly string[], written: string, seen: Seen | undefined): string[] => {
  const component = parseComponent(written);
  if (component === null) return [];
  return folders.flatMap((folder) => {
    const prefix = folder === "/" ? "/" : `${folder}/`;
    if ("name" in component) {
      const path = prefix + component.name;
      if (exists(path)) return [path];
      seen?.note(path);
      return [];
    }
    seen?.note(folder);
    return namesIn(folder)
      .filter(component.matches)
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((name) => prefix + name);
  });
};

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

const exists = (path: string): boolean => {
  try {
    return lstatSync(path) !== undefined;
  } catch {
    return false;
  }
};
