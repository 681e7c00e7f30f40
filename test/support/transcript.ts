/** The text of a transcript: taken apart, matched and put together again. The format is told in test/transcripts.test.ts. */

/** What a command did, as a transcript shows it. */
export interface Shown {
  status: number | string;
  stdout: string;
  stderr: string;
}

/** Values that stand in a transcript by name: `{port}`. */
export type Names = Readonly<Record<string, string>>;

/** The value of a `# name: value` line before the first command, or null. */
export const header = (text: string, name: string): string | null => {
  const [before = ""] = text.split(/^\$ /m);
  return new RegExp(`^# ${name}: *(.*\\S) *$`, "m").exec(before)?.[1] ?? null;
};

/**
 * Runs a transcript's commands in order and writes down what they showed, in the words of the expectation wherever
 * that matches: the result equals the input exactly when everything was as expected.
 * @param run gets each command with its names replaced
 */
export const replay = async (text: string, names: Names, run: (command: string) => Promise<Shown>): Promise<string> => {
  const result: string[] = [];
  const lines = text.replace(/\n$/, "").split("\n");
  for (let at = 0; at < lines.length; ) {
    const line = lines[at++] ?? "";
    result.push(line);
    if (!line.startsWith("$ ")) continue;
    let end = at;
    // A block ends at an empty line or a comment; output has its empty lines escaped.
    while (end < lines.length && !/^($|# |\$ )/.test(lines[end] ?? "")) end++;
    const shown = await run(insert(line.slice(2), names));
    result.push(...reconcile(lines.slice(at, end), show(shown), names));
    at = end;
  }
  return `${result.join("\n")}\n`;
};

/** The lines of a block for what a command showed, nothing replaced. */
export const show = ({ status, stdout, stderr }: Shown): string[] => [
  ...linesOf(stdout).map((line) => (/^($|[#$!\\] |\[exit |\{\.\.\.\}$)/.test(line) ? `\\ ${line}` : line)),
  ...linesOf(stderr).map((line) => `! ${line}`),
  ...(status === 0 ? [] : [`[exit ${status}]`]),
];

const linesOf = (output: string): string[] => {
  if (output === "") return [];
  const complete = output.endsWith("\n");
  const lines = (complete ? output.slice(0, -1) : output).split("\n").map(visible);
  return complete ? lines : [...lines.slice(0, -1), `${lines.at(-1)} (no newline)`];
};

/** Control characters must be seen in a diff, and not act on the terminal that shows it. */
const visible = (line: string): string =>
  line.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** The actual lines, in the words of the expected ones that match. */
const reconcile = (expected: readonly string[], actual: readonly string[], names: Names): string[] => {
  if (patternOf(expected, names).test(actual.map((line) => `${line}\n`).join(""))) return [...expected];
  let next = 0;
  return actual.map((line) => {
    const found = expected.findIndex((words, index) => index >= next && patternOf([words], names).test(`${line}\n`));
    if (found === -1) return name(line, names);
    next = found + 1;
    return expected[found] ?? line;
  });
};

/** `{name}`, `{*}`, `{/regular expression/}`; a line `{...}` is any number of lines. Other braces are themselves. */
const patternOf = (lines: readonly string[], names: Names): RegExp => {
  const source = lines.map((line) => {
    if (line === "{...}") return "(?:.*\\n)*?";
    const parts = line.split(/(\{\*\}|\{\/.*?\/\}|\{[a-z][a-z-]*\})/);
    return `${parts.map((part) => patternOfPart(part, names)).join("")}\\n`;
  });
  return new RegExp(`^${source.join("")}$`, "u");
};

const patternOfPart = (part: string, names: Names): string => {
  if (part === "{*}") return ".*";
  if (part.startsWith("{/") && part.endsWith("/}")) return `(?:${part.slice(2, -2)})`;
  const isName = /^\{[a-z][a-z-]*\}$/.test(part);
  return RegExp.escape((isName ? names[part.slice(1, -1)] : undefined) ?? part);
};

const insert = (command: string, names: Names): string =>
  command.replace(/\{([a-z][a-z-]*)\}/g, (braces, name: string) => names[name] ?? braces);

/** Volatile values by their names, where that is no accident: a name's value must stand as a whole word. */
const name = (line: string, names: Names): string =>
  Object.entries(names)
    .filter(([, value]) => value.length >= 4)
    .sort(([, a], [, b]) => b.length - a.length)
    .reduce(
      (text, [key, value]) => text.replace(new RegExp(`(?<![\\w.])${RegExp.escape(value)}(?!\\w)`, "g"), `{${key}}`),
      line,
    );
