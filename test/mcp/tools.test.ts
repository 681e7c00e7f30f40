import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ToolSchema } from "@modelcontextprotocol/sdk/types.js";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/ajv-provider.js";
import type { JsonSchemaType } from "@modelcontextprotocol/sdk/validation/types.js";
import { toJsonSchema } from "@valibot/to-json-schema";
import { annotations, operationOf, tools, toTool } from "../../src/mcp/tools.ts";
import { operations } from "../../src/operations/index.ts";

const served = operations.filter(({ faces }) => faces.includes("mcp"));
const rows = tools.map((tool) => ({ name: tool.name, tool }));
const update = "UPDATE_SNAPSHOTS=1 bun test test/mcp/tools.test.ts && bun run format";
const snapshots = join(import.meta.dir, "snapshots");

describe("tools/list", () => {
  test("has a tool for every operation of this face, in their order", () => {
    expect(tools.map(({ name }) => name)).toEqual(served.map(({ tool }) => tool));
    expect(tools.map(({ name }) => operationOf(name)?.tool)).toEqual(served.map(({ tool }) => tool));
    expect(operationOf("exec")).toBeUndefined();
    // Who may use a session is a person's to say.
    expect(operationOf("ssh_lend")).toBeUndefined();
    expect(operationOf("ssh_unlend")).toBeUndefined();
    // So is which hosts count, which keys are trusted, and which secrets are kept.
    for (const verb of ["hosts_set", "hosts_rm", "hosts_enable", "trust", "init", "secret_set", "secret_rm"]) {
      expect(operations.map(({ tool }) => tool)).toContain(`ssh_${verb}`);
      expect(operationOf(`ssh_${verb}`)).toBeUndefined();
    }
    expect(operationOf("__proto__")).toBeUndefined();
  });

  test.each(rows)("$name is as its snapshot says", ({ name, tool }) => {
    const path = join(snapshots, `${name}.json`);
    if (process.env["UPDATE_SNAPSHOTS"] === "1") {
      mkdirSync(snapshots, { recursive: true });
      writeFileSync(path, `${JSON.stringify(tool, null, 2)}\n`);
    }
    if (!existsSync(path)) throw new Error(`${path} is missing: ${update}`);
    expect(tool, update).toEqual(JSON.parse(readFileSync(path, "utf8")));
  });

  test("no snapshot is left of a tool that is gone", () => {
    expect(readdirSync(snapshots).sort()).toEqual(tools.map(({ name }) => `${name}.json`).sort());
  });

  test.each(rows)("$name stays within 400 tokens", ({ tool }) => {
    expect(tokens(tool.name + tool.description + JSON.stringify(tool.inputSchema))).toBeLessThanOrEqual(400);
  });

  test("stays within 2,200 tokens, and 4,000 with everything", () => {
    const described = tools.map((tool) => tool.name + tool.description + JSON.stringify(tool.inputSchema)).join("");
    expect(tokens(described)).toBeLessThanOrEqual(2200);
    expect(tokens(JSON.stringify(tools))).toBeLessThanOrEqual(4000);
  });
});

/** Roughly: four characters a token. */
const tokens = (text: string): number => text.length / 4;

describe("schemas", () => {
  test.each(rows)("$name is a tool as MCP defines it", ({ tool }) => {
    expect(ToolSchema.parse(tool)).toEqual(tool);
    expect(tool.name).toMatch(/^[a-z_]{1,64}$/);
  });

  test.each(rows)("$name has schemas that every client takes", ({ tool }) => {
    const validators = new AjvJsonSchemaValidator();
    for (const schema of [tool.inputSchema, tool.outputSchema]) {
      if (schema === undefined) throw new Error("a schema is missing");
      expect(() => validators.getValidator(schema as JsonSchemaType)).not.toThrow();
      // Some clients refuse all tools over an anyOf, oneOf or allOf at the top; $schema is implied.
      expect(Object.keys(schema).filter((keyword) => !topKeywords.has(keyword))).toEqual([]);
      expect(foreignKeywords(schema)).toEqual([]);
    }
    // Another field is refused all the same, and its name told.
    expect(tool.inputSchema).not.toHaveProperty("additionalProperties");
    // An output may get fields within a major version; a client that validates must let them pass.
    expect(tool.outputSchema).not.toHaveProperty("additionalProperties");
  });

  test.each(served)("$tool describes every field that does not say it by its name", ({ tool, brief = {} }) => {
    const schema = tools.find((each) => each.name === tool)?.inputSchema as Schema | undefined;
    const plain = Object.entries(brief).flatMap(([field, text]) => (text === "" ? [field] : []));
    const silent = Object.entries(schema?.properties ?? {}).filter(([, { description }]) => !description?.trim());
    expect(silent.map(([field]) => field).filter((field) => !plain.includes(field))).toEqual([]);
  });

  test.each(rows)("$name says no bounds, which an error names", ({ tool }) => {
    expect(JSON.stringify(tool.inputSchema)).not.toMatch(/"(minL|maxL|minI|maxI|minimum|maximum|exclusive|pattern)/);
  });

  test.each(rows)("$name describes nothing of its answer, which shows itself", ({ tool }) => {
    expect(JSON.stringify(tool.outputSchema)).not.toContain('"description":"');
  });

  test.each(served)("$tool describes every field of its answer for people", ({ output }) => {
    expect(undescribed(toJsonSchema(output, { typeMode: "output" }) as Schema)).toEqual([]);
  });

  test.each(served)("$tool has every field a model may set, and no other", ({ tool, input, cliOnly }) => {
    const expected = Object.keys(input.entries).filter((field) => !(cliOnly as readonly string[]).includes(field));
    const properties = tools.find(({ name }) => name === tool)?.inputSchema.properties;
    expect(Object.keys(properties ?? {})).toEqual(expected);
  });

  test("a required field that is the person's alone is not required of a model", () => {
    const [exec] = served.filter(({ tool }) => tool === "ssh_exec");
    if (exec === undefined) throw new Error("no ssh_exec");
    const { inputSchema } = toTool({ ...exec, cliOnly: ["command"] as never });
    expect(inputSchema.required).toEqual(["target"]);
    expect(inputSchema.properties).not.toHaveProperty("command");
  });
});

const topKeywords = new Set(["type", "properties", "required", "additionalProperties"]);
/** JSON Schema that validators of every draft and the converters of model vendors know. */
const plainKeywords = new Set([
  ...topKeywords,
  ...["description", "enum", "items", "anyOf", "format", "pattern", "minLength", "maxLength", "maxItems"],
  ...["minimum", "maximum", "exclusiveMinimum"],
]);

interface Schema {
  description?: string | undefined;
  properties?: Record<string, Schema> | undefined;
  items?: Schema | undefined;
  anyOf?: Schema[] | undefined;
}

const inner = ({ properties = {}, items, anyOf = [] }: Schema): Schema[] => [
  ...Object.values(properties),
  ...(items === undefined ? [] : [items]),
  ...anyOf,
];

const foreignKeywords = (schema: Schema): string[] => [
  ...Object.keys(schema).filter((keyword) => !plainKeywords.has(keyword)),
  ...inner(schema).flatMap(foreignKeywords),
];

const undescribed = (schema: Schema | undefined): string[] => {
  if (schema === undefined) throw new Error("a schema is missing");
  const fields = Object.entries(schema.properties ?? {}).filter(([, { description }]) => !description?.trim());
  return [...fields.map(([name]) => name), ...inner(schema).flatMap(undescribed)];
};

describe("annotations", () => {
  // MCP 2025-11-25, `ToolAnnotations`.
  const defaults = { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true };

  test.each([
    { tool: "ssh_connect", readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    { tool: "ssh_exec", readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    { tool: "ssh_sessions", readOnlyHint: true, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    { tool: "ssh_disconnect", readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    { tool: "ssh_hosts", readOnlyHint: true, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    {
      ...{ tool: "ssh_list_directory", readOnlyHint: true, destructiveHint: false },
      ...{ idempotentHint: false, openWorldHint: true },
    },
    { tool: "ssh_path", readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    // What is there may be replaced.
    ...["ssh_write_file", "ssh_edit_file", "ssh_transfer"].map((tool) => ({ tool, ...defaults })),
    { tool: "ssh_host_add", readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  ])("of $tool", ({ tool, ...hints }) => {
    expect({ ...defaults, ...tools.find(({ name }) => name === tool)?.annotations }).toEqual(hints);
  });

  test.each([
    { effect: "read", readOnlyHint: true, destructiveHint: false },
    { effect: "write", readOnlyHint: false, destructiveHint: false },
    { effect: "execute", readOnlyHint: false, destructiveHint: true },
    { effect: "destructive", readOnlyHint: false, destructiveHint: true },
  ] as const)("follow from the effect $effect", ({ effect, ...hints }) => {
    const [operation] = served;
    if (operation === undefined) throw new Error("no operation");
    expect({ ...defaults, ...annotations({ ...operation, effect }) }).toMatchObject(hints);
  });
});
