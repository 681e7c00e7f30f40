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
 * as destructive.
 */
export const annotations = ({ effect, idempotent, remote }: Operation): Required<Hints> => ({
  readOnlyHint: effect === "read",
  destructiveHint: effect === "execute" || effect === "destructive",
  idempotentHint: idempotent,
  openWorldHint: remote,
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
  return {
    ...rest,
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !hidden.has(name))),
    required: required.filter((name) => !hidden.has(name)),
  };
};

const objectSchema = ({ $schema, type, properties = {}, ...rest }: JsonSchema): ObjectSchema => {
  if (type !== "object") throw new Error(`a tool's schema must be an object, not ${type}`);
  return { type, properties: Object.fromEntries(Object.entries(properties).map(property)), ...rest };
};

const property = ([name, schema]: [string, JsonSchema | boolean]): [string, object] => {
  if (typeof schema === "boolean") throw new Error(`the field ${name} has no schema of its own`);
  // Of a record valibot says that its keys are strings, as the keys of all JSON objects are.
  const { propertyNames: _, ...rest } = schema;
  return [name, rest];
};

const served = operations.filter(({ faces }) => faces.includes("mcp"));
const byName = new Map(served.map((operation) => [operation.tool, operation]));

/** In the order of the operations. */
export const tools: readonly Tool[] = served.map(toTool);

/** The operation behind a tool's name, or undefined. */
export const operationOf = (tool: string): Operation | undefined => byName.get(tool);
