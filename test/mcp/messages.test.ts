import { describe, expect, test } from "bun:test";
import { judge } from "../../src/mcp/messages.ts";

const error = (code: number, message: unknown, id?: string | number) => ({
  answer: { jsonrpc: "2.0", ...(id === undefined ? {} : { id }), error: { code, message } },
});
const call = (params: unknown) => ({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
const notJson = "Parse error: the line is not JSON";
const notMcp = "Invalid request: not a JSON-RPC 2.0 message as MCP defines it";

const answered: { what: string; line: unknown; answer: unknown }[] = [
  { what: "no JSON", line: "{", answer: error(-32700, notJson) },
  { what: "a word", line: "hello", answer: error(-32700, notJson) },
  { what: "deeper nesting than the message holds", line: `${"[".repeat(1e5)}`, answer: error(-32700, notJson) },
  { what: "a number", line: 1, answer: error(-32600, "Invalid request: not a JSON object") },
  { what: "null", line: null, answer: error(-32600, "Invalid request: not a JSON object") },
  { what: "an empty object", line: {}, answer: error(-32600, notMcp) },
  { what: "an empty batch", line: [], answer: error(-32600, expect.stringContaining("a batch")) },
  {
    what: "a batch",
    line: [{ jsonrpc: "2.0", id: 1, method: "ping" }],
    answer: error(-32600, "Invalid request: a batch; send one message per line"),
  },
  { what: "a request without jsonrpc", line: { id: 7, method: "ping" }, answer: error(-32600, notMcp, 7) },
  { what: "JSON-RPC 1.0", line: { jsonrpc: "1.0", id: "a", method: "ping" }, answer: error(-32600, notMcp, "a") },
  { what: "an id that is null", line: { jsonrpc: "2.0", id: null, method: "ping" }, answer: error(-32600, notMcp) },
  { what: "an id that is an object", line: { jsonrpc: "2.0", id: {}, method: "ping" }, answer: error(-32600, notMcp) },
  {
    what: "an id with a fraction",
    line: { jsonrpc: "2.0", id: 1.5, method: "ping" },
    answer: error(-32600, notMcp, 1.5),
  },
  { what: "a method that is no string", line: { jsonrpc: "2.0", id: 1, method: 1 }, answer: error(-32600, notMcp, 1) },
  {
    what: "positional params",
    line: { jsonrpc: "2.0", id: 1, method: "x", params: [1] },
    answer: error(-32600, notMcp, 1),
  },
  {
    what: "a tool call without params",
    line: call(undefined),
    answer: error(-32602, expect.stringMatching(/^Invalid params: params: /), 1),
  },
  {
    what: "a tool call without a name",
    line: call({ arguments: {} }),
    answer: error(-32602, expect.stringMatching(/^Invalid params: params\.name: /), 1),
  },
  {
    what: "arguments that are a string",
    line: call({ name: "ssh_exec", arguments: "{}" }),
    answer: error(-32602, expect.stringMatching(/^Invalid params: params\.arguments: /), 1),
  },
  {
    what: "initialize without params",
    line: { jsonrpc: "2.0", id: 1, method: "initialize" },
    answer: error(-32602, expect.stringMatching(/^Invalid params: params: /), 1),
  },
];

const ignored: { what: string; line: unknown }[] = [
  { what: "an empty line", line: "" },
  { what: "white space", line: " \t\r" },
  { what: "a broken notification", line: { jsonrpc: "2.0", method: "notifications/x", params: 1 } },
  { what: "a notification without jsonrpc", line: { method: "notifications/x" } },
  { what: "a broken result", line: { jsonrpc: "2.0", id: {}, result: 1 } },
  { what: "a broken error", line: { jsonrpc: "2.0", error: "x" } },
];

const delivered: { what: string; line: unknown }[] = [
  { what: "a request", line: { jsonrpc: "2.0", id: 1, method: "ping" } },
  { what: "an unknown request", line: { jsonrpc: "2.0", id: "", method: "unknown/method", params: { a: 1 } } },
  { what: "a notification", line: { jsonrpc: "2.0", method: "notifications/initialized" } },
  { what: "a result", line: { jsonrpc: "2.0", id: 1, result: {} } },
  { what: "an error", line: { jsonrpc: "2.0", id: 1, error: { code: 1, message: "x" } } },
  { what: "a tool call without arguments", line: call({ name: "x" }) },
  { what: "a tool call", line: call({ name: "x", arguments: { a: [{ b: null }] }, _meta: { progressToken: 3 } }) },
];

const asLine = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

describe("judge", () => {
  test.each(answered)("answers $what", ({ line, answer }) => {
    expect(judge(asLine(line))).toEqual(answer as never);
  });

  test.each(ignored)("ignores $what", ({ line }) => {
    expect(judge(asLine(line))).toBe("ignore");
  });

  test.each(delivered)("delivers $what", ({ line }) => {
    expect(judge(asLine(line))).toEqual({ deliver: line } as never);
  });

  test("drops a request for a task, which a server without tasks must ignore", () => {
    const verdict = judge(asLine(call({ name: "x", arguments: { task: 1 }, task: { ttl: 1 } })));
    expect(verdict).toEqual({ deliver: call({ name: "x", arguments: { task: 1 } }) } as never);
  });
});
