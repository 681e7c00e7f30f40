import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { quoteWord, quoteWords } from "../../src/core/quote.ts";

const table: [word: string, quoted: string][] = [
  ["ls", "ls"],
  ["-la", "-la"],
  ["/usr/bin/x-1.2_3", "/usr/bin/x-1.2_3"],
  ["deploy@web.example:22", "deploy@web.example:22"],
  ["a,b+c", "a,b+c"],
  ["", "''"],
  [" ", "' '"],
  ["two words", "'two words'"],
  ["it's", "'it'\\''s'"],
  ["'", "''\\'''"],
  ["$HOME", "'$HOME'"],
  ["`id`", "'`id`'"],
  ["a\\b", "'a\\b'"],
  ["line\nbreak", "'line\nbreak'"],
  ["~", "'~'"],
  ["~root/x", "'~root/x'"],
  ["*.ts", "'*.ts'"],
  ["FOO=bar", "'FOO=bar'"],
  ["=ls", "'=ls'"],
  ["#", "'#'"],
  ["!", "'!'"],
  ["{a,b}", "'{a,b}'"],
  ["if", "'if'"],
  ["time", "'time'"],
  ["iffy", "iffy"],
  ["naïve", "'naïve'"],
];

const shells = ["/bin/sh", "/bin/dash", "/bin/bash"];

/** What the shell makes of a command line: its output, split at NUL. No program is in reach, printf is built in. */
const run = (shell: string, line: string): { words: string[]; status: number; errors: string } => {
  const done = Bun.spawnSync([shell, "-c", line], {
    stdin: "ignore",
    env: { PATH: "/nonexistent", LC_ALL: "C.UTF-8" },
  });
  return {
    words: done.stdout.toString().split("\0").slice(0, -1),
    status: done.exitCode,
    errors: done.stderr.toString(),
  };
};

/** Words that are as hostile as random text rarely is: made of the characters shells care about. */
const nastyWord = fc
  .oneof(
    fc.string({ unit: fc.constantFrom(..."'\"\\$`!#&|;<>(){}[]*?~=%^ \t\n\r-+:,./@aZ0_éx\u{1f600}\x1b\x7f") }),
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("''", "'\\''", "$(id)", "$IFS", "\\", "\\\\'", "\n", "--", "-n", "2>&1", "%1", "@(a|b)"),
  )
  .filter((word) => !word.includes("\0"));

describe("quoting", () => {
  test.each(table)("%j -> %s", (word, quoted) => {
    expect(quoteWord(word)).toBe(quoted);
  });

  test("a command line is the quoted words with single spaces", () => {
    expect(quoteWords(["grep", "-r", "it's", "", "/etc"])).toBe("grep -r 'it'\\''s' '' /etc");
    expect(quoteWords([])).toBe("");
  });

  test("a NUL character is refused", () => {
    expect(() => quoteWord("a\0b")).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
    expect(() => quoteWords(["ls", "\0"])).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
  });

  test.each(shells)("%s reads back every word of the table", (shell) => {
    const words = table.map(([word]) => word);
    expect(run(shell, quoteWords(["printf", "%s\\0", ...words])).words).toEqual(words);
  });

  test.each(shells)("%s reads back any word", (shell) => {
    fc.assert(
      fc.property(fc.array(nastyWord, { minLength: 100, maxLength: 400 }), (words) => {
        expect(run(shell, quoteWords(["printf", "%s\\0", ...words])).words).toEqual(words);
      }),
      { numRuns: 10 },
    );
  });

  test.each(shells)("%s takes the first word for a command, never for syntax or an assignment", (shell) => {
    for (const word of [
      "if",
      "then",
      "case",
      "for",
      "while",
      "function",
      "time",
      "{",
      "}",
      "!",
      "[[",
      "FOO=bar",
      "foreach",
      "repeat",
    ]) {
      const { status, errors } = run(shell, quoteWords([word, "x-no-such-command"]));
      expect([word, status, errors]).toEqual([word, 127, expect.stringMatching(/not found/)]);
    }
  });
});
