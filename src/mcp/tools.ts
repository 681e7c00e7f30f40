import type { Tool, ToolAnnotations } from "@modelcontextprotocol/sdk/types.js";
import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import type { Operation } from "../core/operation.ts";
import { operations } from "../operations/index.ts";
import { answerSchema } from "./answer-schema.ts";

/** @throws Error when a schema has no JSON Schema form */
export const toTool = (operation: Operation): Tool => ({
  name: operation.tool,
  title: operation.title,
  description: `${operation.description}\n${operation.advice}`,
  inputSchema: inputSchema(operation),
  outputSchema: answerSchema(operation),
  annotations: annotations(operation),
});

/**
 * Hints for the client's own decisions, MCP 2025-11-25, `ToolAnnotations`. A command may do anything, so running one counts
 * as destructive, and so does to replace what is there. What is as the protocol has it anyway is left out.
 */
export const annotations = ({ effect, replaces, idempotent, remote }: Operation): Hints => ({
  ...(effect === "read" ? { readOnlyHint: true } : {}),
  ...(effect === "execute" || effect === "destructive" || replaces === true ? {} : { destructiveHint: false }),
  // Of what only reads, the protocol asks it not.
  ...(idempotent && effect !== "read" ? { idempotentHint: true } : {}),
  ...(remote ? {} : { openWorldHint: false }),
});

type Hints = Omit<ToolAnnotations, "title">;
type ObjectSchema = Tool["inputSchema"];

/** The dialect MCP assumes when a schema names none, so `$schema` is left out. */
const target = "draft-2020-12";

const inputSchema = (operation: Operation): ObjectSchema => {
  const {
    properties = {},
    required = [],
    ...rest
  } = objectSchema(toJsonSchema(operation.input, { typeMode: "input", target }));
  const hidden = new Set<string>(operation.cliOnly);
  const brief: Readonly<Record<string, string | undefined>> = operation.brief ?? {};
  const told = Object.entries(properties)
    .filter(([name]) => !hidden.has(name))
    .map(([name, schema]) => [name, described(schema, brief[name])] as const);
  const needed = required.filter((name) => !hidden.has(name));
  return { ...rest, properties: Object.fromEntries(told), ...(needed.length === 0 ? {} : { required: needed }) };
};

const described = (schema: object, brief: string | undefined): object => {
  if (brief === undefined) return schema;
  const { description: _, ...rest } = schema as { description?: string };
  return brief === "" ? (undescribed(rest) as object) : { ...rest, description: brief };
};

/** Nor what a list of it holds. */
const undescribed = (schema: unknown): unknown => {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return schema;
  const kept = Object.entries(schema).filter(([key, value]) => key !== "description" || typeof value !== "string");
  return Object.fromEntries(kept.map(([key, value]) => [key, undescribed(value)]));
};

/** That no other field is taken is left out: whoever sends one is told. */
const objectSchema = ({
  $schema,
  type,
  properties = {},
  additionalProperties: _,
  ...rest
}: JsonSchema): ObjectSchema => {
  if (type !== "object") throw new Error(`a tool's schema must be an object, not ${type}`);
  return { type, properties: Object.fromEntries(Object.entries(properties).map(property)), ...rest };
};

const property = ([name, schema]: [string, JsonSchema | boolean]): [string, object] => {
  if (typeof schema === "boolean") throw new Error(`the field ${name} has no schema of its own`);
  return [name, kindOf(schema)];
};

/**
 * Without what a model need not know beforehand: bounds, which no sensible value meets, and an error names. Of a record valibot says besides that its keys
 * are strings, as the keys of all JSON objects are.
 */
const kindOf = (schema: JsonSchema): JsonSchema => {
  const kept = Object.entries(schema).filter(([keyword, value]) => !bounds.has(keyword) && !isClosed(keyword, value));
  return Object.fromEntries(kept.map(([keyword, value]) => [keyword, inner(keyword, value)])) as JsonSchema;
};

const inner = (keyword: string, value: unknown): unknown => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if (keyword === "items") return kindOf(value as JsonSchema);
  if (keyword !== "properties") return value;
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, kindOf(schema as JsonSchema)]));
};

const isClosed = (keyword: string, value: unknown): boolean => keyword === "additionalProperties" && value === false;

const bounds: ReadonlySet<string> = new Set([
  ...["propertyNames", "pattern", "minLength", "maxLength", "minItems", "maxItems"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
]);

const served = operations.filter(({ faces }) => faces.includes("mcp"));
const byName = new Map(served.map((operation) => [operation.tool, operation]));

/** In the order of the operations. */
export const tools: readonly Tool[] = served.map(toTool);

/** The operation behind a tool's name, or undefined. */
export const operationOf = (tool: string): Operation | undefined => byName.get(tool);
