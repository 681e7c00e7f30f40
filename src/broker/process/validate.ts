/** Nothing runs on an input that its operation does not describe, and nothing leaves that it does not promise. */
import * as v from "valibot";
import { SshMcpError } from "../../core/errors.ts";
import { fieldName } from "../../core/field-name.ts";
import { hintFor } from "../../core/hint.ts";
import type { Caller, Issue, Operation } from "../../core/operation.ts";
import { describeIssues, issuesOf, unknownFields } from "../wire/issues.ts";
import type { Invocation, Run } from "./dispatch.ts";

/**
 * @param operations all there are: one of them may take what another does not
 * @throws SshMcpError INVALID_INPUT with every issue, and no value, in its message
 */
export const validated =
  (operations: readonly Operation[], next: Run) =>
  async (invocation: Invocation<unknown>): Promise<unknown> => {
    const { operation, input, context } = invocation;
    const withheld = context.caller.face === "mcp" ? withheldFields(operation, input) : [];
    if (withheld.length > 0) throw notForModels(invocation, withheld, operations);
    // valibot takes a list for an object without fields.
    const parsed = v.safeParse(operation.input, Array.isArray(input) ? null : input);
    if (!parsed.success)
      throw invalid(invocation, [...issuesOf(parsed.issues), ...unknownFields(operation.input, input)]);
    const issues = [...dropped(input, parsed.output), ...operation.validate(parsed.output)];
    if (issues.length > 0) throw invalid(invocation, issues);
    return await next({ ...invocation, input: parsed.output });
  };

/**
 * Leaves what the operation's output schema says, and nothing else.
 * @throws SshMcpError INTERNAL when it says something else
 */
export const checked =
  (next: Run): Run =>
  async (invocation) => {
    const parsed = v.safeParse(invocation.operation.output, await next(invocation));
    if (parsed.success) return parsed.output;
    const issues = describeIssues(issuesOf(parsed.issues));
    const { operation, context } = invocation;
    throw new SshMcpError(
      "INTERNAL",
      `${verbOf(operation, context.caller)} ran, but its result is not as described: ${issues}`,
    );
  };

/** Of a record valibot takes a list for an empty one, and leaves names out that mean something to an object. */
const dropped = (input: unknown, output: object): Issue[] =>
  Object.entries(output).flatMap(([field, taken]) => {
    const given: unknown = (input as Record<string, unknown> | null)?.[field];
    if (typeof taken !== "object" || taken === null || Array.isArray(taken)) return [];
    if (Array.isArray(given)) return [{ field, message: "is a list" }];
    const name = Object.keys(given ?? {}).find((each) => !Object.hasOwn(taken, each));
    return name === undefined ? [] : [{ field, message: `${JSON.stringify(name)} is no name that is taken here` }];
  });

const withheldFields = ({ cliOnly }: Operation, input: unknown): string[] =>
  cliOnly.filter((field) => typeof input === "object" && input !== null && Object.hasOwn(input, field));

/** Some of what one tool does not take, another one does; the rest is for a person alone. */
const notForModels = (
  invocation: Invocation<unknown>,
  fields: readonly string[],
  operations: readonly Operation[],
): SshMcpError => {
  const takers = operations.filter(({ faces }) => faces.includes("mcp"));
  const takerOf = (field: string): Operation | undefined =>
    takers.find(({ input, cliOnly }) => Object.hasOwn(input.entries, field) && !(cliOnly as string[]).includes(field));
  const issues = fields.map((field) => ({
    field,
    message: takerOf(field) === undefined ? "is for a person at the command line only" : "is not taken here",
  }));
  const hints = fields.flatMap((field) => {
    const taker = takerOf(field);
    return taker === undefined ? [] : [`${taker.tool} takes ${field}`];
  });
  return invalid(invocation, issues, hints.length === 0 ? null : hints.join(", "));
};

/** @param hint null for where to look up what is taken */
const invalid = (
  { operation, context }: Invocation<unknown>,
  issues: readonly Issue[],
  hint: string | null = null,
): SshMcpError => {
  const { caller } = context;
  const named = issues.map((issue) => namedFor(issue, operation, caller));
  const lookUp = hintFor(caller, {
    command: `ssh-mcp ${operation.command} --help`,
    tool: `the input schema of ${operation.tool} has every field`,
  });
  return new SshMcpError(
    "INVALID_INPUT",
    `${verbOf(operation, caller)} cannot take this input: ${describeIssues(named)}`,
    { hint: hint ?? lookUp },
  );
};

/** The operation as the caller calls it. */
const verbOf = ({ command, tool }: Operation, caller: Caller): string => hintFor(caller, { command, tool });

const namedFor = ({ field, message }: Issue, operation: Operation, { face }: Caller): Issue => ({
  field: fieldName(operation, field, face),
  message: message.replace(/\{(\w+)\}/g, (whole, other: string) =>
    Object.hasOwn(operation.input.entries, other) ? fieldName(operation, other, face) : whole,
  ),
});
