/** Paths below a root: with `/` between names, and none at the begin. */

/** @param path empty for the root itself */
export const below = (root: string, path: string): string => {
  if (path === "") return root;
  if (root === "") return path;
  return root.endsWith("/") ? `${root}${path}` : `${root}/${path}`;
};

/** @returns empty for a name directly below the root */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));

export const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** The same path without slashes at its end; `/` stays. */
export const withoutSlashes = (path: string): string => path.replace(/(?<=.)\/+$/, "");

/** What transfers themselves leave beside files: parts of a broken one, and what many small files were put into, with all that is in it. */
export const isOurs = (path: string): boolean =>
  path.includes(".ssh-mcp-") &&
  path
    .split("/")
    .some((name) => (name.startsWith(".") && /\.ssh-mcp-(part|tmp)$/.test(name)) || name.startsWith(stagePrefix));

export const stagePrefix = ".ssh-mcp-stage-";

/**
 * Stands in a directory that a copy made and is not through with, so that the same words mean the same directory again when they are to go on: else the
 * source would go into it, since it is there now.
 */
export const unfinishedName = ".ssh-mcp-copy.ssh-mcp-part";
