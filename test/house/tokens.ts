/** A TypeScript tokenizer that knows just enough to find imports: comments, strings, templates and regular expressions are told apart from code. */

export interface Token {
  kind: "word" | "text" | "sign";
  /** A word or sign as written; the content of a string or template, null when it holds an escape or a substitution. */
  value: string | null;
}

const space = /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|^#![^\n]*/y;
const quoted = /"((?:[^"\\\n]|\\[\s\S])*)"|'((?:[^'\\\n]|\\[\s\S])*)'/y;
const pattern = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const word = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy;
const number = /[0-9](?:[eE][+-]|[\w.])*/y;
const sign = /\.\.\.|\?\.|[\s\S]/uy;
const templatePart = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(`|\$\{)/y;

/** Words after which a slash begins a regular expression, as it does after most signs. */
const keywords = "return typeof case in of delete void throw new else do instanceof await yield";
const beforeExpression = new Set(keywords.split(" "));

/** @throws Error where the text is no code: a mistake here must not pass as a file without imports */
export const tokenize = (source: string): Token[] => {
  const tokens: Token[] = [];
  /** For each template substitution that is open, the braces open inside it. */
  const braces: number[] = [];
  let at = 0;

  const take = (expression: RegExp): RegExpExecArray | null => {
    expression.lastIndex = at;
    const match = expression.exec(source);
    if (match !== null) at += match[0].length;
    return match;
  };
  const template = (from: number): void => {
    const part = take(templatePart);
    if (part === null) throw new Error(`a template that does not end, at ${from}`);
    const [content, end] = part;
    if (end === "${") braces.push(0);
    const plain = source[from - 1] === "`" && end === "`" && !content.includes("\\");
    tokens.push({ kind: "text", value: plain ? content.slice(0, -1) : null });
  };

  while (at < source.length) {
    if (take(space) !== null) continue;
    const string = take(quoted);
    if (string !== null) {
      const content = string[1] ?? string[2] ?? "";
      tokens.push({ kind: "text", value: content.includes("\\") ? null : content });
      continue;
    }
    const next = source[at];
    if (next === '"' || next === "'") throw new Error(`a string that does not end, at ${at}`);
    if (next === "`") {
      at++;
      template(at);
      continue;
    }
    if (next === "/" && startsExpression(tokens.at(-1)) && take(pattern) !== null) {
      tokens.push({ kind: "text", value: null });
      continue;
    }
    const name = take(word) ?? take(number);
    if (name !== null) {
      tokens.push({ kind: "word", value: name[0] });
      continue;
    }
    const open = braces.at(-1);
    if (open !== undefined && next === "}" && open === 0) {
      at++;
      braces.pop();
      template(at);
      continue;
    }
    if (open !== undefined && (next === "{" || next === "}"))
      braces[braces.length - 1] = open + (next === "{" ? 1 : -1);
    tokens.push({ kind: "sign", value: take(sign)?.[0] ?? null });
  }
  if (braces.length > 0) throw new Error("a template that does not end");
  return tokens;
};

const startsExpression = (previous: Token | undefined): boolean => {
  if (previous === undefined) return true;
  if (previous.kind === "word") return beforeExpression.has(previous.value ?? "");
  return previous.kind === "sign" && previous.value !== ")" && previous.value !== "]" && previous.value !== "}";
};
