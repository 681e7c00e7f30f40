import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import type { ErrorRecord } from "../../src/core/errors.ts";

/** A tool's answer: a result or an error, never both and never neither. */
export interface Answer {
  text: string;
  isError: boolean;
  result: Record<string, unknown> | null;
  error: ErrorRecord | null;
}

/** @throws Error for an answer of another shape than the output contract has */
export const toAnswer = (value: unknown): Answer => {
  const { content, structuredContent, isError = false, _meta } = CallToolResultSchema.parse(value);
  const [block, ...more] = content;
  if (block?.type !== "text" || more.length > 0) throw new Error(`not one block of text: ${JSON.stringify(content)}`);
  const { text } = block;
  const error = (_meta?.["ssh-mcp/error"] ?? null) as ErrorRecord | null;
  const result = structuredContent ?? null;
  if ((error === null) === (result === null)) throw new Error(`neither or both of result and error: ${text}`);
  if (error !== null) {
    const expected = `${error.code}: ${error.message}${error.hint === null ? "" : `\nhint: ${error.hint}`}`;
    if (!isError || text !== expected) throw new Error(`the text is not that of its error: ${text}`);
  }
  return { text, isError, result, error };
};

/**
 * A hint in words that both faces share: what somebody types for a model is for another shell, whose HOME may be another, and always
 * names the session that the model's next call is to find.
 */
export const inCommonWords = (hint: string): string =>
  hint.replace(/^(?:SSH_MCP_DIR=\S+ )?(ssh-mcp connect )(?:--name \S+ )?/, "$1");

/** A message in words that both faces share: a model alone is told how to wait for a person. */
export const withoutHowToWait = (message: string): string =>
  message.replace(/; the same call with wait: \d+ goes on once a person has typed the hint$/, "");
