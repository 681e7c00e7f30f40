/**
 * What to do with a line a client sent: JSON-RPC 2.0 as MCP 2025-11-25 narrows it ("Base Protocol", "Messages"). The SDK drops
 * what it cannot read without an answer, which leaves the client waiting; here everything that expects an answer gets one.
 */
import {
  CallToolRequestSchema,
  ErrorCode,
  InitializeRequestSchema,
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
  JSONRPCMessageSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  PingRequestSchema,
  ReadResourceRequestSchema,
  type RequestId,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

export type Verdict = { deliver: JSONRPCMessage } | { answer: JSONRPCErrorResponse } | "ignore";

/** Says everything about one message but whether its id is in use. */
export const judge = (text: string): Verdict => {
  if (text.trim() === "") return "ignore";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { answer: parseError("the line is not JSON") };
  }
  // JSON-RPC batches left MCP with 2025-06-18.
  if (Array.isArray(value)) return { answer: invalidRequest(undefined, "a batch; send one message per line") };
  const message = JSONRPCMessageSchema.safeParse(value);
  return message.success ? judgeParams(message.data) : judgeMalformed(value);
};

export const parseError = (reason: string): JSONRPCErrorResponse =>
  errorResponse(undefined, ErrorCode.ParseError, `Parse error: ${reason}`);

export const invalidRequest = (id: RequestId | undefined, reason: string): JSONRPCErrorResponse =>
  errorResponse(id, ErrorCode.InvalidRequest, `Invalid request: ${reason}`);

/** Without an id where none could be read (MCP 2025-11-25, "Error Responses"); JSON-RPC's null is no MCP id. */
const errorResponse = (id: RequestId | undefined, code: ErrorCode, message: string): JSONRPCErrorResponse => ({
  jsonrpc: "2.0",
  ...(id === undefined ? {} : { id }),
  error: { code, message },
});

const judgeMalformed = (value: unknown): Verdict => {
  if (typeof value !== "object" || value === null) return { answer: invalidRequest(undefined, "not a JSON object") };
  // Neither a response nor a notification is ever answered, not even a broken one.
  if (!("method" in value) && ("result" in value || "error" in value)) return "ignore";
  if ("method" in value && typeof value.method === "string" && !("id" in value)) return "ignore";
  const id = "id" in value && (typeof value.id === "string" || typeof value.id === "number") ? value.id : undefined;
  return { answer: invalidRequest(id, "not a JSON-RPC 2.0 message as MCP defines it") };
};

/** Requests we serve. The SDK checks them too, but reports a misfit as an internal error. */
const requests: Readonly<Record<string, Checker>> = {
  initialize: InitializeRequestSchema,
  ping: PingRequestSchema,
  "tools/list": ListToolsRequestSchema,
  "tools/call": CallToolRequestSchema,
  "resources/list": ListResourcesRequestSchema,
  "resources/read": ReadResourceRequestSchema,
  "resources/subscribe": SubscribeRequestSchema,
  "resources/unsubscribe": UnsubscribeRequestSchema,
};

interface Checker {
  safeParse(value: unknown): { error?: { issues: { path: PropertyKey[]; message: string }[] } | undefined };
}

const judgeParams = (message: JSONRPCMessage): Verdict => {
  if (!("method" in message && "id" in message)) return { deliver: message };
  const [issue] = requests[message.method]?.safeParse(message).error?.issues ?? [];
  if (issue !== undefined) {
    const reason = `Invalid params: ${issue.path.join(".")}: ${issue.message}`;
    return { answer: errorResponse(message.id, ErrorCode.InvalidParams, reason) };
  }
  // "Receivers that do not declare the task capability for a request type MUST process requests of that type normally,
  // ignoring any task-augmentation metadata" (MCP 2025-11-25, "Tasks"); the SDK would refuse them.
  if (message.params !== undefined) delete message.params["task"];
  return { deliver: message };
};
