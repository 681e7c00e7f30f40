/** What is said to a lasting shell: one line that starts it, and one program a command. All of it travels on its standard input. */
import { newMark } from "../bootstrap.ts";

/** How its language names "the builtin itself, and no function or alias": `command` means a program to zsh. */
export type Dialect = "posix" | "zsh";

/** Which shell answered. */
export interface ShellFacts {
  /** Its path on the server. */
  path: string;
  /** Whether it is the login shell; /bin/sh takes the place of one that is no POSIX shell. */
  isLogin: boolean;
  dialect: Dialect;
}

/**
 * For `lineOf`: makes the shell that reads it the lasting one, and says which that is. The tag is set here too, so that the shell and all it
 * starts carry it where the server takes no variables. A start file may read our lines and print them: the marks stand in two pieces.
 *
 * bash crashes (5.2) when a command copies the descriptor that the shell reads its commands from while fd 0 stands for another (`exec 3<&0`): there
 * they come through a descriptor of its own.
 */
export const openingProgram = (mark: string, variable: string, tag: string): string =>
  [
    `${variable}=${tag}`,
    `export ${variable}`,
    "ssh_mcp_s=/bin/sh ssh_mcp_k=other",
    `case "\${SHELL##*/}" in bash|dash|ash|sh|ksh|ksh93|mksh|pdksh|oksh|zsh) [ -x "$SHELL" ] && ssh_mcp_s=$SHELL ssh_mcp_k=login;; esac`,
    // Each command needs it; one that waits for ever would be the answer where it is missing.
    ": </dev/null >/dev/null || exit 1",
    `echo ${inPieces(mergedMark(mark))} >&2`,
    `echo ${inPieces(mark)}" $ssh_mcp_k $ssh_mcp_s"`,
    // Whatever goes by the name of sh.
    `[ "\${SHELL##*/}" = bash ] || [ -n "$BASH_VERSION" ] && (: </dev/fd/0) 2>/dev/null && exec "$ssh_mcp_s" /dev/fd/0`,
    `exec "$ssh_mcp_s"`,
  ].join(";");

/** Whether this is what follows the mark of `openingProgram`, and no echo of that. */
export const isFacts = (word: string): word is string => /^(login|other) \//.test(word);

/** Said on stderr before the other: on stdout it tells that a start file has made one stream of both. */
export const mergedMark = (mark: string): string => mark.split("").reverse().join("");

const inPieces = (mark: string): string => `"${mark.slice(0, 20)}"'${mark.slice(20)}'`;

/** @param word what followed the mark of `openingProgram` */
export const factsOf = (word: string): ShellFacts => {
  const space = word.indexOf(" ");
  const path = word.slice(space + 1);
  return { path, isLogin: word.startsWith("login "), dialect: path.endsWith("/zsh") ? "zsh" : "posix" };
};

/** The marks around one command's output, on both streams; new ones for each command. */
export interface Marks {
  start: Buffer;
  /** Followed by the exit status, on stdout, and by the end of the line. */
  end: Buffer;
}

/** Rare in any output, and no character that a shell keeps for itself: what ends with a piece of a mark is held back. */
const separator = "\x1e";

/** In the place of an exit status: the shell has come to the end of the program. Without a status before, it could not say how the command ended. */
export const spent = "?";

/** Said after a command's end, it may be heard when the next one is on its way. */
export const spentMark: RegExp = new RegExp(`${separator}ssh-mcp-[0-9a-f]{32}e\\${spent}\n`, "g");

/**
 * One command as its shell reads it.
 *
 * - The command is a quoted word of `eval`: no syntax of its own reaches ours. Through `command`, an error in it ends no shell that could go on.
 * - Its streams are copies that the shell restores afterwards, whatever `exec` did to them. Fd 0 is the way from one stream to another, since any
 *   other number may be in use; a level for each, as zsh writes to all targets that one level names for a number.
 * - What the shell says itself before the start mark (`set -v`, `set -x`, traps) is dropped; while the end mark is said, it goes to /dev/null.
 * - The marks stand in two pieces in the source, so that an echo of the source is none.
 * - The first line is there for bash: after an unclosed quote in `eval` it takes the next word for no keyword.
 * - Without its start mark nothing of a command is run: what the shell cannot announce it does not begin.
 * - The last line needs no `command` and no further descriptor: where those are gone (`command() { :; }`, `ulimit -n 3`) it alone is heard.
 *   After the end mark it is noise. Only a shell that was told to execute nothing more (`set -n`) says nothing at all.
 * - bash runs an ERR trap once for the command that fails in `eval` and once for `eval`, and has all of this in $BASH_COMMAND then; `|| :` would
 *   keep that away, and `set -e` with it.
 */
export const commandProgram = (command: string, dialect: Dialect): { program: string; marks: Marks } => {
  const id = newMark();
  const itself = dialect === "zsh" ? "\\builtin" : "\\command";
  const source = `'${separator}${id.slice(0, 20)}'"${id.slice(20)}"`;
  const say = (words: string, joint: string): string =>
    [1, 2]
      .map(
        (fd) =>
          `{ ${itself} echo ${source}${fd === 1 ? words : words.slice(0, 1)} >&0; } 0>&${fd} >/dev/null 2>/dev/null`,
      )
      .join(joint);
  const run = `${itself} eval ${quoted(`${say("s", " && ")} || ${itself} exit\n${command}`)}`;
  const last = `\\echo ${source}'e${spent}'`;
  const program = `:\n{ { { { { ${run}\n} 0</dev/null; } 2>&0; } 0>&2; } >&0; } 0>&1; ${say('e"$?"', "; ")}\n${last}\n`;
  return { program, marks: { start: Buffer.from(`${separator}${id}s\n`), end: Buffer.from(`${separator}${id}e`) } };
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
