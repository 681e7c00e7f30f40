import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { RemoteFiles } from "../../core/files/remote-files.ts";
import { below } from "./below.ts";
import { matchDeepGlob } from "./deep-glob.ts";
import { endsAll } from "./tally.ts";

/** Paths that a pattern may lead to, at any of its slashes. */
const mostPaths = 100_000;

/**
 * The paths that a pattern of `*`, `?` and `[…]` leads to, where there is no sh to ask: as that has it, a name with a dot at its begin is meant only by a
 * pattern with one.
 * @throws SshMcpError TOO_LARGE; and what ends everything
 */
export const globOverLists = async (files: RemoteFiles, pattern: string): Promise<string[]> => {
  const words = pattern.split("/").filter((word, index, all) => word !== "" || index === all.length - 1);
  let paths = [pattern.startsWith("/") ? "/" : ""];
  for (const word of words) {
    const found: string[] = [];
    for (const path of paths) {
      for (const name of await namesOf(files, path, word)) found.push(word === "" ? `${path}/` : below(path, name));
      if (found.length > mostPaths) throw new SshMcpError("TOO_LARGE", `${shown(pattern)} matches too many paths`);
    }
    paths = found;
  }
  return paths.sort();
};

const namesOf = async (files: RemoteFiles, path: string, word: string): Promise<string[]> => {
  try {
    if (word === "") return (await files.stat(path))?.type === "directory" ? [""] : [];
    if (!/[*?[]/.test(word.replace(/\\[\s\S]/g, ""))) {
      const name = word.replace(/\\([\s\S])/g, "$1");
      return (await files.lstat(below(path, name))) === null ? [] : [name];
    }
    const names: string[] = [];
    for await (const entries of files.list(path === "" ? "." : path)) {
      for (const { name } of entries)
        if (name.startsWith(".") === /^\\?\./.test(word) && matchDeepGlob(name, word)) names.push(name);
    }
    return names;
  } catch (thrown) {
    // What is no directory, or may not be looked into, holds nothing that matches.
    if (endsAll(toSshMcpError(thrown))) throw thrown;
    return [];
  }
};
