/** What the bootstrap is told for a command that asks for a directory, variables, an interpreter or words of its own. */
import { type CommandForm, plainForm } from "../../core/command-form.ts";
import { bootstrapProgram, evaluate, ifOurs, lineOf, literal, newMark } from "./bootstrap.ts";

/** Linux takes words of a process up to 128 KiB (execve(2), MAX_ARG_STRLEN); longer scripts are read by their shell. */
const longestWord = 96 * 1024;

/** What a command can be refused for before anything of it has run. */
export const findings = [
  "cwd-gone",
  "cwd-file",
  "cwd-denied",
  "no-shell",
  "no-long-script",
  "no-terminal",
  "no-stty",
] as const;
export type Finding = (typeof findings)[number];

/** What says a finding, and ends. */
type Refuse = (finding: Finding) => string;

export interface Program {
  /** Said alone with a finding, or with `ok` right before the command begins. */
  mark: string;
  /** What is written to the server, one after the other; the command's own input follows. */
  lines: readonly string[];
  /** Whether the command gets a terminal: its two outputs are one then, and its modes are set by the program. */
  hasTerminal: boolean;
  /** For errors. */
  form: CommandForm;
}

export interface ProgramRequest {
  command: string;
  form?: CommandForm;
}

/** Of the form's fields `become` is not looked at: who becomes another user does so before. */
export const programOf = (request: ProgramRequest, hasTerminal: boolean): Program => {
  const { command, form = plainForm } = request;
  const mark = newMark();
  // An echo of the program is none of what it says.
  const no: Refuse = (finding) => `{ echo ${mark}' ${finding}';exit 1;}`;
  const { begin, ahead = [], more = [] } = beginning(command, form, hasTerminal, no);
  const steps = [
    ...(form.cwd === null ? [] : [enter(form.cwd, no)]),
    // Before variables are set, of which SHELL and PATH may be some.
    ...found(form, no),
    ...ahead,
    ...(hasTerminal ? [`[ -t 0 ]||${no("no-terminal")}`, `${usualModes}||${no("no-stty")}`] : []),
    ...Object.entries(form.env).map(([name, value]) => `export ${name}=${literal(value)}`),
    `echo ${mark}' ok'`,
    ...(hasTerminal ? [] : [`echo ${mark}' ok' >&2`]),
    begin,
  ];
  return { mark, lines: [lineOf(steps.join(";")), ...more], hasTerminal, form };
};

/** Switched off in the request for the terminal (see `quietModes`), so that the program is neither echoed nor cut into lines of 4 KiB. */
const usualModes = "stty echo icanon isig iexten icrnl ixon 2>/dev/null";

/** A relative one gets a `./`: `-` and CDPATH have a meaning to `cd`. `~` is the only other text with one. */
const directory = (cwd: string): string => {
  if (cwd === "~" || cwd.startsWith("~/")) return `"$HOME"${literal(cwd.slice(1))}`;
  return literal(cwd.startsWith("/") ? cwd : `./${cwd}`);
};

/** Says why not with what a shell has built in; of a path that leads nowhere the last directory that can be looked at tells. */
const enter = (cwd: string, no: Refuse): string =>
  [
    `ssh_mcp_d=${directory(cwd)}`,
    `cd "$ssh_mcp_d" >/dev/null 2>&1||{ if [ -d "$ssh_mcp_d" ];then ${no("cwd-denied")};elif [ -e "$ssh_mcp_d" ];then ${no("cwd-file")}`,
    `else while :;do case $ssh_mcp_d in */*)ssh_mcp_d=\${ssh_mcp_d%/*};;*)break;;esac;[ -d "\${ssh_mcp_d:-/}" ]&&break;done`,
    `[ -x "\${ssh_mcp_d:-/}" ]&&${no("cwd-gone")}`,
    `${no("cwd-denied")};fi;}`,
    "unset ssh_mcp_d",
  ].join(";");

/** Looks whether there is what is to run the command, and remembers where. */
const found = ({ interpreter }: CommandForm, no: Refuse): string[] => {
  if (interpreter === "sh") return [];
  if (interpreter === null) return [`ssh_mcp_s=\${SHELL:-/bin/sh};[ -x "$ssh_mcp_s" ]||${no("no-shell")}`];
  return [`ssh_mcp_s=$(command -v ${interpreter})||${no("no-shell")}`];
};

interface Beginning {
  begin: string;
  /** What has to be done while a terminal is in its quiet modes. */
  ahead?: readonly string[];
  /** Lines that are read after the program. */
  more?: readonly string[];
}

const fits = (word: string): boolean => Buffer.byteLength(word) <= longestWord;

const beginning = (
  command: string,
  { interpreter, argv = [] }: CommandForm,
  hasTerminal: boolean,
  no: Refuse,
): Beginning => {
  if (interpreter === "sh") return { begin: evaluate(command) };
  if (interpreter === null && argv.length > 0 && argv.every(fits)) return inWords(argv, no);
  if (fits(command)) return { begin: `exec "$ssh_mcp_s" -c ${literal(command)}` };
  const more = [lineOf(`ssh_mcp_c=${literal(command)};unset ssh_mcp_n`)];
  if (hasTerminal) return { begin: inPiecesAtTerminal, ahead: [readsFiles(no), readAhead], more };
  return { begin: inPieces, ahead: [readsFiles(no)], more };
};

/** csh keeps no empty word of its parameters, and quotes like no other; in the other shells parameters are no matter of quoting. */
const inWords = (argv: readonly string[], no: Refuse): Beginning => {
  const exec = (words: string): string => `exec "$ssh_mcp_s" -c ${words};;`;
  const words = argv.map(literal).join(" ");
  const others = `*/fish)${exec(`'$argv' -- ${words}`)}*)${exec(`'"$@"' sh ${words}`)}`;
  const forCsh = argv.map(cshWord).join(" ");
  const isOne = fits(forCsh);
  const csh = isOne ? exec(literal(forCsh)) : `ssh_mcp_c=${literal(forCsh)};${asFile};;`;
  return { begin: `case $ssh_mcp_s in *csh)${csh}${others}esac`, ahead: isOne ? [] : [readsFiles(no)] };
};

/** Even within single quotes csh takes `!` for its history and the end of a line for its own: csh(1), lexical structure. */
const cshWord = (word: string): string => `'${word.replaceAll("'", "'\\''").replace(/[!\n]/g, "\\$&")}'`;

/** Starts the shell beside a process that tells it this, at its descriptor 3. */
const told = (text: string, shell: string): string =>
  `exec 4<&0;${text}|{ exec 3<&0 0<&4 4<&-;exec "$ssh_mcp_s" ${shell};};exit`;

/** BSD's csh closes what it did not open itself, before it opens its script: an empty one tells. */
const readsFiles = (no: Refuse): string =>
  `case $ssh_mcp_s in *csh)"$ssh_mcp_s" -f /dev/fd/3 </dev/null 3</dev/null >/dev/null 2>&1||${no("no-long-script")};;esac`;

/** A script as a file that is a pipe. */
const asFile = told('printf %s "$ssh_mcp_c"', "/dev/fd/3");

/** The shells that get a long script as a file; zsh, because it would take half a minute over the other way. */
const readFiles = "*/fish|*csh|*/zsh";
const evaluated = `eval "unset ssh_mcp_c;$ssh_mcp_c"`;

/** For a script that fits into no word. A POSIX shell reads it as the bootstrap read this program, the others at the price of a process that waits. */
const inPieces = [
  `case $ssh_mcp_s in ${readFiles})${bootstrapProgram}||exit;${asFile};;`,
  `*)exec "$ssh_mcp_s" -c '${bootstrapProgram} && ${evaluated}';;esac`,
].join("");

const readAhead = `IFS= read -r ssh_mcp_l||exit;${ifOurs("ssh_mcp_l", ":")}`;

/** The same for a script that was read ahead: what is read at a terminal in its usual modes is shown, and cut at 4 KiB. */
const inPiecesAtTerminal = [
  `case $ssh_mcp_s in ${readFiles})eval "$ssh_mcp_l";${asFile};;`,
  `*)${told(`printf '%s\\n' "$ssh_mcp_l"`, `-c 'IFS= read -r ssh_mcp <&3 && exec 3<&- && eval "$ssh_mcp" && ${evaluated}'`)};;esac`,
].join("");
