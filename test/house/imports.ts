/** Every import of a TypeScript source, those of types included, which Bun's own scanner leaves out. */
import { type Token, tokenize } from "./tokens.ts";

export interface Import {
  /** What is imported; null when it is computed, or written with escapes. */
  specifier: string | null;
  /**
   * `type` leaves no trace in the program; `value` runs at load, inline `type` names or not (verbatimModuleSyntax);
   * `dynamic` is import() or require(), the `import("…")` of a type among them.
   */
  kind: "value" | "type" | "dynamic";
}

export interface Scan {
  imports: Import[];
  /** Whether the file has nothing of its own: imports and exports of what others define. */
  barrel: boolean;
}

/** @throws Error where the text is no code */
export const scanImports = (source: string): Scan => {
  const tokens = tokenize(source);
  const imports: Import[] = [];
  let exportsOthers = false;
  let ownCode = false;
  for (let i = 0; i < tokens.length; ) {
    const call = readCall(tokens, i);
    if (call !== null) imports.push(call);
    const statement = call === null ? readStatement(tokens, i) : null;
    if (statement === null) {
      if (!is(tokens[i], ";")) ownCode = true;
      i++;
      continue;
    }
    if (statement.import !== null) imports.push(statement.import);
    if (is(tokens[i], "export")) exportsOthers = true;
    i = statement.end;
  }
  return { imports, barrel: exportsOthers && !ownCode };
};

const is = (token: Token | undefined, value: string): boolean => token?.value === value && token.kind !== "text";
const isText = (token: Token | undefined): boolean => token?.kind === "text";

/** `import(…)` and `require(…)`, also as a member (`import.meta.require`). */
const readCall = (tokens: readonly Token[], at: number): Import | null => {
  const called =
    is(tokens[at], "require") || (is(tokens[at], "import") && !is(tokens[at - 1], ".") && !is(tokens[at - 1], "?."));
  if (!called || !is(tokens[at + 1], "(")) return null;
  const alone = isText(tokens[at + 2]) && (is(tokens[at + 3], ")") || is(tokens[at + 3], ","));
  return { specifier: alone ? (tokens[at + 2]?.value ?? null) : null, kind: "dynamic" };
};

interface Statement {
  import: Import | null;
  /** The index of the token after it. */
  end: number;
}

/** An import declaration, a re-export, or a list of exports. Null for any other use of the two words. */
const readStatement = (tokens: readonly Token[], at: number): Statement | null => {
  if (is(tokens[at - 1], ".") || is(tokens[at - 1], "?.")) return null;
  if (is(tokens[at], "import")) return readImport(tokens, at);
  return is(tokens[at], "export") ? readExport(tokens, at) : null;
};

const readImport = (tokens: readonly Token[], at: number): Statement | null => {
  if (isText(tokens[at + 1])) return ending(tokens, at + 1, "value");
  const clause = tokens[at + 1];
  if (clause === undefined || !(clause.kind === "word" || is(clause, "{") || is(clause, "*"))) return null;
  for (let i = at + 2; i < tokens.length && !is(tokens[i], ";") && !is(tokens[i], "="); i++) {
    if (is(tokens[i - 1], "from") && isText(tokens[i]))
      return ending(tokens, i, importsTypes(tokens, at) ? "type" : "value");
  }
  return null;
};

/** `import type X`, but neither `import type from "x"` nor `import type, { X } from "x"`, which import a value named type. */
const importsTypes = (tokens: readonly Token[], at: number): boolean =>
  is(tokens[at + 1], "type") && !is(tokens[at + 2], ",") && !(is(tokens[at + 2], "from") && isText(tokens[at + 3]));

const readExport = (tokens: readonly Token[], at: number): Statement | null => {
  const types = is(tokens[at + 1], "type");
  const first = types ? at + 2 : at + 1;
  if (is(tokens[first], "*")) {
    const from = is(tokens[first + 1], "as") ? first + 3 : first + 1;
    return is(tokens[from], "from") ? ending(tokens, from + 1, types ? "type" : "value") : null;
  }
  if (!is(tokens[first], "{")) return null;
  let close = first;
  while (close < tokens.length && !is(tokens[close], "}")) close++;
  if (is(tokens[close + 1], "from") && isText(tokens[close + 2]))
    return ending(tokens, close + 2, types ? "type" : "value");
  return { import: null, end: close + 1 };
};

/** The statement whose specifier is at the index; its attributes (`with { type: "json" }`) belong to it. */
const ending = (tokens: readonly Token[], specifier: number, kind: Import["kind"]): Statement => {
  let end = specifier + 1;
  if (is(tokens[end], "with") && is(tokens[end + 1], "{")) {
    while (end < tokens.length && !is(tokens[end], "}")) end++;
    end++;
  }
  return { import: { specifier: tokens[specifier]?.value ?? null, kind }, end };
};
