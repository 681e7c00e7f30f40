/** What is never removed with all that is in it, whoever asks: the root, a home directory or what holds one, the folders right below the root. */
import { SshMcpError } from "../errors.ts";
import { shown } from "../escape.ts";
import type { RemoteFiles } from "./remote-files.ts";
import { baseName, joined, parentOf, withoutSlashes } from "./remote-path.ts";

/**
 * Where the name really is: its directory without links and dots, and the name itself, which is not followed.
 * @param homes directories that are protected beside the home of these files' user, resolved
 * @throws SshMcpError INVALID_INPUT for what is refused; as `RemoteFiles.resolve` for a directory that is not there
 */
export const removablePath = async (files: RemoteFiles, path: string, homes: readonly string[]): Promise<string> => {
  const name = baseName(path);
  if (/^\/*$/.test(path)) throw refused(path, path === "" ? "is the home directory" : "is the root directory");
  if (name === "." || name === "..") throw refused(path, "ends with a dot: name the directory itself");
  const [directory, home, itself] = await Promise.all([
    files.resolve(parentOf(path)),
    files.resolve("."),
    // A link that leads nowhere, and what is not there, lead to no home.
    files.resolve(withoutSlashes(path)).catch(() => null),
  ]);
  const full = joined(directory, name);
  if (directory === "/" || directory === "") throw refused(path, "is a folder at the top");
  if (holdHomes.includes(directory)) throw refused(path, "is a home directory");
  for (const kept of [home, ...homes]) {
    for (const place of [full, ...(itself === null ? [] : [itself])]) {
      if (place === kept) throw refused(path, "is a home directory");
      if (kept.startsWith(joined(place, ""))) throw refused(path, "holds a home directory");
    }
  }
  return full;
};

/** Where the homes of people lie, of whoever is not asked about. */
export const holdHomes: readonly string[] = ["/home", "/Users", "/usr/home", "/var/home", "/export/home"];

const refused = (path: string, why: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", `${shown(path)} ${why}, which is never removed with all that is in it`);
