/**
 * What the command line of an operation looks like, derived from its definition: the words it takes, its flags, their kinds and
 * descriptions. Plain data: the parser, the help and the hints are all built on it, and nothing of an operation is said again.
 */
import type * as v from "valibot";
import { kebab } from "../core/field-name.ts";
import type { Operation } from "../core/operation.ts";
import { faceFlagsOf } from "./face-flags.ts";
import type { Flag } from "./flag.ts";

/** A word, or words, without a flag. */
export interface Operand {
  field: string;
  /** The field of the target, where the word is `TARGET:PATH` and `field` is the path's; null else. */
  target: string | null;
  /** What it is called in a usage line. */
  word: string;
  description: string;
  required: boolean;
}

export interface Command {
  name: string;
  operation: Operation;
  operands: readonly Operand[];
  /** What takes the words after the operands. `joined`: they are one command line, which none of our options can stand in. */
  rest: (Operand & { joined: boolean }) | null;
  /** What takes the last of these words; null for nothing, as for most. */
  last: Operand | null;
  flags: readonly Flag[];
}

/** Whether the exit status is that of what ran on the server. */
export const hasRemoteStatus = ({ name, streams }: Operation): boolean =>
  name === "job-wait" || (streams === "pipe" && name !== "job-logs");

/** ssh(1)'s letters for the fields that mean the same. */
const letters: Readonly<Record<string, string>> = {
  port: "p",
  user: "l",
  identityFile: "i",
  jump: "J",
  configFile: "F",
  options: "o",
  cwd: "w",
  env: "e",
  pty: "t",
};

/** The flag that has the rest taken word by word. */
const wordwise = {
  kind: "boolean",
  repeats: false,
  description: "Quote each word of COMMAND, instead of joining them",
} as const;

/** @throws Error for a field of a type that no flag can express: a mistake in the definition */
export const commandOf = (operation: Operation): Command => {
  const fields = Object.entries(operation.input.entries).map(([field, schema]) => ({
    field,
    ...shapeOf(field, schema),
  }));
  const help: Readonly<Record<string, string | undefined>> = operation.help ?? {};
  const find = (name: string) => {
    const found = fields.find(({ field }) => field === name);
    if (found === undefined) throw new Error(`${operation.name} has no field ${name}`);
    return found;
  };
  const own: Readonly<Record<string, string | undefined>> = operation.letters ?? {};
  const { operand: remote } = operation;
  const operand = (name: string): Operand & { joined: boolean } => {
    const { field, description, required, repeats } = find(name);
    const isPath = field === remote?.path;
    return {
      field,
      target: isPath ? remote.target : null,
      word: isPath ? "TARGET:PATH" : field.toUpperCase(),
      description: help[field] ?? description,
      // It names the server, though the path may be left out.
      required: required || isPath,
      joined: !repeats,
    };
  };
  const words = new Set([...operation.positionals, operation.rest, operation.last]);
  const flags = fields
    .filter(({ field }) => !words.has(field))
    .map((shape): Flag => {
      const { field, kind, repeats, choices, description } =
        shape.field === operation.words ? { ...shape, ...wordwise } : shape;
      const flagKind = operation.durations.includes(field) ? "duration" : kind;
      const letter = own[field] ?? letters[field] ?? null;
      const text = help[field] ?? description;
      return { for: { field }, name: kebab(field), letter, kind: flagKind, repeats, choices, description: text };
    });
  return {
    name: operation.command,
    operation,
    operands: operandsOf(operation).map(operand),
    rest: operation.rest === null ? null : operand(operation.rest),
    last: operation.last === undefined ? null : operand(operation.last),
    flags: [...flags, ...faceFlagsOf(operation)],
  };
};

/** The fields that words stand for, in order: a path stands for its target too. */
const operandsOf = ({ positionals, rest, operand }: Operation): readonly string[] => {
  if (operand === undefined) return positionals;
  const others = positionals.filter((field) => field !== operand.path);
  return others.flatMap((field) => {
    if (field !== operand.target) return [field];
    return operand.path === rest ? [] : [operand.path];
  });
};

interface Shape {
  kind: "boolean" | "number" | "text" | "pair" | "optional" | "json";
  repeats: boolean;
  required: boolean;
  choices: readonly string[] | null;
  description: string;
}

/** The parts of valibot's schemas that are read here; valibot itself is not needed to read them. */
interface Schema extends v.BaseSchema<unknown, unknown, v.BaseIssue<unknown>> {
  wrapped?: Schema;
  item?: Schema;
  options?: readonly unknown[];
  pipe?: readonly { kind: string; type: string; description?: string }[];
}

const kinds: Readonly<Record<string, Shape["kind"]>> = {
  boolean: "boolean",
  number: "number",
  string: "text",
  picklist: "text",
  record: "pair",
  // Of true and a text, as `--sudo` and `--sudo=USER`.
  union: "optional",
  strict_object: "json",
};

const shapeOf = (field: string, schema: Schema): Shape => {
  const description = schema.pipe?.find(({ type }) => type === "description")?.description ?? "";
  if (schema.type === "optional" && schema.wrapped !== undefined) {
    const inner = shapeOf(field, schema.wrapped);
    return { ...inner, required: false, description: description || inner.description };
  }
  if (schema.type === "array" && schema.item !== undefined) {
    const inner = shapeOf(field, schema.item);
    return { ...inner, repeats: true, required: true, description: description || inner.description };
  }
  const kind = kinds[schema.type];
  if (kind === undefined) throw new Error(`no flag can take ${field}, of type ${schema.type}`);
  const choices = schema.type === "picklist" ? (schema.options ?? []).map(String) : null;
  return { kind, repeats: kind === "pair", required: true, choices, description };
};
