import { lstatSync, readdirSync } from "node:fs";
import type { Seen } from "./seen-files.ts";

/**
 * The existing paths that match an absolute glob(7) pattern, in byte order: `*`, `?`, `[a-z]`, `[!a-z]` and
 * backslash, within one path component each; a leading dot must be written. A pattern without any of these
 * is a path, given back if it exists. Folders that cannot be read match nothing. (Bun.Glob would take
 * braces and `**`, which Include does not know.)
 * @param seen told of what may come to match
 */
export const expandGlob = (pattern: string, seen?: Seen): string[] => {
  let paths = ["/"];
  for (const component of pattern.split("/").filter((part) => part !== "")) {
    paths = paths.flatMap((folder) => matchesIn(folder, component, seen));
  }
  return paths;
};

const matchesIn = (folder: string, component: string, seen: Seen | undefined): string[] => {
  const prefix = folder === "/" ? "/" : `${folder}/`;
  if (!/[*?[]/.test(component)) {
    const path = prefix + component.replace(/\\(.)/g, "$1");
    if (exists(path)) return [path];
    seen?.note(path);
    return [];
  }
  seen?.note(folder);
  const expression = componentExpression(component);
  return namesIn(folder)
    .filter((name) => (component.startsWith(".") || !name.startsWith(".")) && expression.test(name))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((name) => prefix + name);
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

const componentExpression = (component: string): RegExp => {
  let source = "";
  for (let at = 0; at < component.length; at++) {
    const char = component[at] ?? "";
    const set = char === "[" ? /^\[(!?)(\]?(?:\[:[a-z]+:\]|[^\]])*)\]/.exec(component.slice(at)) : null;
    if (char === "*") source += ".*";
    else if (char === "?") source += ".";
    else if (set !== null && set[2] !== "") {
      source += `[${set[1] === "!" ? "^" : ""}${setExpression(set[2] ?? "")}]`;
      at += set[0].length - 1;
    } else {
      source += literal(char === "\\" ? (component[++at] ?? "\\") : char);
    }
  }
  return new RegExp(`^${source}$`, "s");
};

const setExpression = (set: string): string =>
  set
    .split(/(\[:[a-z]+:\])/)
    .map((part) => classes.get(part) ?? part.replace(/[\\\]^[]/g, "\\$&"))
    .join("");

/** Of the C locale. */
const classes: ReadonlyMap<string, string> = new Map([
  ["[:alnum:]", "A-Za-z0-9"],
  ["[:alpha:]", "A-Za-z"],
  ["[:blank:]", " \\t"],
  ["[:cntrl:]", "\\x00-\\x1f\\x7f"],
  ["[:digit:]", "0-9"],
  ["[:graph:]", "!-~"],
  ["[:lower:]", "a-z"],
  ["[:print:]", " -~"],
  ["[:punct:]", "!-\\/:-@\\[-`{-~"],
  ["[:space:]", "\\s"],
  ["[:upper:]", "A-Z"],
  ["[:xdigit:]", "0-9A-Fa-f"],
]);

const literal = (char: string): string => char.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
