import { lines, prelude } from "../../core/files/remote-scripts.ts";
import { quoteWord } from "../../core/quote.ts";
import { below, stagePrefix } from "./below.ts";

/** Name of the last member of what is sent: the program that moves all others. What breaks off before it moves nothing. */
export const movesName = "moves";

/** What the program says when all was tried. */
export const movedWord = "ssh-mcp-moved";
/** What it says before the name of a file that it could not move. */
export const leftWord = "ssh-mcp-left ";

/** Characters of names that are given to one mv: POSIX promises 4 KiB, every system has 128. */
const wordsOfOne = 32 * 1024;

/**
 * Takes an archive from its standard input into a hidden directory that nobody else can look into, beside where its files are to go, and runs the last
 * member. The directory is removed in any case, also when the archive breaks off.
 * @param root absolute
 * @param sweeps whether to remove first what others have left there: see `sweep`
 */
export const stageProgram = (root: string, id: string, keepsTimes: boolean, sweeps: boolean): string =>
  lines(
    prelude,
    "umask 077",
    // Who no longer listens must not end this before its directory is gone.
    "trap '' PIPE",
    `s=${quoteWord(below(root, `${stagePrefix}${id}`))}`,
    // Who this is: a process of this start of this machine, as its processes are numbered here.
    "b=;read -r b 2>/dev/null </proc/sys/kernel/random/boot_id;n=$(readlink /proc/self/ns/pid 2>/dev/null)",
    ...(sweeps ? [sweep(root)] : []),
    'mkdir "$s"||exit 70',
    `trap 'cd /;rm -rf "$s"' EXIT`,
    "trap 'exit 71' HUP INT TERM",
    'cd "$s"||exit 72',
    `[ -z "$b" ]||[ -z "$n" ]||echo "$b $n $$" >${byName}`,
    `tar -x -o -p ${keepsTimes ? "" : "-m "}-f -||exit 73`,
    // A directory may have been changed into a link meanwhile, and a file is never moved into a directory of its name.
    'm(){ d=$1;shift;[ ! -h "$d" ]&&mv -f "$@" "$d/." 2>/dev/null&&return;' +
      `for f do [ -h "$f" ]||[ -e "$f" ]&&printf '%s\\n' "${leftWord}$f";done;return 0;}`,
    // A process for every directory is most of what this takes: where there is perl, one moves all. What it cannot move is tried again, and told.
    `n(){ m(){ printf '%s\\0' "$#" "$@";};. ./${movesName}|perl -C0 -e '${renames}' 2>/dev/null;}`,
    `(n)||. ./${movesName}`,
    `echo ${movedWord}`,
  );

/** Names the process that a stage belongs to. */
const byName = "by";

/**
 * Removes the stages whose process is gone for certain, as after the server was switched off; where nobody can say, those that nothing was put into for a
 * day. Others' cannot be removed, but by root.
 */
const sweep = (root: string): string =>
  `for o in ${quoteWord(below(root, stagePrefix))}*;do ` +
  '[ -d "$o" ]&&[ ! -h "$o" ]||continue;' +
  `p=;[ -f "$o/${byName}" ]&&read -r p <"$o/${byName}";` +
  // biome-ignore lint/suspicious/noTemplateCurlyInString: of sh
  'case $b/$n/$p in /*|*//*);;"$b/$n/$b $n "*[0-9])[ -d "/proc/${p##* }" ]||rm -rf "$o";continue;;esac;' +
  'find "$o" -prune -mtime +0 -exec rm -rf {} \\;;done';

/** Reads what `m` was given, with the count before it. Exits with 0 when all was moved. */
const renames = [
  'binmode STDIN;$/="\\0";',
  "while(defined($n=<STDIN>)){",
  "chomp($n);chomp($d=<STDIN>);",
  "$l=-l $d;",
  "while(--$n>0){",
  "chomp($f=<STDIN>);",
  '$b=1 if $l||!rename($f,"$d/".substr($f,rindex($f,"/")+1))',
  "}}exit($b?1:0)",
].join("");

/** Where a file of the stage goes. */
export interface Move {
  /** In the stage: `FOLDER/NAME`, and NAME is the final one. */
  staged: string;
  /** Absolute. */
  folder: string;
}

/** The program of the moves: a rename for each file, and a process for many. */
export const movesProgram = (moves: readonly Move[]): string => {
  const commands: string[] = [];
  for (const [folder, group] of Map.groupBy(moves, (move) => move.folder)) {
    let words: string[] = [];
    let length = 0;
    const flush = (): void => {
      if (words.length > 0) commands.push(`m ${quoteWord(folder)} ${words.join(" ")}`);
      words = [];
      length = 0;
    };
    for (const { staged } of group) {
      const word = quoteWord(`./${staged}`);
      words.push(word);
      length += word.length;
      if (length >= wordsOfOne) flush();
    }
    flush();
  }
  return `${commands.join("\n")}\n`;
};
