/** What follows `serve` on the command line: what a person allows beyond what the client says. */
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";

export interface ServeSettings {
  /** Absolute paths of directories whose files may be copied, whatever the client says; null leaves it to the client. */
  localRoots: readonly string[] | null;
  /** Whether keys, credentials and `.env` files are files as any other. */
  secretsAllowed: boolean;
}

export const usualSettings: ServeSettings = { localRoots: null, secretsAllowed: false };

/**
 * @param words what follows `serve`
 * @throws SshMcpError USAGE
 */
export const parseServeOptions = async (words: readonly string[]): Promise<ServeSettings> => {
  const roots: string[] = [];
  let secretsAllowed = false;
  for (let at = 0; at < words.length; at++) {
    const [word = "", inline] = split(words[at] ?? "");
    switch (word) {
      case "--local-root":
        roots.push(await directory(inline ?? words[++at]));
        break;
      case "--allow-secret-files":
        if (inline !== undefined) throw wrong("--allow-secret-files takes no value");
        secretsAllowed = true;
        break;
      default:
        throw wrong(`serve takes no ${word.startsWith("-") ? "option" : "word"} ${shown(word)}`);
    }
  }
  return { localRoots: roots.length === 0 ? null : roots, secretsAllowed };
};

const split = (word: string): [string, string?] => {
  const equals = word.startsWith("--") ? word.indexOf("=") : -1;
  return equals < 0 ? [word] : [word.slice(0, equals), word.slice(equals + 1)];
};

/** What it takes to look is not loaded for a client that waits for its first answer. */
const directory = async (path: string | undefined): Promise<string> => {
  if (path === undefined || path === "" || path.startsWith("--")) throw wrong("--local-root needs a directory");
  const [{ statSync }, { resolve }] = await Promise.all([import("node:fs"), import("node:path")]);
  const absolute = resolve(path);
  if (statSync(absolute, { throwIfNoEntry: false })?.isDirectory() === true) return absolute;
  throw wrong(`--local-root: there is no directory ${shown(absolute)}`);
};

const wrong = (message: string): SshMcpError => new SshMcpError("USAGE", message, { hint: "ssh-mcp serve --help" });
