/** The official MCP client on `ssh-mcp serve`, and beside it a raw driver for what no official client would send. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { type ClientCapabilities, ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { buildOnce, start } from "./binary.ts";
import { endBrokersAtCleanup, startedBy } from "./brokers.ts";
import { onCleanup } from "./cleanup.ts";
import { cleanEnv } from "./command.ts";
import { endProcesses } from "./processes.ts";
import type { ProgramOptions, RunningProgram } from "./program.ts";
import { tempDir } from "./temp.ts";
import { waitFor } from "./wait.ts";

export interface McpSession {
  readonly client: Client;
  readonly pid: number;
  readonly home: string;
  stderr(): string;
  /** Ends the server's input, as an editor does that quits, and waits until it is gone. */
  close(): Promise<void>;
}

export interface McpOptions extends ProgramOptions {
  capabilities?: ClientCapabilities;
  name?: string;
  /** What stands behind `serve`. */
  args?: readonly string[];
  /** The folders that the client opens, as file URIs; absent for a client that cannot say. */
  roots?: () => readonly string[];
}

/** Starts the binary's server with its own HOME and connects the official client to it. */
export const connectMcp = async (options: McpOptions = {}): Promise<McpSession> => {
  const home = options.home ?? tempDir("home");
  endBrokersAtCleanup(home);
  let stderr = "";
  const transport = new StdioClientTransport({
    command: buildOnce(),
    args: ["serve", ...(options.args ?? [])],
    env: { ...cleanEnv, HOME: home, ...options.env },
    cwd: options.cwd ?? home,
    stderr: "pipe",
  });
  transport.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const client = new Client(
    { name: options.name ?? "test", version: "1.0.0" },
    { capabilities: { ...(options.roots === undefined ? {} : { roots: {} }), ...options.capabilities } },
  );
  const { roots } = options;
  if (roots !== undefined) {
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: roots().map((uri) => ({ uri })) }));
  }
  let pid = 0;
  const close = onCleanup(async () => {
    const started = pid === 0 ? [] : [pid, ...startedBy(pid)];
    await client.close();
    await endProcesses(started);
  });
  try {
    await client.connect(transport);
  } catch (failure) {
    await close();
    throw new Error(`${failure instanceof Error ? failure.message : failure}; the server said:\n${stderr}`);
  }
  pid = transport.pid ?? 0;
  return { client, pid, home, stderr: () => stderr, close };
};

/** A JSON-RPC 2.0 message as it stood on a line. */
export interface RpcMessage {
  jsonrpc?: unknown;
  id?: unknown;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { code: number; message: string; data?: unknown };
}

export interface RawMcp {
  readonly program: RunningProgram;
  /** Sends a line as it is; anything but a string as JSON. */
  send(line: unknown): Promise<void>;
  /** Sends a request with the next id, and waits for the response, whatever it is. */
  request(method: string, params?: unknown, timeout?: number): Promise<RpcMessage>;
  /** The response to an id, when it comes. */
  response(id: unknown, timeout?: number): Promise<RpcMessage>;
  notify(method: string, params?: unknown): Promise<void>;
  /** The handshake, so that other requests are in order. */
  initialize(protocolVersion?: string): Promise<RpcMessage>;
  /** Every message so far. */
  messages(): RpcMessage[];
  /** Lines on stdout that are no JSON-RPC message: there must be none. */
  stray(): string[];
}

/** Starts the binary's server, to be spoken to line by line. */
export const startRawMcp = (options: ProgramOptions = {}): RawMcp => {
  const program = start(["serve"], options);
  let lastId = 0;
  // What follows the last newline is not yet a line.
  const lines = () => program.stdout().split("\n").slice(0, -1);
  const messages = () => lines().flatMap((line) => parse(line) ?? []);
  const raw: RawMcp = {
    program,
    send: (line) => program.write(`${typeof line === "string" ? line : JSON.stringify(line)}\n`),
    request: async (method, params, timeout) => {
      const id = ++lastId;
      await raw.send({ jsonrpc: "2.0", id, method, ...(params === undefined ? {} : { params }) });
      return raw.response(id, timeout);
    },
    response: (id, timeout = 10_000) => {
      const find = () => messages().find((message) => message.id === id && message.method === undefined);
      return waitFor(find, { what: `a response to ${id}`, timeout });
    },
    notify: (method, params) => raw.send({ jsonrpc: "2.0", method, ...(params === undefined ? {} : { params }) }),
    initialize: async (protocolVersion = "2025-11-25") => {
      const clientInfo = { name: "raw", version: "1.0.0" };
      const response = await raw.request("initialize", { protocolVersion, capabilities: {}, clientInfo });
      await raw.notify("notifications/initialized");
      return response;
    },
    messages,
    stray: () => lines().filter((line) => parse(line) === null),
  };
  return raw;
};

const parse = (line: string): RpcMessage | null => {
  try {
    const message: unknown = JSON.parse(line);
    const isMessage = typeof message === "object" && message !== null && "jsonrpc" in message;
    return isMessage && message.jsonrpc === "2.0" ? (message as RpcMessage) : null;
  } catch {
    return null;
  }
};
