/** A person's script: the compiled binary's command line with `--json`. */
import type { Operation } from "../../src/core/operation.ts";
import { run } from "../support/binary.ts";

export interface Printed {
  status: number | null;
  /** The one JSON document on standard output. */
  document: Record<string, unknown>;
}

/**
 * Runs an operation with the input that a tool call would have.
 * @throws Error when standard output is not exactly one line of JSON
 */
export const perform = async (
  home: string,
  operation: Operation,
  input: Readonly<Record<string, unknown>>,
): Promise<Printed> => {
  const { status, stdout, stderr } = await run(wordsOf(operation, input), { home, timeout: 30_000 });
  if (!/^\{[^\n]*\}\n$/.test(stdout)) throw new Error(`not one document: ${stdout}\n${stderr}`);
  return { status, document: JSON.parse(stdout) };
};

/** The same input as words: flags first, then the words without a flag; a command line stands behind `--`. */
export const wordsOf = (operation: Operation, input: Readonly<Record<string, unknown>>): string[] => {
  const { command, positionals, rest, last, operand } = operation;
  const remote = (path: string): string => `${input[operand?.target ?? ""]}:${input[path]}`;
  const isWord = (field: string): boolean =>
    field === rest || field === last || positionals.some((positional) => positional === field);
  const flags = Object.entries(input)
    .filter(([field]) => !isWord(field))
    .flatMap(([field, value]) =>
      flagWords(`--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, value),
    );
  const remainder = rest === null ? undefined : input[rest];
  return [
    ...command.split(" "),
    "--json",
    ...flags,
    ...positionals.flatMap((field) => {
      if (field === operand?.path) return [];
      return field === operand?.target && operand.path !== rest ? [remote(operand.path)] : [String(input[field])];
    }),
    ...(typeof remainder === "string" ? ["--", remainder] : Array.isArray(remainder) ? remainder.map(String) : []),
    ...(last === undefined ? [] : [String(input[last])]),
  ];
};

const flagWords = (flag: string, value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap((each) => flagWords(flag, each));
  return value === true ? [flag] : [flag, String(value)];
};
