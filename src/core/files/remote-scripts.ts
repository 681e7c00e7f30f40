/** Small programs of POSIX sh for a server's files, and how their answers are read. See RemoteMachine.run for what becomes of raw bytes in them. */
import { SshMcpError } from "../errors.ts";
import { shown } from "../escape.ts";
import { quoteWord } from "../quote.ts";
import { pathText } from "./path-text.ts";
import { holdHomes } from "./removal-guard.ts";

/** SHA-256 of a file. @param length of its first bytes only; null is all of it */
export const sha256Program = (path: string, length: number | null): string => {
  // A read that fails must not end in the hash of what came before: it makes the tool fail, or the hash a wrong one.
  const hash = length === null ? "$t <&3" : `{ head -c ${length} <&3||echo broken;}|$t`;
  return lines(
    prelude,
    home(path),
    `p=${shPath(path)}`,
    // To open a FIFO would wait for somebody.
    '[ -f "$p" ]||exit 1',
    'exec 3<"$p"||exit 1',
    "for t in 'sha256sum' 'shasum -a 256' 'openssl dgst -sha256' 'busybox sha256sum' 'digest -a sha256' 'sha256 -q';do",
    // Each has to know the hash of nothing first: what answers otherwise is no such tool.
    `case $($t </dev/null 2>/dev/null) in *${ofNothing}*);;*)continue;;esac`,
    `h=$(${hash})||exit 1`,
    `echo "${answer} sha256 $h"`,
    "exit 0;done",
    `echo '${answer} none'`,
  );
};

/** Hex; null where the server has nothing to compute it with. @throws SshMcpError REMOTE_IO for an answer that is none: the file cannot be read */
export const parseSha256 = (stdout: Uint8Array, path: string): string | null => {
  const said = answers(stdout)[0] ?? "";
  if (said === "none") return null;
  const hex = /^sha256 (?:.*[^0-9a-f])?([0-9a-f]{64})(?![0-9a-f])/.exec(said)?.[1];
  if (hex === undefined) throw new SshMcpError("REMOTE_IO", `${shown(path)} cannot be read for its SHA-256`);
  return hex;
};

/**
 * Removes a directory with all that is in it, or a file; links are removed and never followed. `/`, home directories, what holds one, and folders at
 * the top are refused where they really lie, whatever leads to them. What is removed lies in the directory that was looked at: its name is not followed
 * a second time.
 * @param path an absolute one has no links and dots before its last name: where that leads elsewhere by now, nothing is removed
 * @throws SshMcpError INVALID_INPUT for a path that ends in `.` or `..`, or names nothing
 */
export const removeTreeProgram = (path: string): string => {
  const bare = path.replace(/\/+$/, "");
  if (bare === "" || /(?:^|\/)\.{1,2}$/.test(bare))
    throw new SshMcpError("INVALID_INPUT", `${shown(path)} cannot be removed: name the directory itself`);
  return lines(
    prelude,
    home(path),
    `p=${shPath(bare)}`,
    // The dots keep newlines at the end of a name.
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of sh
    "h=$(cd -P 2>/dev/null&&pwd -P&&echo .);h=${h%??}",
    `[ -e "$p" ]||[ -L "$p" ]||case $(ls -ld "$p" 2>&1) in *"o such file or directory"|*"ot a directory")echo '${answer} absent';exit 1;;*)ls -ld "$p" >/dev/null;echo '${answer} left';exit 1;;esac`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of sh
    "o=${p%/*};o=${o:-/};b=./${p##*/}",
    `cd -P "$o"||{ echo '${answer} left';exit 1;}`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of sh
    "d=$(pwd -P&&echo .);d=${d%??}",
    'if [ -d "$b" ]&&[ ! -L "$b" ];then',
    `case "\${d%/}" in ''|/)echo '${answer} refused';exit 1;;esac`,
    `case "$h/" in "\${d%/}/\${b#./}/"*)echo '${answer} refused';exit 1;;esac`,
    // Everybody's home: by where they usually lie, through links, and by what the server's list of users says.
    `for k in ${holdHomes.join(" ")};do k=$(cd -P "$k" 2>/dev/null&&pwd -P);[ "$d" != "$k" ]||{ echo '${answer} refused';exit 1;};done`,
    "k=$({ getent passwd||cat /etc/passwd;} 2>/dev/null|while IFS=: read -r n x u g c w s;do",
    `case "$w/" in ("\${d%/}/\${b#./}/"*)echo 1;;esac;done)`,
    `[ -z "$k" ]||{ echo '${answer} refused';exit 1;}`,
    "fi",
    bare.startsWith("/") ? `[ "$d" = "$o" ]||{ echo '${answer} moved';exit 1;}` : "",
    'rm -rf -- "$b"&&[ ! -e "$b" ]&&[ ! -L "$b" ]||{',
    `echo '${answer} left';exit 1;}`,
    `echo '${answer} removed'`,
  );
};

/**
 * `absent`: nothing was there; `left`: something could not be removed, and stderr says what; `refused`: a place that nobody removes; `moved`: its
 * directory is another one by now.
 */
export type Removal = (typeof removals)[number] | "unknown";

const removals = ["removed", "absent", "left", "refused", "moved"] as const;

export const parseRemoval = (stdout: Uint8Array): Removal => {
  const said = answers(stdout)[0];
  return removals.find((removal) => removal === said) ?? "unknown";
};

export interface RemoteTools {
  tar: "gnu" | "bsd" | "busybox" | "other" | null;
  /** `printf`: GNU's, which prints names of all bytes and facts at once; `print0`: names of all bytes. */
  find: "printf" | "print0" | "plain" | null;
  sha256: boolean;
}

export const toolsProgram = (): string =>
  lines(
    prelude,
    "t=none;command -v tar >/dev/null 2>&1&&case $(tar --version 2>&1 </dev/null) in *'GNU tar'*)t=gnu;;*bsdtar*)t=bsd;;*usy[Bb]ox*)t=busybox;;*)t=other;;esac",
    `echo "${answer} tar $t"`,
    "f=none;command -v find >/dev/null 2>&1&&{ f=plain;find / -prune -print0 >/dev/null 2>&1 </dev/null&&f=print0;find / -prune -printf '%s%T@' >/dev/null 2>&1 </dev/null&&f=printf;}",
    `echo "${answer} find $f"`,
    `s=none;for c in sha256sum shasum openssl digest sha256;do command -v $c >/dev/null 2>&1&&s=some;done`,
    "case $(busybox sha256sum </dev/null 2>/dev/null) in e3b0c442*)s=some;;esac",
    `echo "${answer} sha256 $s"`,
  );

export const parseTools = (stdout: Uint8Array): RemoteTools => {
  const said = new Map(answers(stdout).map((line) => [line.split(" ")[0] ?? "", line.split(" ")[1] ?? ""]));
  const one = <T extends string>(name: string, of: readonly T[]): T | null =>
    of.find((x) => x === said.get(name)) ?? null;
  return {
    tar: one("tar", ["gnu", "bsd", "busybox", "other"]),
    find: one("find", ["printf", "print0", "plain"]),
    sha256: said.get("sha256") === "some",
  };
};

/**
 * The paths that a pattern of `*`, `?` and `[…]` leads to, by the server's own sh; everything else in it is a plain character, and a backslash makes the
 * next one plain. Nothing else is expanded, and nothing is run.
 */
export const globProgram = (pattern: string): string => {
  const prefix = pattern.startsWith("/") || pattern === "" ? "" : "./";
  return lines(
    prelude,
    home(pattern),
    `for p in ${prefix}${patternWord(pattern)};do if [ -e "$p" ]||[ -L "$p" ];then printf '%s\\000' "$p";fi;done`,
    `echo '${answer} globbed'`,
  );
};

/** Sorted by bytes. @throws SshMcpError REMOTE_IO when the answer is cut */
export const parseGlob = (stdout: Uint8Array, pattern: string): string[] => {
  const end = stdout.lastIndexOf(0) + 1;
  if (!answers(stdout.subarray(end)).includes("globbed"))
    throw new SshMcpError("REMOTE_IO", `the server did not say what ${shown(pattern)} leads to`);
  const found: Uint8Array[] = [];
  for (let at = 0; at < end; ) {
    const next = stdout.indexOf(0, at);
    found.push(stdout.subarray(at, next));
    at = next + 1;
  }
  const isRelative = !pattern.startsWith("/");
  return found
    .sort(byBytes)
    .map((path) => pathText(isRelative && path[0] === 0x2e && path[1] === 0x2f ? path.subarray(2) : path));
};

/** A path as a word of sh: never empty, never an option, never from CDPATH. */
export const shPath = (path: string): string =>
  quoteWord(path.startsWith("/") ? path : path === "" ? "." : `./${path}`);

/** Makes a path that is no absolute one mean what it says, as another user as well; empty for others. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: of sh
export const home = (path: string): string => (path.startsWith("/") ? "" : 'cd "${HOME:-/}"||exit 1');

/** Tools speak English, and take bytes for bytes. */
export const prelude = "LC_ALL=C;export LC_ALL;unset CDPATH POSIXLY_CORRECT 2>/dev/null";

/** One program of several steps; empty ones fall out. */
export const lines = (...steps: readonly string[]): string => `${steps.filter((step) => step !== "").join("\n")}\n`;

const answer = "ssh-mcp-answer:";
const ofNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const answers = (stdout: Uint8Array): string[] =>
  pathText(stdout)
    .split("\n")
    .filter((line) => line.startsWith(`${answer} `))
    .map((line) => line.slice(answer.length + 1));

const byBytes = (a: Uint8Array, b: Uint8Array): number => {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return (a[at] ?? 0) - (b[at] ?? 0);
  return a.length - b.length;
};

const set = /^\[[!^]?\]?(?:\[:[a-z]+:\]|[^\]/\\])*\]/;

const patternWord = (pattern: string): string => {
  let word = "";
  for (let rest = pattern; rest !== ""; ) {
    const bracket = set.exec(rest)?.[0];
    const plain = /^(?:\\[\s\S]|[^*?[\\]|\\$)+/.exec(rest)?.[0];
    const taken = bracket ?? plain ?? rest.slice(0, 1);
    if (bracket !== undefined) word += bracketWord(bracket);
    else if (plain !== undefined) word += quoted(plain.replace(/\\([\s\S])/g, "$1"));
    else word += taken === "[" ? "'['" : taken;
    rest = rest.slice(taken.length);
  }
  return word === "" ? "." : word;
};

/** `^` means the same as `!` to most shells, and nothing to dash. */
const bracketWord = (bracket: string): string => {
  const negated = /^\[[!^]/.test(bracket);
  const inner = bracket.slice(negated ? 2 : 1, -1);
  const parts = inner.match(/\[:[a-z]+:\]|[\s\S]/gu) ?? [];
  const words = parts.map((part, at) =>
    part.startsWith("[:") || part === "-" || (part === "]" && at === 0) ? part : quoted(part),
  );
  return `[${negated ? "!" : ""}${words.join("")}]`;
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
