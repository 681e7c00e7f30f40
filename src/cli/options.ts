/** Reads options as getopt_long(3) does: `--name value`, `--name=value`, `-n`, `-p22`, `-p 22` and bundles such as `-qn`. */
import { type SshMcpError, toSshMcpError } from "../core/errors.ts";
import { noFaceOptions } from "./face-flags.ts";
import type { FaceOptions, Flag } from "./flag.ts";
import type { Said } from "./said.ts";
import { helpCommand, unknownFlag, usageError } from "./usage.ts";
import { type Environment, flagValue } from "./values.ts";

/** A single `-` is a word. */
export const isOption = (word: string | undefined): boolean => word?.startsWith("-") === true && word !== "-";

export class OptionReader {
  readonly values: Record<string, unknown> = {};
  readonly options: FaceOptions;
  /** The fields' values in the order typed; whoever takes the operands adds them. */
  readonly said: Said[] = [];
  /** The first thing that was wrong. Reading goes on after it: a later `--json` still says how to print it. */
  wrong: SshMcpError | null = null;
  readonly #command: { name: string } | null;
  readonly #flags: readonly Flag[];
  readonly #env: Environment;

  /**
   * @param options where the command line's own options are noted
   * @param env what a variable that is given by its name alone is taken from
   */
  constructor(
    command: { name: string } | null,
    flags: readonly Flag[],
    options: FaceOptions = { ...noFaceOptions },
    env: Environment = {},
  ) {
    this.#command = command;
    this.#flags = flags;
    this.options = options;
    this.#env = env;
  }

  /** Takes the option at this place. @returns how many words it was */
  take(words: readonly string[], at: number): number {
    const word = words[at] ?? "";
    const next = words[at + 1];
    try {
      return word.startsWith("--") ? this.#takeLong(word, next) : this.#takeLetters(word, next);
    } catch (thrown) {
      this.wrong ??= toSshMcpError(thrown);
      return 1;
    }
  }

  #takeLong(word: string, next: string | undefined): number {
    const equals = word.indexOf("=");
    const typed = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? null : word.slice(equals + 1);
    const flag = this.#flags.find(({ name }) => `--${name}` === typed);
    if (flag === undefined) throw unknownFlag(typed, this.#command, this.#flags);
    if (flag.kind === "boolean" || (flag.kind === "optional" && value === null)) {
      if (value !== null) throw usageError(`--${flag.name} takes no value`, this.#help());
      this.#set(flag, true);
      return 1;
    }
    this.#setText(flag, value ?? this.#valueIn(flag, next));
    return value === null ? 2 : 1;
  }

  #takeLetters(word: string, next: string | undefined): number {
    for (let at = 1; at < word.length; at++) {
      const flag = this.#flags.find(({ letter }) => letter === word[at]);
      if (flag === undefined) throw this.#unknownLetter(word, at);
      if (flag.kind !== "boolean" && flag.kind !== "optional") {
        const rest = word.slice(at + 1);
        this.#setText(flag, rest === "" ? this.#valueIn(flag, next) : rest);
        return rest === "" ? 2 : 1;
      }
      this.#set(flag, true);
    }
    return 1;
  }

  /** `-json` is a long name with a dash too few, `-qx` a bundle with a letter too many. */
  #unknownLetter(word: string, at: number): SshMcpError {
    const letter = [...word.slice(at)][0] ?? "";
    return unknownFlag(at === 1 ? word : `-${letter}`, this.#command, this.#flags);
  }

  #valueIn(flag: Flag, next: string | undefined): string {
    if (next === undefined) throw usageError(`--${flag.name} needs a value`, this.#help());
    // The next option is what follows a forgotten value far more often than it is a value.
    if (isOption(next)) {
      throw usageError(
        `--${flag.name} needs a value; one that begins with - is written --${flag.name}=-…`,
        this.#help(),
      );
    }
    return next;
  }

  #setText(flag: Flag, text: string): void {
    this.#set(flag, flagValue(flag, text, this.#help(), this.#env));
  }

  #set(flag: Flag, value: string | number | boolean | Record<string, unknown>): void {
    if ("option" in flag.for) {
      Object.assign(this.options, { [flag.for.option]: value });
      return;
    }
    const { field } = flag.for;
    const before = this.values[field];
    this.said.push({ field, value });
    if (typeof value === "object" && flag.kind === "pair") {
      this.values[field] = { ...(typeof before === "object" ? before : {}), ...value };
    } else if (flag.repeats) {
      this.values[field] = [...(Array.isArray(before) ? before : []), value];
    } else if (before === undefined || flag.kind === "boolean") {
      this.values[field] = value;
    } else {
      throw usageError(`--${flag.name} is given twice`, this.#help());
    }
  }

  #help(): string {
    return helpCommand(this.#command);
  }
}
