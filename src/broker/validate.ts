/** Nothing runs on an input that its operation does not describe, and nothing leaves that it does not promise. */
import * as v from "valibot";
import { SshMcpError } from "../core/errors.ts";
import type { Issue, Operation } from "../core/operation.ts";
import type { Invocation, Run } from "./dispatch.ts";
import { describeIssues, issuesOf, unknownFields } from "./issues.ts";

/** @throws SshMcpError INVALID_INPUT with every issue, and no value, in its message */
export const validated =
  (next: Run) =>
  async (invocation: Invocation<unknown>): Promise<unknown> => {
    const { operation, input, context } = invocation;
    const withheld = context.caller.face === "mcp" ? withheldFields(operation, input) : [];
    if (withheld.length > 0) throw invalid(invocation, withheld);
    // valibot takes a list for an object without fields.
    const parsed = v.safeParse(operation.input, Array.isArray(input) ? null : input);
    if (!parsed.success)
      throw invalid(invocation, [...issuesOf(parsed.issues), ...unknownFields(operation.input, input)]);
    const issues = operation.validate(parsed.output);
    if (issues.length > 0) throw invalid(invocation, issues);
    return await next({ ...invocation, input: parsed.output });
  };

/** Leaves what the operation's output schema says, and nothing else. @throws SshMcpError INTERNAL when it says something else */
export const checked =
  (next: Run): Run =>
  async (invocation) => {
    const parsed = v.safeParse(invocation.operation.output, await next(invocation));
    if (parsed.success) return parsed.output;
    const issues = describeIssues(issuesOf(parsed.issues));
    throw new SshMcpError(
      "INTERNAL",
      `${invocation.operation.name} ran, but its result is not as described: ${issues}`,
    );
  };

const withheldFields = ({ cliOnly }: Operation, input: unknown): Issue[] =>
  cliOnly
    .filter((field) => typeof input === "object" && input !== null && Object.hasOwn(input, field))
    .map((field) => ({ field, message: "is for a person at the command line only" }));

const invalid = ({ operation, context }: Invocation<unknown>, issues: readonly Issue[]): SshMcpError => {
  const details = context.caller.face === "cli" ? { hint: `ssh-mcp ${operation.command} --help` } : {};
  return new SshMcpError(
    "INVALID_INPUT",
    `${operation.name} cannot take this input: ${describeIssues(issues)}`,
    details,
  );
};
