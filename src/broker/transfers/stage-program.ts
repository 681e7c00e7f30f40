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
 * member. The directory is removed in any case.
 * @param root absolute
 */
export const stageProgram = (root: string, id: string, keepsTimes: boolean): string =>
  lines(
    prelude,
    "umask 077",
    `s=${quoteWord(below(root, `${stagePrefix}${id}`))}`,
    'mkdir "$s"||exit 70',
    `trap 'cd /;rm -rf "$s"' EXIT`,
    "trap 'exit 71' HUP INT TERM",
    'cd "$s"||exit 72',
    `tar -x -o -p ${keepsTimes ? "" : "-m "}-f -||exit 73`,
    // A directory may have been changed into a link meanwhile, and a file is never moved into a directory of its name.
    'm(){ d=$1;shift;[ ! -h "$d" ]&&mv -f "$@" "$d/." 2>/dev/null&&return;' +
      `for f do [ -h "$f" ]||[ -e "$f" ]&&echo "${leftWord}$f";done;return 0;}`,
    `. ./${movesName}`,
    `echo ${movedWord}`,
  );

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
