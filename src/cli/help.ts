/** `--help`: citty's usage of the definitions in `commands.ts`, then the operation's own description and what holds for every command. */
import { type CommandDef, renderUsage } from "citty";
import { type Command, hasRemoteStatus } from "./command.ts";
import { groupsOf } from "./command-groups.ts";
import { definitionOf, definitionOfGroup, definitionOfOther, programOf } from "./commands.ts";
import { otherCommands } from "./other-commands.ts";
import { toolNamesAsCommands } from "./tool-names.ts";

/** Columns of a terminal that nobody has widened. */
const lineWidth = 80;

/**
 * @param topic a command's name, or null for the program
 * @param colour whether the reader is a terminal that wants colour
 * @returns text that ends with a newline
 */
export const helpOf = async (topic: string | null, commands: readonly Command[], colour: boolean): Promise<string> => {
  const found = commands.filter(({ name }) => name === topic);
  const program = programOf(commands);
  if (found.length > 0) {
    const helps = found.map(async (command) => {
      const usage = await usageOf(definitionOf(command), program);
      return finished([usage, ...notes(command, commands)], colour);
    });
    return (await Promise.all(helps)).join("\n");
  }
  const group = groupsOf(commands).find(({ name }) => name === topic);
  if (group !== undefined) return finished([await usageOf(definitionOfGroup(group), program)], colour);
  const other = otherCommands.find(({ name }) => name === topic);
  if (other !== undefined)
    return finished([await usageOf(definitionOfOther(other), program), ...other.description], colour);
  const names = Object.keys(program.subCommands ?? {}).join("|");
  return finished([(await usageOf(program)).replace(names, "<COMMAND>")], colour);
};

const usageOf = async (definition: CommandDef, parent?: CommandDef): Promise<string> =>
  (await renderUsage(definition, parent)).trim();

const notes = ({ operation, flags, rest }: Command, commands: readonly Command[]): string[] => [
  ...toolNamesAsCommands(operation.description, commands).split("\n"),
  ...(operation.manual?.split("\n") ?? []),
  ...(flags.some(({ kind }) => kind === "duration")
    ? ["A duration is a number of seconds, or 1500ms 30s 5m 8h 2d."]
    : []),
  ...(rest?.joined === true
    ? [
        `Options end at the first word of the ${rest.field}, or at --. Its words are joined with single spaces and not quoted again, as with ssh.`,
      ]
    : []),
  `${
    hasRemoteStatus(operation)
      ? "Exit status: the command's own; 128+n when signal n ended it, 124 when it ran out of time, 2 for wrong usage, 255 for every other error"
      : "Exit status: 0, 1 when it failed, 2 for wrong usage, 4 when a person must act"
  }; 129, 130, 131 or 143 after SIGHUP, Ctrl-C, SIGQUIT or SIGTERM, 141 when nobody reads stdout.`,
];

const finished = (paragraphs: readonly string[], colour: boolean): string => {
  const [usage = "", ...prose] = paragraphs;
  const lines = (colour ? usage : Bun.stripANSI(usage)).split("\n").map(fitted);
  return `${[lines.join("\n"), ...prose.map((paragraph) => wrapped(paragraph, 0))].join("\n\n")}\n`;
};

/** A line of citty's, without the spaces it pads its last column with: what does not fit is wrapped within its column. */
const fitted = (line: string): string => {
  const [, label = "", description = ""] = /^( +\S.*? {4})(\S.*)$/.exec(line.trimEnd()) ?? [];
  return label === "" ? wrapped(line.trimEnd(), 0) : label + wrapped(description, Bun.stringWidth(label));
};

/** @param indent columns that are taken on the first line, and left free on the others */
const wrapped = (paragraph: string, indent: number): string => {
  const lines: string[] = [];
  let line = "";
  for (const word of paragraph.split(" ")) {
    if (line !== "" && Bun.stringWidth(`${line} ${word}`) > lineWidth - indent) {
      lines.push(line);
      line = "";
    }
    line += (line === "" ? "" : " ") + word;
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
};
