/** Paths as text, for the warm path: node:path takes half a millisecond to load. All of them are absolute. */

/** Without `.`, `..`, doubled slashes and a slash at the end; symbolic links are not looked at. */
export const tidyPath = (path: string): string => {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
};

/** @param path a tidy one; `/` is its own parent */
export const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf("/"), 1));
