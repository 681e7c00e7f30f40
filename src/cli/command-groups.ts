/**
 * Commands of two words: `hosts show` is the verb `show` of the group `hosts`. The group alone is its `ls`, where it has one; nothing else stands
 * for a verb that was not typed.
 */
import { suggest } from "../core/suggest.ts";
import type { Command } from "./command.ts";
import { globalFlags } from "./face-flags.ts";
import { helpCommand, unknownCommand, unknownVerb, usageError } from "./usage.ts";

export interface CommandGroup {
  name: string;
  title: string;
  /** In the order of the help. */
  verbs: readonly { verb: string; command: Command }[];
}

/** What stands in the list of all commands; a group without a line there is described by its verbs. */
const titles: Readonly<Record<string, string>> = {
  job: "Start commands that go on by themselves on a server, follow and end them",
  hosts: "List, show, add and change the hosts of ssh_config",
  secret: "Keep passwords and passphrases in the keychain, or remove them",
};

const defaultVerb = "ls";

/** In the order in which their first verbs come. */
export const groupsOf = (commands: readonly Command[]): CommandGroup[] => {
  const groups = new Map<string, { verb: string; command: Command }[]>();
  for (const command of commands) {
    const [name = "", verb] = command.name.split(" ");
    if (verb !== undefined) groups.set(name, [...(groups.get(name) ?? []), { verb, command }]);
  }
  return [...groups].map(([name, verbs]) => ({ name, title: titles[name] ?? verbs.map(verbOf).join(", "), verbs }));
};

const verbOf = ({ verb }: { verb: string }): string => verb;

export type Found = { kind: "command"; command: Command; words: readonly string[] } | { kind: "help"; topic: string };

/**
 * The command that the words begin with.
 * @param words what follows the name
 * @returns null when no command and no group has this name
 * @throws SshMcpError USAGE for a group with a verb that it has not, or without one that it needs
 */
export const findCommand = (name: string, words: readonly string[], commands: readonly Command[]): Found | null => {
  const [plain, onFiles] = commands.filter((candidate) => candidate.name === name);
  if (plain !== undefined)
    return { kind: "command", command: onFiles !== undefined && hasWord(words) ? onFiles : plain, words };
  const group = groupsOf(commands).find((candidate) => candidate.name === name);
  return group === undefined ? null : findVerb(group, words);
};

/** `ls` lists sessions, and with a word the files of `TARGET:PATH`: the first one takes no words and no values. */
const hasWord = (words: readonly string[]): boolean => words.some((word) => !word.startsWith("-") || word === "-");

/** The command line's own options may stand before the verb. */
const findVerb = (group: CommandGroup, words: readonly string[]): Found => {
  const at = words.findIndex((word) => !isSwitch(word));
  const before = at < 0 ? words : words.slice(0, at);
  const word = at < 0 ? undefined : words[at];
  // `hosts @prod` and `hosts web*` list: no verb has such a character.
  const isVerb = word !== undefined && !/^-|[@*?]/.test(word);
  if (!isVerb && words.some((each) => each === "--help" || each === "-h")) return { kind: "help", topic: group.name };
  const verb = isVerb ? word : defaultVerb;
  const found = group.verbs.find((candidate) => candidate.verb === verb);
  if (found !== undefined) {
    return { kind: "command", command: found.command, words: isVerb ? [...before, ...words.slice(at + 1)] : words };
  }
  const verbs = group.verbs.map(verbOf);
  if (isVerb) throw unknownVerb(group, word, suggest(word, verbs));
  throw usageError(`${group.name} needs one of ${verbs.join(", ")}`, helpCommand(group));
};

const switches = new Set(
  globalFlags.flatMap(({ name, letter }) => [`--${name}`, ...(letter === null ? [] : [`-${letter}`])]),
);

const isSwitch = (word: string): boolean => switches.has(word);

/**
 * What `help WORDS…` is about: a command or a group, or null for the program.
 * @throws SshMcpError USAGE
 */
export const topicOf = (
  words: readonly string[],
  commands: readonly Command[],
  known: ReadonlyMap<string, string>,
): string | null => {
  const [first, ...rest] = words;
  if (first === undefined) return null;
  if (known.get(first) !== first) throw unknownCommand(first, known);
  const group = groupsOf(commands).find(({ name }) => name === first);
  const [verb, ...extra] = rest;
  if (group !== undefined && verb !== undefined && extra.length === 0) {
    const found = group.verbs.find((candidate) => candidate.verb === verb);
    if (found === undefined) throw unknownVerb(group, verb, suggest(verb, group.verbs.map(verbOf)));
    return found.command.name;
  }
  if (rest.length > 0) throw usageError("help takes one command", helpCommand(null));
  return first === "help" ? null : first;
};
