/** The POSIX sh program that starts a job, read by the constant line of `remote-script.ts`. */
import { quoteWord } from "../../core/quote.ts";
import { supervisor } from "./supervisor.ts";

export interface StartScript {
  id: string;
  /** Stands alone on a line after the command, and before the answer; unguessable. */
  mark: string;
  command: string;
  /** `login` for the user's login shell. */
  interpreter: "login" | "sh" | "bash";
  cwd: string | null;
  env: Readonly<Record<string, string>>;
  /** One line. */
  title: string;
  stdin: Uint8Array;
}

/** Longer ones do not fit one argument of a process (Linux: 128 KiB): the interpreter reads them as a file. */
const longestArgument = 100_000;

/** The user's, as sshd(8) says it. */
const loginShell = `"\${SHELL:-/bin/sh}"`;

/** @throws SshMcpError INVALID_INPUT for a NUL character in a value */
export const startScript = (job: StartScript): string => {
  const shell = job.interpreter === "login" ? loginShell : job.interpreter;
  const exports = Object.entries(job.env).map(([name, value]) => `export ${name}=${always(value)}`);
  const kind = Buffer.byteLength(job.command) > longestArgument ? "file-" : "";
  return `
umask 077
unset LC_SSH_MCP
say() { echo; echo "${job.mark} $1 $2"; exit 0; }
id=${job.id}
b=$HOME/.ssh-mcp/jobs d=$HOME/.ssh-mcp/jobs/$id
${job.cwd === null ? "cd >/dev/null 2>&1 || cd /" : `e=$(${enter(job.cwd)} 2>&1) || say cwd "$e"\n${enter(job.cwd)}`}
reads=${shell}
e=$(command -v "$reads" 2>/dev/null) || say interpreter "$reads"
reads=${kind}$e
${job.stdin.length === 0 ? "" : "case $(command -v printf) in printf) ;; *) say input;; esac"}
[ -d "$b" ] || e=$(mkdir -p "$b" 2>&1) || say folder "$e"
[ -e "$d" ] && say exists
e=$(mkdir "$d" 2>&1) || { [ -d "$d" ] && say exists; say folder "$e"; }
undo() { e=$1; rm -rf "$d" 2>/dev/null; say folder "$e"; }
e=$({ cat >"$d/command"; } 2>&1 <<'${job.mark}'
${job.command}
${job.mark}
) || undo "$e"
now=$(date +%s 2>/dev/null) now=\${now:-0}
e=$({
  printf '%s .\\n%s\\n' "$now" "$PWD" >"$d/began" &&
  printf '%s\\n' ${always(job.title)} >"$d/title" &&
  printf '%s\\n' ${always(firstLine(job.command))} >"$d/line" &&
  echo "-                                                                ." >"$d/status"
} 2>&1) || undo "$e"
SSH_MCP_JOB_RUN=${always(supervisor)}
SSH_MCP_JOB_ENV=${always(exports.join("\n"))}
SSH_MCP_JOB_READS=$reads
( eval "$SSH_MCP_JOB_ENV" ) >/dev/null 2>&1 || { rm -rf "$d"; say env; }
export SSH_MCP_JOB_RUN SSH_MCP_JOB_ENV SSH_MCP_JOB_READS
set -- /bin/sh -c 'eval "$SSH_MCP_JOB_RUN"' ssh-mcp-job "$d" $$
feed() { trap '' HUP; ${feed(job.stdin)}; }
begin() {
  if setsid -f true 2>/dev/null; then feed 2>/dev/null | setsid -f "$@" s
  elif command -v setsid >/dev/null 2>&1; then feed 2>/dev/null | setsid "$@" s &
  elif (set -m; case $- in *m*) exit 0;; esac; exit 1) 2>/dev/null; then set -m; feed 2>/dev/null | "$@" m &
  else trap '' HUP; feed 2>/dev/null | "$@" p &
  fi
}
e=$(begin "$@" 2>&1)
case $e in
  ok|*"
ok") say started;;
esac
mkdir "$d/go" 2>/dev/null && undo "$e"
say folder "$e"
`;
};

/** Quoted even where a word would stand for itself: what it is assigned to never sees a pattern. */
const always = (text: string): string => (quoteWord(text) === text ? `'${text}'` : quoteWord(text));

/** What lists show of it, in at most 300 bytes: nobody should have to read the whole command for that. */
const firstLine = (command: string): string =>
  new TextDecoder().decode(Buffer.from(command.split("\n", 1)[0] ?? "").subarray(0, 300)).replace(/\uFFFD+$/, "");

/** Not by way of CDPATH, which would also have it printed. */
const enter = (cwd: string): string => `CDPATH= cd ${directory(cwd)} >/dev/null`;

/** A path whose beginning the shell expands as it would at a prompt. */
const directory = (path: string): string => {
  if (path === "~") return '"$HOME"';
  if (path.startsWith("~/")) return `"$HOME"/${always(path.slice(2))}`;
  return always(path.startsWith("-") ? `./${path}` : path);
};

/** Bytes of input per call of printf. */
const pieceLength = 4096;

/** The input in printf's own notation (IEEE Std 1003.1, printf, %b): a NUL byte has no other way through a shell. */
const feed = (input: Uint8Array): string => {
  if (input.length === 0) return ":";
  const pieces: string[] = [];
  for (let at = 0; at < input.length; at += pieceLength) {
    const text = Array.from(input.subarray(at, at + pieceLength), notation).join("");
    pieces.push(`printf %b '${text}'`);
  }
  return pieces.join("\n");
};

const notation = (byte: number): string =>
  byte >= 0x20 && byte < 0x7f && byte !== 0x27 && byte !== 0x5c
    ? String.fromCharCode(byte)
    : `\\0${byte.toString(8).padStart(3, "0")}`;
