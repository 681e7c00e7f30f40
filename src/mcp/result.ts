import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { SshMcpError } from "../core/errors.ts";
import { escapeHidden, escapeLine, escapeText } from "../core/escape.ts";
import type { Operation } from "../core/operation.ts";

/** Outcomes a model must not take for success. A non-zero exit status is none of them: it is what the command said. */
const failedOutcomes: ReadonlySet<unknown> = new Set(["timedOut", "canceled", "unknown"]);

/** The answer for a result: the structure, and text as complete as it, for clients read one or the other. */
export const toolResult = (operation: Operation, value: unknown): CallToolResult => {
  const structured = asRecord(value);
  return {
    content: [{ type: "text", text: escapeText(operation.render(structured)) }],
    structuredContent: visible(structured) as Record<string, unknown>,
    ...(hasFailed(structured) ? { isError: true } : {}),
  };
};

/** Of several hosts each is asked. What goes on as a job when its time is over does so as it was asked to. */
const hasFailed = ({ outcome, jobId, hosts, error = null }: Record<string, unknown>): boolean =>
  Array.isArray(hosts)
    ? hosts.some(hasFailed)
    : error !== null || (failedOutcomes.has(outcome) && !(outcome === "timedOut" && typeof jobId === "string"));

/** Clients that show a model the structure show it as JSON: what that would leave invisible is written out. */
const visible = (value: unknown): unknown => {
  if (typeof value === "string") return escapeHidden(value);
  if (Array.isArray(value)) return value.map(visible);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, visible(inner)]));
};

/**
 * The answer for an error without a result. It has no structuredContent: the official client throws on one that does not match
 * the tool's outputSchema, and the model would never see the error.
 */
export const toolError = (error: SshMcpError): CallToolResult => {
  const { code, message, hint } = error;
  // One line each: nothing that a message quotes can pass for a hint of ours.
  const lines = [`${code}: ${escapeLine(message)}`, ...(hint === null ? [] : [`hint: ${escapeLine(hint)}`])];
  return {
    content: [{ type: "text", text: lines.join("\n") }],
    isError: true,
    _meta: { "ssh-mcp/error": { ...error.toRecord() } },
  };
};

/** Adds what was said beside the answer as texts of their own: a result's structure is the operation's alone. */
export const withNotices = (result: CallToolResult, notices: readonly string[]): CallToolResult => ({
  ...result,
  content: [
    ...result.content,
    ...notices.map((notice) => ({ type: "text" as const, text: `note: ${escapeLine(notice)}` })),
  ],
});

const asRecord = (value: unknown): Record<string, unknown> => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("a result that is no object");
  return { ...value };
};
