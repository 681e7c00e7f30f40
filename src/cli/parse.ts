/**
 * From the words of the command line to what is to be done. Strict: what is not understood is refused, with the nearest thing
 * that would be. Options of ours end at the first word of a remote command, as with ssh(1), or at `--`; a `--` directly after the
 * target is dropped. A parser of a library cannot know where that is: it would take `ls -la`'s `-la` for itself.
 */
import type { SshMcpError } from "../core/errors.ts";
import { toSshMcpError } from "../core/errors.ts";
import { parseOperand } from "../core/files/operand.ts";
import type { Command, Operand } from "./command.ts";
import { findCommand, topicOf } from "./command-groups.ts";
import { globalFlags, needsBroker } from "./face-flags.ts";
import type { FaceOptions } from "./flag.ts";
import { isOption, OptionReader } from "./options.ts";
import type { OtherCommand } from "./other-commands.ts";
import { type ParsedOther, parseOther } from "./parse-other.ts";
import { isRemote, remoteOperand, remoteOperands } from "./remote-operand.ts";
import type { Said } from "./said.ts";
import { helpCommand, missingLast, missingWords, tooManyWords, unknownCommand, usageError, wordsFor } from "./usage.ts";
import type { Environment } from "./values.ts";

export type Parsed =
  /** `said`: the fields in the order typed. */
  | {
      kind: "run";
      command: Command;
      input: Record<string, unknown>;
      said: readonly Said[];
      options: FaceOptions;
      /** Fields of the same command that is to run again, for each further file; absent for none. */
      further?: readonly Record<string, unknown>[];
    }
  /** `topic`: the command to explain, or null for the whole program. */
  | { kind: "help"; topic: string | null; options: FaceOptions }
  | { kind: "version"; options: FaceOptions }
  | ParsedOther
  /** Not a word was given. */
  | { kind: "nothing" }
  | { kind: "wrong"; error: SshMcpError; options: FaceOptions };

/**
 * @param words what follows the program's name
 * @param others commands that are no operation's
 * @param env the caller's environment
 */
export const parse = (
  words: readonly string[],
  commands: readonly Command[],
  others: readonly OtherCommand[],
  env: Environment = {},
): Parsed => {
  if (words.length === 0) return { kind: "nothing" };
  const reader = new OptionReader(null, globalFlags);
  let at = 0;
  while (at < words.length && isOption(words[at])) at += reader.take(words, at);
  const name = words[at];
  const rest = words.slice(at + 1);
  const { options } = reader;
  if (reader.wrong === null && options.help) return { kind: "help", topic: null, options };
  if (reader.wrong === null && options.version) return { kind: "version", options };
  const known = wordsFor(commands, [...others.map((other) => other.name), "help"]);
  try {
    if (reader.wrong !== null) throw reader.wrong;
    if (name === undefined) throw usageError("there is no command to run", helpCommand(null));
    if (name === "help") return { kind: "help", topic: topicOf(rest, commands, known), options };
    const other = others.find((candidate) => candidate.name === name);
    if (other !== undefined) return parseOther(other, rest, options);
    const found = findCommand(name, rest, commands);
    if (found === null) throw unknownCommand(name, known);
    return found.kind === "help" ? { ...found, options } : parseCommand(found.command, found.words, options, env);
  } catch (thrown) {
    // The options may still say how to print the mistake.
    for (at++; at < words.length && words[at] !== "--"; at++) if (words[at] === "--json") options.json = true;
    return { kind: "wrong", error: toSshMcpError(thrown), options };
  }
};

const parseCommand = (command: Command, words: readonly string[], options: FaceOptions, env: Environment): Parsed => {
  const reader = new OptionReader(command, command.flags, options, env);
  const operands = takeWords(command, words, reader);
  // Files whose content is printed are printed one after the other, wherever they are.
  const others = command.operation.streams === "output" ? operands.splice(command.operands.length) : [];
  if (reader.wrong === null && options.help) return { kind: "help", topic: command.name, options };
  try {
    if (reader.wrong !== null) throw reader.wrong;
    contradicted(command, reader.values, options);
    const { [command.operation.words ?? ""]: wordwise, ...values } = reader.values;
    const input = { ...values, ...inputOf(command, operands, wordwise === true) };
    const further = others.map((word) => inputOf(command, [...operands.slice(0, -1), word], false));
    return { kind: "run", command, input, said: reader.said, options, ...(further.length === 0 ? {} : { further }) };
  } catch (thrown) {
    return { kind: "wrong", error: toSshMcpError(thrown), options };
  }
};

/** @throws SshMcpError USAGE for options that cannot both be meant */
const contradicted = (command: Command, values: Readonly<Record<string, unknown>>, options: FaceOptions): void => {
  if (options.json && options.quiet) throw usageError("give --json or --quiet, not both", helpCommand(command));
  if (options.quiet && values["running"] === true) {
    throw usageError("give --running or --quiet, not both", helpCommand(command));
  }
  if (options.noStdin && values["stdin"] !== undefined) {
    throw usageError("give --stdin or --no-stdin, not both", helpCommand(command));
  }
  if (options.json && options.raw) throw usageError("give --json or --raw, not both", helpCommand(command));
  if (!options.json && values["maxOutput"] !== undefined) {
    throw usageError("--max-output goes with --json: what is streamed is not cut", helpCommand(command));
  }
  if (options.noBroker && values["keep"] === true) {
    throw usageError("it is the broker that keeps outputs: give --keep or --no-broker, not both", helpCommand(command));
  }
  // It may have stood before the command.
  if (options.noBroker && needsBroker(command.operation)) {
    throw usageError(
      `${command.name} ${command.operation.effect === "read" ? "reads what" : "changes the sessions"} the broker keeps: leave out --no-broker`,
      helpCommand(command),
    );
  }
};

/** Gives the options to the reader and returns the other words. */
const takeWords = (command: Command, words: readonly string[], reader: OptionReader): string[] => {
  const joined = command.rest?.joined === true;
  const operands: string[] = [];
  let optionsEnded = false;
  let dropped = false;
  for (let at = 0; at < words.length; ) {
    const word = words[at] ?? "";
    if (word === "--" && joined && operands.length === command.operands.length && !dropped) {
      dropped = true;
      optionsEnded = true;
      at++;
    } else if (word === "--" && !optionsEnded) {
      optionsEnded = true;
      at++;
    } else if (!optionsEnded && isOption(word)) {
      at += reader.take(words, at);
    } else if (joined && operands.length === command.operands.length) {
      return [...operands, ...words.slice(at)];
    } else {
      reader.said.push(...saidBy(command.operands[operands.length] ?? null, word));
      operands.push(word);
      at++;
    }
  }
  return operands;
};

const saidBy = (operand: Operand | null, word: string): Said[] => {
  if (operand === null) return [];
  if (operand.target === null) return [{ field: operand.field, value: word }];
  const remote = isRemote(word) ? parseOperand(word) : null;
  return remote?.kind === "remote" ? [{ field: operand.target, value: remote.target }] : [];
};

/** @throws SshMcpError USAGE */
const inputOf = (command: Command, words: readonly string[], wordwise: boolean): Record<string, unknown> => {
  const input: Record<string, unknown> = {};
  for (const [index, operand] of command.operands.entries()) {
    const word = words[index];
    if (word === undefined || word === "") throw missingWords(command, words.slice(0, index));
    if (operand.target === null) input[operand.field] = word;
    else {
      const { target, path } = remoteOperand(command, word);
      Object.assign(input, { [operand.target]: target, [operand.field]: path });
    }
  }
  const more = words.slice(command.operands.length);
  if (command.last !== null && command.rest !== null) {
    const last = more.pop();
    if (last === undefined || more.length === 0) throw missingLast(command, command.rest, command.last, last ?? null);
    input[command.last.field] = last;
  }
  if (command.rest === null) {
    if (more.length > 0) throw tooManyWords(command, words);
  } else if (command.rest.joined) {
    const line = more.join(" ");
    if (line === "") throw missingWords(command, words.slice(0, command.operands.length));
    const { words: field } = command.operation;
    if (wordwise && field !== undefined) input[field] = more;
    else input[command.rest.field] = line;
  } else if (more.length > 0 && command.rest.target !== null) {
    const { target, paths } = remoteOperands(command, more);
    Object.assign(input, { [command.rest.target]: target, [command.rest.field]: paths });
  } else if (more.length > 0) {
    input[command.rest.field] = more;
  } else if (command.rest.required) {
    throw missingWords(command, words);
  }
  return input;
};
