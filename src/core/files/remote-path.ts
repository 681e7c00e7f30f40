/** Paths on a server as people and models write them, made into those that remote-files.ts takes. */
import { escapeLine } from "../escape.ts";
import type { Caller } from "../operation.ts";

/**
 * `~` and `~/x` are meant from the home directory, as for scp; a file that is called so is `./~`. From an agent, what an answer has written out
 * because it cannot be seen, as `\udcff` for a byte that is no UTF-8, is that character again.
 */
export const remotePath = (text: string, { face }: Pick<Caller, "face">): string => {
  const path = face === "mcp" ? text.replace(writtenOut, unwritten) : text;
  if (path === "~") return "";
  return path.startsWith("~/") ? path.slice(2).replace(/^\/+/, "") : path;
};

const writtenOut = /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|u\{([0-9a-f]{5,6})\})/g;

/** Only what `escapeLine` would have written so. */
const unwritten = (written: string, byte?: string, unit?: string, point?: string): string => {
  const code = Number.parseInt(byte ?? unit ?? point ?? "0", 16);
  if (code === 0 || code > 0x10ffff) return written;
  const character = String.fromCodePoint(code);
  return escapeLine(character) === written ? character : written;
};

/** Without the slashes at its end: with them a link's own name means what it leads to. The root stays. */
export const withoutSlashes = (path: string): string => path.replace(/(?<=[^/])\/+$/, "");

export const endsWithSlash = (path: string): boolean => path.endsWith("/");

/** The last name; empty of the root and of the home directory. */
export const baseName = (path: string): string => /[^/]*$/.exec(withoutSlashes(path))?.[0] ?? "";

/** The directory it is in; empty for the home directory. */
export const parentOf = (path: string): string => {
  const plain = withoutSlashes(path);
  const slash = plain.lastIndexOf("/");
  if (slash < 0) return "";
  return withoutSlashes(plain.slice(0, slash)) || "/";
};

/** A name in a directory. */
export const joined = (directory: string, name: string): string => {
  if (directory === "") return name;
  return directory.endsWith("/") ? `${directory}${name}` : `${directory}/${name}`;
};
