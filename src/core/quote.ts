/**
 * Quoting for POSIX shells (IEEE Std 1003.1, Shell Command Language, section 2.2). Right in sh,
 * dash, bash, ksh and zsh. Not for fish, which reads `\\` and `\'` inside single quotes, nor for
 * csh, which expands `!` there and refuses newlines.
 */
import { SshMcpError } from "./errors.ts";

// Without `=` (an assignment as the first word, a path lookup in zsh), `~` and `%` (expanded by some shells).
const safeWord = /^[A-Za-z0-9_@+:,./-]+$/;

// Words that are syntax where a command may stand; those of bash and zsh among them.
const reserved =
  "case coproc do done elif else end esac fi for foreach function if in nocorrect repeat select then time until while";
const reservedWords: ReadonlySet<string> = new Set(reserved.split(" "));

/**
 * One word that a POSIX shell reads back as exactly this text. Words without a special character stay bare.
 * @throws SshMcpError INVALID_INPUT for a NUL character, which no argument of a process can hold
 */
export const quoteWord = (word: string): string => {
  if (safeWord.test(word) && !reservedWords.has(word)) return word;
  if (word.includes("\0")) {
    throw new SshMcpError("INVALID_INPUT", "a word of a command cannot hold a NUL character", {
      hint: "ssh-mcp exec TARGET -- COMMAND <FILE",
    });
  }
  return `'${word.replaceAll("'", "'\\''")}'`;
};

/**
 * A command line that runs exactly these words, joined by single spaces.
 * @throws SshMcpError INVALID_INPUT for a NUL character
 */
export const quoteWords = (words: readonly string[]): string => words.map(quoteWord).join(" ");
