/**
 * The schema of a tool's answer, as short as it is of use: clients check the answer by it, and some show it to the model, which pays for every
 * character before its first call. What a field is, its name and the answer say; `--help` and the README say the rest.
 */
import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import type { Operation } from "../core/operation.ts";

interface Schema {
  type?: string;
  anyOf?: Schema[];
}

/** @throws Error when the output has no JSON Schema form, or is no object */
export const answerSchema = ({ output, name }: Operation): { type: "object"; properties: Record<string, object> } => {
  const { type, properties = {} } = toJsonSchema(output, { typeMode: "output", target: "draft-2020-12" });
  if (type !== "object") throw new Error(`the answer of ${name} must be an object, not ${type}`);
  const fields = Object.entries(properties).map(([field, schema]) => [field, outline(schema)] as const);
  return { type, properties: Object.fromEntries(fields) };
};

/** The type of a field; what a list or an object holds, and which words there are, shows itself. */
const outline = (schema: JsonSchema | boolean): Schema => {
  if (typeof schema === "boolean") throw new Error("a field of an answer has no schema of its own");
  const { type, anyOf } = schema as Schema;
  if (anyOf !== undefined) return { anyOf: anyOf.map((one) => outline(one as JsonSchema)) };
  return type === undefined ? {} : { type };
};
