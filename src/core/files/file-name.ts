/**
 * Names of files that somebody else made up, for this machine: what is no plain name of one file in one directory is never given to the system. Names
 * are texts as path-text.ts has them.
 */
import { pathBytes } from "./path-text.ts";

/** NAME_MAX of every file system that matters. */
export const longestName = 255;

/** What most names are, and all but Windows take. */
const plain = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$/;
/** A surrogate that stands for no byte. */
const unpaired = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udc7f\udd00-\udfff]/;
const byteOfNoText = /(?<![\ud800-\udbff])[\udc80-\udcff]/;
/** Naming Files, Paths, and Namespaces (Windows): a device keeps its name in every folder, with any extension, and spaces before it. */
const device = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|:|$)/i;
const notOnWindows = /[\x00-\x1f<>:"|?*\\]/;

/**
 * What keeps a text from being the name of a file, in words that follow it; null when it is one.
 * @param platform as in `process.platform`; all but `win32` and `darwin` take what POSIX takes
 */
export const nameProblem = (name: string, platform: string): string | null => {
  if (platform !== "win32" && plain.test(name)) return null;
  if (name === "") return "is an empty name";
  if (name === "." || name === "..") return "is no name of a file";
  if (name.includes("/")) return "has a slash in it";
  if (name.includes("\0")) return "has a NUL in it";
  if (unpaired.test(name)) return "is no name that bytes can stand for";
  if (name.length > longestName / 3 && pathBytes(name).length > longestName)
    return `is longer than ${longestName} bytes`;
  if (platform === "darwin" && byteOfNoText.test(name)) return "is no valid UTF-8, which this system wants";
  return platform === "win32" ? windowsProblem(name) : null;
};

const windowsProblem = (name: string): string | null => {
  if (byteOfNoText.test(name)) return "is no valid UTF-8, which Windows wants";
  if (notOnWindows.test(name)) return "has a character that Windows takes in no name";
  if (/[. ]$/.test(name)) return "ends with a dot or a space, which Windows drops";
  return device.test(name) ? "is the name of a device on Windows" : null;
};

/** The same of a path below some root: one name after the other, with `/` between. */
export const pathProblem = (path: string, platform: string): string | null => {
  for (const name of path.split("/")) {
    const problem = nameProblem(name, platform);
    if (problem !== null) return problem;
  }
  return null;
};

/**
 * Whether what a symbolic link says stays below the root it lies in: relative, never above the root, and with every `..` at its begin. One that comes after
 * a name leads to the parent of whatever that name is a link to, which no text can tell.
 * @param path of the link itself, below the root
 */
export const staysInside = (path: string, target: string): boolean => {
  if (target === "" || target.startsWith("/") || target.includes("\0")) return false;
  const names = target.split("/").filter((name) => name !== "" && name !== ".");
  const down = names.findIndex((name) => name !== "..");
  const ups = down < 0 ? names.length : down;
  return ups < path.split("/").length && !names.slice(ups).includes("..");
};
