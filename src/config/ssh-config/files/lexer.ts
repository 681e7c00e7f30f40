/**
 * One line of ssh_config(5), cut as OpenSSH 9.2 cuts it. Two rules apply side by side: the keyword (and everything
 * after `Match`) is cut at blanks, quotes and one `=`; the arguments follow shell-like quoting without `=`.
 */
import { lowerCase } from "../match-pattern.ts";
import { invalidAt, type Origin } from "../origin.ts";

export interface ConfigLine {
  /** In lower case. */
  keyword: string;
  args: readonly string[];
  /** What follows the keyword, untouched: for the keywords whose value is the rest of the line. */
  rest: string;
}

/**
 * @returns null for a line that says nothing: blank, a comment, or (as in ssh) a keyword with an unclosed quote
 * @throws SshMcpError CONFIG_INVALID, or INVALID_INPUT for `-o`, when there is no argument or a quote is left open
 */
export const lexLine = (line: string, origin: Origin): ConfigLine | null => {
  const from = behindBlanks(line, 0);
  // A configuration may have thousands of lines, and most are plain.
  return from === line.length || line[from] === "#" ? null : (plainLine(line, from) ?? lexAnyLine(line, origin));
};

/** Words with blanks between them, and none of the characters that mean something; null for any other line. */
const plainLine = (line: string, from: number): ConfigLine | null => {
  const end = endOfText(line);
  let at = behindPlain(line, from, end);
  const keyword = lowered(line.slice(from, at));
  const start = behindBlanks(line, at);
  if (start === at || start >= end) return null;
  const args: string[] = [];
  for (at = start; at < end; at = behindBlanks(line, at)) {
    const begin = at;
    at = behindPlain(line, at, end);
    if (at === begin) return null;
    args.push(line.slice(begin, at));
  }
  return { keyword, args, rest: line.slice(start, end) };
};

const behindBlanks = (line: string, from: number): number => {
  let at = from;
  while (isBlank(line.charCodeAt(at))) at++;
  return at;
};

const behindPlain = (line: string, from: number, end: number): number => {
  let at = from;
  while (at < end && isPlain(line.charCodeAt(at))) at++;
  return at;
};

/** The index behind the last character that is no blank; files of Windows have a carriage return there. */
const endOfText = (line: string): number => {
  let end = line.length;
  while (end > 0 && (isBlank(line.charCodeAt(end - 1)) || line.charCodeAt(end - 1) === 0x0d)) end--;
  return end;
};

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

/** Printable ASCII without `"`, `#`, `'`, `=` and `\`. */
const isPlain = (code: number): boolean =>
  code > 0x20 && code < 0x7f && code !== 0x22 && code !== 0x23 && code !== 0x27 && code !== 0x3d && code !== 0x5c;

/** Keywords in lower case, by how they are written: the same few, over and over. */
const lowercase = new Map<string, string>();

const lowered = (keyword: string): string => {
  let name = lowercase.get(keyword);
  if (name === undefined) {
    name = lowerCase(keyword);
    if (lowercase.size < 1000) lowercase.set(keyword, name);
  }
  return name;
};

const lexAnyLine = (line: string, origin: Origin): ConfigLine | null => {
  // A NUL ends the line, and a form feed counts as blank at its end only.
  const text = withoutEnd(line.split("\0", 1)[0] ?? "");
  let cut = cutWord(text);
  // Leading blanks make an empty first word.
  if (cut?.word === "") cut = cut.rest === null ? null : cutWord(cut.rest);
  if (cut === null || cut.word === "" || cut.word.startsWith("#")) return null;

  const keyword = lowerCase(cut.word);
  const rest = (cut.rest ?? "").replace(/^[ \t\r\n]+/, "");
  if (rest === "") throw invalidAt(origin, `there is no argument after ${keyword}`);
  const split = splitArguments(rest);
  if (split === null) throw invalidAt(origin, `a quote is not closed after ${keyword}`);
  return { keyword, args: split.words, rest };
};

/** The comment behind the arguments, with the blanks before it; empty without one. @param rest as of `ConfigLine` */
export const commentIn = (rest: string): string => rest.slice(splitArguments(rest)?.end ?? rest.length);

/** Without blanks at its end, but for the first character. An expression would take a long run of blanks apart at each of them. */
const withoutEnd = (text: string): string => {
  let end = text.length;
  while (end > 1 && " \t\r\n\f".includes(text[end - 1] ?? "")) end--;
  return text.slice(0, end);
};

export interface Cut {
  word: string;
  /** What is left after the word and the delimiter; null when the word ran to the end. */
  rest: string | null;
}

/**
 * The next word: up to a blank, a quote or `=`. A double quote opens a quoted part that ends the word, and one `=`
 * with blanks around it delimits. Null when a quote is not closed.
 */
export const cutWord = (text: string): Cut | null => {
  const end = text.search(/[ \t\r\n"=]/);
  if (end < 0) return { word: text, rest: null };
  if (text[end] === '"') {
    const close = text.indexOf('"', end + 1);
    if (close < 0) return null;
    return {
      word: text.slice(0, end) + text.slice(end + 1, close),
      rest: text.slice(close + 1).replace(/^[ \t\r\n]+/, ""),
    };
  }
  const after = text.slice(end + 1).replace(/^[ \t\r\n]+/, "");
  const rest = text[end] !== "=" && after.startsWith("=") ? after.slice(1).replace(/^[ \t\r\n]+/, "") : after;
  return { word: text.slice(0, end), rest };
};

/**
 * Words with single and double quotes, which may open inside a word. A backslash takes a quote, a
 * backslash and (outside quotes) a space literally, and stands for itself before anything else.
 * `#` where a word would begin ends the line.
 * @returns with the index behind the last word; null when a quote is not closed
 */
const splitArguments = (text: string): { words: string[]; end: number } | null => {
  const words: string[] = [];
  let at = 0;
  let end = 0;
  while (at < text.length) {
    const start = text[at];
    if (start === " " || start === "\t") {
      at++;
      continue;
    }
    if (start === "#") break;
    let word = "";
    let quote = "";
    while (at < text.length) {
      const run = behindLiteral(text, at);
      word += text.slice(at, run);
      at = run;
      const char = text[at] ?? "";
      const following = text[at + 1] ?? "";
      if (quote === "" && (char === " " || char === "\t" || char === "")) break;
      at++;
      if (char === "\\" && (/^['"\\]$/.test(following) || (quote === "" && following === " "))) {
        word += following;
        at++;
      } else if (quote === "" && (char === '"' || char === "'")) {
        quote = char;
      } else if (quote !== "" && char === quote) {
        quote = "";
      } else {
        word += char;
      }
    }
    if (quote !== "") return null;
    words.push(word);
    end = at;
  }
  return { words, end };
};

/** The index of the next blank, quote or backslash. */
const behindLiteral = (text: string, from: number): number => {
  let at = from;
  while (at < text.length && !" \t\"'\\".includes(text[at] ?? "")) at++;
  return at;
};
