/** `--help`: citty's usage of the definitions in `commands.ts`, then the operation's own description and what holds for every command. */
import { type CommandDef, renderUsage } from "citty";
import type { Command } from "./command.ts";
import { definitionOf, programOf } from "./commands.ts";
import { serveCommand } from "./serve-command.ts";
import { toolNamesAsCommands } from "./tool-names.ts";

/** Columns that prose is wrapped at. */
const lineWidth = 80;

/**
 * @param topic a command's name, or null for the program
 * @param colour whether the reader is a terminal that wants colour
 * @returns text that ends with a newline
 */
export const helpOf = async (topic: string | null, commands: readonly Command[], colour: boolean): Promise<string> => {
  const command = commands.find(({ name }) => name === topic);
  const program = programOf(commands);
  if (command !== undefined) {
    const usage = await usageOf(definitionOf(command), program);
    return finished([usage, ...notes(command, commands)], colour);
  }
  if (topic === serveCommand.name)
    return finished([serveCommand.title, "USAGE ssh-mcp serve", serveCommand.description], colour);
  return finished([await usageOf(program)], colour);
};

const usageOf = async (definition: CommandDef, parent?: CommandDef): Promise<string> =>
  (await renderUsage(definition, parent)).trim();

const notes = ({ operation, flags, rest }: Command, commands: readonly Command[]): string[] => [
  ...toolNamesAsCommands(operation.description, commands).split("\n"),
  ...(flags.some(({ kind }) => kind === "duration")
    ? ["A duration is a number of seconds, or 1500ms 30s 5m 8h 2d."]
    : []),
  ...(rest?.joined === true
    ? [
        `Options end at the first word of the ${rest.field}, or at --. Its words are joined with single spaces and not quoted again, as with ssh.`,
      ]
    : []),
  operation.streams === "pipe"
    ? "Exit status: the command's own; 128+n when signal n ended it, 124 when it ran out of time, 130 after Ctrl-C, 2 for wrong usage, 255 for every other error."
    : "Exit status: 0, 1 when it failed, 2 for wrong usage, 4 when a person must act.",
];

const finished = (paragraphs: readonly string[], colour: boolean): string => {
  const [usage = "", ...prose] = paragraphs;
  const text = [colour ? usage : Bun.stripANSI(usage), ...prose.map((paragraph) => wrapped(paragraph).join("\n"))].join(
    "\n\n",
  );
  // citty pads its last column.
  return `${text.replace(/ +$/gm, "")}\n`;
};

const wrapped = (paragraph: string): string[] => {
  const lines: string[] = [];
  let line = "";
  for (const word of paragraph.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > lineWidth) {
      lines.push(line);
      line = "";
    }
    line += (line === "" ? "" : " ") + word;
  }
  return [...lines, line];
};
