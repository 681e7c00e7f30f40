/**
 * How a server is brought to run more than a line of its login shell: one constant line starts /bin/sh, which reads a program from standard input
 * and runs it. So no part of the program is in a process list, none of it has to pass the quoting of a login shell, and its length is no matter of
 * the exec request (RFC 4254, section 6.5).
 */
import { randomBytes } from "node:crypto";

/**
 * Begins and ends what is run: start-up files may have read the program away, and what is read in its place is the command's input, which is
 * nobody's program. Only this process knows it, and who can see the processes of the server.
 */
export const guard = randomBytes(16).toString("hex");
const [opening, closing] = [`: ${guard};`, ` #${guard}`];

/** Does this with a line that was read into a variable, if it is one of ours. */
export const ifOurs = (variable: string, then: string): string =>
  `case $${variable} in "${opening}"*"${closing}")${then};;*)echo "the program for the command did not arrive" >&2;exit 1;;esac`;

/** Reads one line and not a byte more, and runs it; a line that a lost link has cut is not run. */
export const bootstrapProgram = `IFS= read -r ssh_mcp && ${ifOurs("ssh_mcp", 'eval "$ssh_mcp"')}`;

export const bootstrapShell = `/bin/sh -c '${bootstrapProgram}'`;

/** Means the same in sh, csh and fish. `exec`, so that the command has the place among the server's processes that a plain one would have. */
export const bootstrapLine = `exec ${bootstrapShell}`;

/** Names what we say to ourselves in a command's output: nobody can have guessed it. Free of what means something to a shell or to a pattern. */
export const newMark = (): string => `ssh-mcp-${randomBytes(16).toString("hex")}`;

const newline = `"$ssh_mcp_n"`;

/** To fish, which start-up files may have put in the shell's place, this is an error of the whole line. */
const forgets = `case \${ssh_mcp+x} in x)unset ssh_mcp;esac;`;

/** The one way to a newline that needs no tool and no newline. */
const definesNewline = `ssh_mcp_n=$(echo;echo .);ssh_mcp_n=\${ssh_mcp_n%.};`;

/** A word of a line that stands for exactly this text, newlines included. For `lineOf`. */
export const literal = (text: string): string => `'${text.replaceAll("'", "'\\''").replaceAll("\n", `'${newline}'`)}'`;

/**
 * A program of POSIX sh as the line that the bootstrap reads.
 * @param program commands between semicolons, with `literal`s for all that is not known to be free of newlines
 * @throws Error for a newline: a mistake in the program
 */
export const lineOf = (program: string): string => {
  if (program.includes("\n")) throw new Error("a program for the bootstrap must be one line");
  return `${opening}${forgets}${program.includes(newline) ? definesNewline : ""}${program}${closing}\n`;
};

/** Runs a script in the very shell that reads the line, as the last thing it does; it finds none of our variables. */
export const evaluate = (script: string): string =>
  `ssh_mcp=${literal(script)};unset ssh_mcp_n;eval "unset ssh_mcp;$ssh_mcp"`;
