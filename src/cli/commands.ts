/** Every command as citty knows it, made from the operations: what the help is rendered from. */
import { type ArgDef, type ArgsDef, type CommandDef, defineCommand } from "citty";
import type { Command, Operand } from "./command.ts";
import { type CommandGroup, groupsOf } from "./command-groups.ts";
import { globalFlags, helpFlag, jsonFlag } from "./face-flags.ts";
import type { Flag } from "./flag.ts";
import { type OtherCommand, otherCommands } from "./other-commands.ts";

export const programOf = (commands: readonly Command[]): CommandDef =>
  defineCommand({
    meta: {
      name: "ssh-mcp",
      description: "SSH for people and for AI agents, as a CLI and as an MCP server",
    },
    args: Object.fromEntries(globalFlags.map(argument)),
    subCommands: {
      ...Object.fromEntries(commands.map((command) => listed(command, commands))),
      ...Object.fromEntries(otherCommands.map((other) => [other.name, definitionOfOther(other)])),
    },
  });

/** A command by itself, or the group it is in: the later ones of a group take the place of the first. */
const listed = (command: Command, commands: readonly Command[]): [string, CommandDef] => {
  const group = groupsOf(commands).find(({ name }) => command.name.startsWith(`${name} `));
  if (group !== undefined) return [group.name, definitionOfGroup(group)];
  const titles = commands.filter(({ name }) => name === command.name).map(({ operation }) => operation.title);
  return [command.name, { ...definitionOf(command), meta: { name: command.name, description: oneTitle(titles) } }];
};

/** Of commands that share a name. */
const oneTitle = ([first = "", ...others]: readonly string[]): string =>
  [first, ...others.map((title) => title.charAt(0).toLowerCase() + title.slice(1))].join("; ");

export const definitionOfGroup = ({ name, title, verbs }: CommandGroup): CommandDef =>
  defineCommand({
    meta: { name, description: title },
    args: Object.fromEntries(globalFlags.filter((flag) => flag.name !== "version").map(argument)),
    subCommands: Object.fromEntries(
      verbs.map(({ verb, command }) => [
        verb,
        defineCommand({ meta: { name: verb, description: command.operation.title } }),
      ]),
    ),
  });

export const definitionOfOther = ({ name, title, verbs, flags = [] }: OtherCommand): CommandDef => {
  const subCommands = Object.entries(verbs).map(([verb, description]): [string, CommandDef] => [
    verb,
    defineCommand({ meta: { name: verb, description } }),
  ]);
  const meta = { name, description: title };
  if (subCommands.length === 0) return defineCommand({ meta, args: Object.fromEntries(flags.map(argument)) });
  return defineCommand({
    meta,
    args: Object.fromEntries([jsonFlag, helpFlag].map(argument)),
    subCommands: Object.fromEntries(subCommands),
  });
};

export const definitionOf = (command: Command): CommandDef => {
  const { operands, rest, last, flags, operation } = command;
  const args: ArgsDef = Object.fromEntries([
    ...operands.map((operand) => word(operand, operand.word)),
    ...(rest === null ? [] : [word(rest, `${rest.word}...`)]),
    ...(last === null ? [] : [word(last, last.word)]),
    ...flags.map(argument),
  ]);
  return defineCommand({ meta: { name: command.name, description: operation.title }, args });
};

const word = ({ description, required }: Operand, name: string): [string, ArgDef] => [
  name,
  { type: "positional", description, required },
];

const argument = (flag: Flag): [string, ArgDef] => {
  const { name, letter, kind, choices } = flag;
  const common = { description: described(flag), ...(letter === null ? {} : { alias: letter }) };
  if (kind === "boolean") return [name, { type: "boolean", ...common }];
  if (choices !== null) return [name, { type: "enum", options: [...choices], ...common }];
  return [name, { type: "string", valueHint: valueName(flag), ...common }];
};

const described = ({ description, repeats }: Flag): string =>
  repeats ? `${description} (may be repeated)` : description;

/** `--identity-file=<file>`, `--ttl=<duration>`, `--env=<NAME=VALUE>`, `--sudo=<user>`. */
const valueName = ({ name, kind }: Flag): string => {
  if (kind === "duration") return kind;
  if (kind === "pair") return "NAME=VALUE";
  return kind === "optional" ? "user" : (name.split("-").at(-1) ?? name);
};
