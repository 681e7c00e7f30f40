/** Paths on a server as people and models write them, made into those that remote-files.ts takes. */

/**
 * `~` and `~/x` are meant from the home directory, as for scp; a file that is called so is `./~`. What an answer has written out for a byte that is no
 * UTF-8, as `\udcff`, is that byte again: many programs, and terminals, cannot send the character itself. Nothing else is: a name such as systemd's
 * `mnt-\xc3\x9cber.mount` has its backslashes.
 */
export const remotePath = (text: string): string => {
  const path = text.replace(writtenOut, unwritten);
  if (path === "~") return "";
  return path.startsWith("~/") ? path.slice(2).replace(/^\/+/, "") : path;
};

/** As path-text.ts has bytes, and escape.ts writes them. */
const writtenOut = /\\udc([89a-f][0-9a-f])/g;

const unwritten = (_: string, byte: string): string => String.fromCharCode(0xdc00 + Number.parseInt(byte, 16));

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
