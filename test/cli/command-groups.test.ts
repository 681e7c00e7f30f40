/** Commands of two words: what stands for what, and what is said about the rest. */
import { describe, expect, test } from "bun:test";
import { type Command, commandOf } from "../../src/cli/command.ts";
import { groupsOf } from "../../src/cli/command-groups.ts";
import { helpOf } from "../../src/cli/help.ts";
import { otherCommands } from "../../src/cli/other-commands.ts";
import { type Parsed, parse } from "../../src/cli/parse.ts";
import { operations } from "../../src/operations/index.ts";

/** A group with a listing of its own, and one without. */
const commands: Command[] = operations
  .filter(({ faces }) => faces.includes("cli"))
  .map(commandOf)
  .filter(({ name }) => !name.startsWith("secret"));
const keys: Command[] = ["keys add", "keys rm"].map((name) => ({
  ...(commands.find((command) => command.name === "hosts rm") as Command),
  name,
}));
const parsed = (line: string): Parsed => parse(line.split(" "), [...commands, ...keys], otherCommands);

describe("what runs", () => {
  const cases: [line: string, command: string, input: Record<string, unknown>, json: boolean][] = [
    ["hosts", "hosts ls", {}, false],
    ["hosts ls", "hosts ls", {}, false],
    ["hosts --json", "hosts ls", {}, true],
    ["--json hosts", "hosts ls", {}, true],
    ["hosts @web", "hosts ls", { filter: ["@web"] }, false],
    ["hosts web*", "hosts ls", { filter: ["web*"] }, false],
    ["hosts --json @web", "hosts ls", { filter: ["@web"] }, true],
    ["hosts ls show", "hosts ls", { filter: ["show"] }, false],
    ["hosts show db1", "hosts show", { name: "db1" }, false],
    ["hosts --json show db1", "hosts show", { name: "db1" }, true],
    ["hosts show --json db1", "hosts show", { name: "db1" }, true],
    [
      "hosts add n --host h -p 22 --set A=1 --set B=2",
      "hosts add",
      { name: "n", host: "h", port: 22, set: ["A=1", "B=2"] },
      false,
    ],
    ["keys rm ls", "keys rm", { name: "ls" }, false],
  ];
  test.each(cases)("%s", (line, name, input, json) => {
    expect(parsed(line)).toMatchObject({ kind: "run", command: { name }, input, options: { json } });
  });
});

describe("what does not", () => {
  const cases: [line: string, message: string, hint: string][] = [
    ["hosts sho", 'there is no command "hosts sho"; did you mean show?', "ssh-mcp hosts show"],
    ["hosts nonsense", 'there is no command "hosts nonsense"', "ssh-mcp hosts --help"],
    ["hosts show", "hosts show needs a NAME", "ssh-mcp hosts show NAME"],
    ["hosts show a b", "hosts show takes 1 word, not 2", "ssh-mcp hosts show --help"],
    ["hosts show a --hots", 'hosts show has no option "--hots"', "ssh-mcp hosts show --help"],
    ["hosts --quiet --json", "give --json or --quiet, not both", "ssh-mcp hosts ls --help"],
    ["host", 'there is no command "host"; did you mean hosts?', "ssh-mcp hosts --help"],
    ["keys", "keys needs one of add, rm", "ssh-mcp keys --help"],
    ["keys --json", "keys needs one of add, rm", "ssh-mcp keys --help"],
    ["show", 'there is no command "show"', "ssh-mcp --help"],
    ["help hosts nonsense", 'there is no command "hosts nonsense"', "ssh-mcp hosts --help"],
    ["help hosts show x", "help takes one command", "ssh-mcp --help"],
    ["help exec show", "help takes one command", "ssh-mcp --help"],
  ];
  test.each(cases)("%s", (line, message, hint) => {
    expect(parsed(line)).toMatchObject({ kind: "wrong", error: { code: "USAGE", message, hint } });
  });

  test("a wrong verb is still printed as asked for", () => {
    expect(parsed("hosts nonsense --json")).toMatchObject({ kind: "wrong", options: { json: true } });
  });

  test("`list` is `ls`, whatever groups list", () => {
    expect(parsed("list")).toMatchObject({ error: { hint: "ssh-mcp ls --help" } });
  });
});

describe("help", () => {
  test.each([
    ["hosts --help", "hosts"],
    ["hosts -h", "hosts"],
    ["hosts --json --help", "hosts"],
    ["help hosts", "hosts"],
    ["help hosts show", "hosts show"],
    ["hosts show --help", "hosts show"],
    ["hosts ls -h", "hosts ls"],
    ["keys --help", "keys"],
  ])("%s", (line, topic) => {
    expect(parsed(line)).toMatchObject({ kind: "help", topic });
  });

  test("of the program names a group once, of the group each verb", async () => {
    const all = [...commands, ...keys];
    const program = await helpOf(null, all, false);
    expect(program.match(/^ +hosts {4}/gm)).toHaveLength(1);
    expect(program).not.toContain("hosts show");
    const group = await helpOf("hosts", all, false);
    for (const { verb, command } of groupsOf(all).find(({ name }) => name === "hosts")?.verbs ?? []) {
      expect(group).toMatch(new RegExp(`^ +${verb} {4}${command.operation.title}$`, "m"));
    }
    expect(await helpOf("keys", all, false)).toContain("ssh-mcp keys");
  });
});

test("`ls @group` leads to the list that has groups", () => {
  expect(parsed("ls @web")).toMatchObject({ kind: "wrong", error: { code: "USAGE", hint: "ssh-mcp hosts @web" } });
});
