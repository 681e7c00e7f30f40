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
  description: string;
  required: boolean;
}

export interface Command {
  name: string;
  operation: Operation;
  operands: readonly Operand[];
  /** What takes the words after the operands. `joined`: they are one command line, which none of our options can stand in. */
  rest: (Operand & { joined: boolean }) | null;
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
  const operand = (name: string): Operand & { joined: boolean } => {
    const { field, description, required, repeats } = find(name);
    return { field, description: help[field] ?? description, required, joined: !repeats };
  };
  const words = new Set([...operation.positionals, operation.rest]);
  const flags = fields
    .filter(({ field }) => !words.has(field))
    .map((shape): Flag => {
      const { field, kind, repeats, choices, description } =
        shape.field === operation.words ? { ...shape, ...wordwise } : shape;
      const flagKind = operation.durations.includes(field) ? "duration" : kind;
      const letter = letters[field] ?? null;
      const text = help[field] ?? description;
      return { for: { field }, name: kebab(field), letter, kind: flagKind, repeats, choices, description: text };
    });
  return {
    name: operation.command,
    operation,
    operands: operation.positionals.map(operand),
    rest: operation.rest === null ? null : operand(operation.rest),
    flags: [...flags, ...faceFlagsOf(operation)],
  };
};

interface Shape {
  kind: "boolean" | "number" | "text" | "pair" | "optional";
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
