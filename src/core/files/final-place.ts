import { SshMcpError } from "../errors.ts";
import { shown } from "../escape.ts";
import type { FileFacts } from "./file-facts.ts";
import type { RemoteFiles } from "./remote-files.ts";

export interface FinalPlace {
  /** No symbolic link itself; the directories before it may be. */
  path: string;
  /** Null when nothing is there. */
  facts: FileFacts | null;
}

/** As many as Linux follows: path_resolution(7). */
const mostLinks = 40;

/**
 * Where a write through a name ends up: symbolic links at the end of the path are followed one by one, also one that leads to nothing yet.
 * @param follow false takes a link for what is there
 * @throws SshMcpError REMOTE_IO for links in a circle
 */
export const finalPlace = async (files: RemoteFiles, path: string, follow: boolean): Promise<FinalPlace> => {
  let at = withoutSlashes(path);
  for (let links = 0; links <= mostLinks; links++) {
    const facts = await files.lstat(at);
    if (facts?.type !== "symlink" || !follow) return { path: at, facts };
    const target = await files.readLink(at);
    if (target === "") break;
    // Joined, not tidied up: after a linked directory `..` is another one than the text says.
    at = withoutSlashes(target.startsWith("/") ? target : `${directoryOf(at)}${target}`);
  }
  throw new SshMcpError("REMOTE_IO", `${shown(path)} is a symbolic link that leads nowhere, or in a circle`);
};

/** With its slash at the end; empty for a bare name. */
export const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);

/** A slash at the end would follow a link, and says that a directory is meant. */
const withoutSlashes = (path: string): string => path.replace(/(?<!^)\/+$/, "");
