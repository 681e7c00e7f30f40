/** What is said about a command line that cannot be run. Nothing was sent to anybody when one of these is thrown. */
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import { quoteWord } from "../core/quote.ts";
import { suggest } from "../core/suggest.ts";
import type { Command, Operand } from "./command.ts";
import type { Flag } from "./flag.ts";

const program = "ssh-mcp";

export const usageError = (message: string, hint: string): SshMcpError => new SshMcpError("USAGE", message, { hint });

/** A command of any kind. */
type Named = Pick<Command, "name">;

export const helpCommand = (command: Named | null): string =>
  command === null ? `${program} --help` : `${program} ${command.name} --help`;

/** @param words what may have been meant, each with the command it stands for */
export const unknownCommand = (word: string, words: ReadonlyMap<string, string>): SshMcpError => {
  const near = words.get(word) ?? words.get(suggest(word, [...words.keys()]) ?? "") ?? null;
  if (near !== null) {
    return usageError(`there is no command ${shown(word)}; did you mean ${near}?`, `${program} ${near} --help`);
  }
  // Whoever comes from ssh types the destination first.
  const hint = word.includes("@") ? `${program} exec ${quoteWord(word)} -- COMMAND` : helpCommand(null);
  return usageError(`there is no command ${shown(word)}`, hint);
};

/**
 * The words by which somebody may look for a command: its name, the operation's, the tool's with and without its prefix,
 * and the verb of the title. So `list` finds `ls`, and `disconnect` finds `close` instead of its opposite, `connect`.
 */
export const wordsFor = (commands: readonly Command[], others: readonly string[]): ReadonlyMap<string, string> => {
  const synonyms = commands.flatMap(({ name, operation: { name: own, tool, title } }) => {
    // Of two words, the second is what the group is asked for: `list` alone stays `ls`.
    const verb = name.includes(" ") ? [] : [title.split(" ", 1).join("").toLowerCase()];
    return [own, tool, tool.replace(/^ssh_/, ""), ...verb].map((word): [string, string] => [word, name]);
  });
  const names = [...commands.flatMap(({ name }) => [name, name.split(" ", 1).join("")]), ...others];
  // A command's own name is nobody else's synonym.
  return new Map([...synonyms, ...names.map((name): [string, string] => [name, name])]);
};

/** @param typed as it was typed, without its value */
export const unknownFlag = (typed: string, command: Named | null, flags: readonly Flag[]): SshMcpError => {
  const problem = command === null ? "there is no option" : `${command.name} has no option`;
  const near = suggest(
    typed,
    flags.map(({ name }) => `--${name}`),
  );
  const question = near === null ? "" : `; did you mean ${near}?`;
  return usageError(`${problem} ${shown(typed)}${question}`, helpCommand(command));
};

/** @param near the word that may have been meant, or null */
export const unknownVerb = (command: Named, word: string, near: string | null): SshMcpError => {
  const problem = `there is no command ${shown(`${command.name} ${word}`)}`;
  if (near === null) return usageError(problem, helpCommand(command));
  return usageError(`${problem}; did you mean ${near}?`, `${program} ${command.name} ${near}`);
};

export const missingWords = (command: Command, given: readonly string[]): SshMcpError => {
  const missing = command.operands[given.length];
  const rest = command.rest === null || command.rest.joined ? "a COMMAND" : command.rest.word;
  const what = missing === undefined ? rest : `a ${missing.word}`;
  return usageError(`${command.name} needs ${what}`, synopsis(command, given));
};

/** @param given the one word that was given, or null */
export const missingLast = (command: Command, rest: Operand, last: Operand, given: string | null): SshMcpError =>
  given === null
    ? usageError(
        `${command.name} needs ${rest.word} and ${last.word}`,
        `${program} ${command.name} ${rest.word} ${last.word}`,
      )
    : usageError(
        `${command.name} needs a ${last.word} behind ${shown(given)}`,
        `${program} ${command.name} ${given.startsWith("-") ? rest.word : quoteWord(given)} ${last.word}`,
      );

/** The command line that would be right, with what was given in its place and names for what was not. */
const synopsis = (command: Command, given: readonly string[]): string => {
  const operands = command.operands.map(({ word: name }, index) => {
    const word = given[index];
    return word === undefined || word.startsWith("-") ? name : quoteWord(word);
  });
  const rest = command.rest === null ? [] : [...(command.rest.joined ? ["--"] : []), command.rest.word];
  return [program, command.name, ...operands, ...rest].join(" ");
};

export const tooManyWords = (command: Command, words: readonly string[]): SshMcpError => {
  const taken = command.operands.length;
  const message =
    taken === 0
      ? `${command.name} takes no words`
      : `${command.name} takes ${taken} word${taken === 1 ? "" : "s"}, not ${words.length}`;
  const target = words[0] ?? "";
  if (target.startsWith("-") || command.name.includes(" ")) return usageError(message, helpCommand(command));
  // A command is for one host, and typed after its name.
  if (command.operation.name !== "connect" || target.startsWith("@")) return usageError(message, helpCommand(command));
  return usageError(message, `${program} exec ${quoteWord(target)} -- COMMAND`);
};
