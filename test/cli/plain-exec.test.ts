/** Which command lines the fast path takes: those, and exactly so, that the full command line would run without an option. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Command, commandOf } from "../../src/cli/command.ts";
import { otherCommands } from "../../src/cli/other-commands.ts";
import { parse } from "../../src/cli/parse.ts";
import { plainExec } from "../../src/cli/plain-exec.ts";
import { operations } from "../../src/operations/index.ts";

describe("taken", () => {
  test.each<[string[], string]>([
    [["exec", "web", "uptime"], "uptime"],
    [["exec", "web", "ls", "-la", "--json"], "ls -la --json"],
    [["exec", "web", "--", "-x", "--"], "-x --"],
    [["exec", "web", "--", "--", "x"], "-- x"],
    [["exec", "web", "echo", "--", "x"], "echo -- x"],
    [["exec", "web", "-"], "-"],
    [["exec", "web", "", "x"], " x"],
    [["exec", "web", "echo  'a  b'"], "echo  'a  b'"],
    [["exec", "web", "é\n\u202e"], "é\n\u202e"],
    [["exec", "web", "x".repeat(96 * 1024)], "x".repeat(96 * 1024)],
  ])("%j", (words, command) => {
    expect(plainExec(words)).toEqual({ target: "web", command });
  });
});

describe("left to the full command line", () => {
  test.each<[string[]]>([
    [[]],
    [["ls"]],
    [["exec"]],
    [["exec", "web"]],
    [["exec", "web", "--"]],
    [["exec", "web", ""]],
    [["exec", "", "x"]],
    [["exec", "--json", "web", "x"]],
    [["exec", "-n", "web", "x"]],
    [["exec", "web", "--timeout", "5", "x"]],
    [["exec", "web", "--help"]],
    [["exec", "web", "-h"]],
    [["exec", "--", "web", "x"]],
    [["--batch", "exec", "web", "x"]],
    [["exec", "web", "x".repeat(96 * 1024 + 1)]],
    [["exec", "x".repeat(1025), "x"]],
  ])("%j", (words) => {
    expect(plainExec(words)).toBeNull();
  });
});

test("both read every line alike", () => {
  const commands: Command[] = operations.filter(({ faces }) => faces.includes("cli")).map(commandOf);
  const word = fc.oneof(
    fc.constantFrom(
      "exec",
      "ls",
      "web",
      "a@b:22",
      "-",
      "--",
      "-n",
      "-v",
      "--json",
      "--batch",
      "--timeout",
      "5",
      "",
      "echo",
      "-la",
    ),
    fc.string({ maxLength: 6 }).map((text) => text.replaceAll("\0", "")),
  );
  const line = fc.oneof(
    fc.array(word, { maxLength: 6 }),
    fc.array(word, { maxLength: 5 }).map((rest) => ["exec", "web", ...rest]),
  );
  let taken = 0;
  fc.assert(
    fc.property(line, (words) => {
      const plain = plainExec(words);
      const full = parse(words, commands, otherCommands);
      if (plain === null) return;
      taken++;
      expect(full).toMatchObject({ kind: "run", command: { name: "exec" }, input: plain });
      if (full.kind === "run") expect(Object.values(full.options)).not.toContain(true);
    }),
    { numRuns: 2000 },
  );
  expect(taken).toBeGreaterThan(200);
});
