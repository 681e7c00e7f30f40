/**
 * One line of ssh_config(5), cut as OpenSSH 9.2 cuts it. Two rules apply side by side: the keyword (and everything
 * after `Match`) is cut at blanks, quotes and one `=`; the arguments follow shell-like quoting without `=`.
 */
import { lowerCase } from "./match-pattern.ts";
import { invalidAt, type Origin } from "./origin.ts";

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
  const plain = plainLine.exec(line);
  if (plain === null) return line === "" ? null : lexAnyLine(line, origin);
  const [, keyword = "", rest = ""] = plain;
  return { keyword: lowered(keyword), args: /[ \t]/.test(rest) ? rest.split(/[ \t]+/) : [rest], rest };
};

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

/** Most lines: words with blanks between them, and none of the characters that mean something. A configuration may have thousands. */
const plainLine = /^[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]+([^\s"'\\#=\0]+(?:[ \t]+[^\s"'\\#=\0]+)*)[ \t]*$/;

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
  const args = splitArguments(rest);
  if (args === null) throw invalidAt(origin, `a quote is not closed after ${keyword}`);
  return { keyword, args, rest };
};

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
 * @returns null when a quote is not closed
 */
export const splitArguments = (text: string): string[] | null => {
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    const start = text[at];
    if (start === " " || start === "\t") {
      at++;
      continue;
    }
    if (start === "#") break;
    let word = "";
    let quote = "";
    for (; at < text.length; at++) {
      const char = text[at] ?? "";
      const following = text[at + 1] ?? "";
      if (char === "\\" && (/^['"\\]$/.test(following) || (quote === "" && following === " "))) {
        word += following;
        at++;
      } else if (quote === "" && (char === " " || char === "\t")) {
        break;
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
  }
  return words;
};
