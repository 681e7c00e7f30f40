/** What goes wrong with a local file, in words. */
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";

const words: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  ENOSPC: "no space left on its disk",
  EDQUOT: "the disk quota is used up",
  EROFS: "its file system is read-only",
  EFBIG: "too large a file for its file system",
  EIO: "its disk fails",
  EISDIR: "it is a directory",
  ENOTDIR: "something on the way to it is no directory",
  ENOTEMPTY: "it is not empty",
  ELOOP: "a symbolic link is in the way, which is not followed",
  ENAMETOOLONG: "its name is too long",
  EMFILE: "this process has too many files open",
  ENFILE: "this machine has too many files open",
  ETXTBSY: "it is being run",
  EBUSY: "it is in use",
  EILSEQ: "its name is nothing that its file system takes",
  EINVAL: "its file system does not take that",
};

/**
 * @param done what cannot be done, in words that follow `cannot be`
 * @param bytes of it that are safely there
 */
export const localError = (path: string, done: string, cause: unknown, bytes: number | null = null): SshMcpError => {
  if (cause instanceof SshMcpError) return cause;
  const code = errorCode(cause);
  const name = shown(path);
  const hint = code === "ENOSPC" || code === "EDQUOT" ? `df -h ${parent(path)}` : `ls -ld ${quoteWord(path)}`;
  if (code === "ENOENT") return new SshMcpError("NOT_FOUND", `${name} is not there`, { hint, cause });
  const reason = words[code] === undefined ? code : `${words[code]} (${code})`;
  const there = bytes === null ? "" : `; ${bytes} bytes of it are kept`;
  const kind = code === "EEXIST" ? "ALREADY_EXISTS" : "LOCAL_IO";
  const what = code === "EEXIST" ? "something of that name is there" : reason;
  return new SshMcpError(kind, `${name} cannot be ${done}: ${what}${there}`, { hint, cause });
};

const parent = (path: string): string => {
  const at = path.lastIndexOf("/");
  return quoteWord(at < 0 ? "." : at === 0 ? "/" : path.slice(0, at));
};

/** An Error with a system's code, for what the system did not say itself. */
export const systemError = (code: string): Error => Object.assign(new Error(code), { code });
