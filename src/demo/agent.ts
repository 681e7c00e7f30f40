/** The part of an MCP client that the demo needs: JSON-RPC 2.0 lines to a server on stdio, one request at a time. */
import { SshMcpError } from "../core/errors.ts";
import type { Program } from "./program.ts";

const protocolVersion = "2025-11-25";
/** For one answer. */
const limitMs = 20_000;

export interface ToolAnswer {
  /** The first text of its content. */
  text: string;
  isError: boolean;
}

export class Agent {
  readonly #child: ReturnType<Program["start"]>;
  readonly #lines: AsyncGenerator<string, void>;
  #lastId = 0;

  private constructor(child: ReturnType<Program["start"]>) {
    this.#child = child;
    this.#lines = linesOf(child.stdout);
  }

  /** Starts `ssh-mcp serve`, as an editor does, and greets it. @throws SshMcpError as `callTool` */
  static async start(program: Program): Promise<Agent> {
    const agent = new Agent(program.start(["serve"]));
    const clientInfo = { name: "demo-agent", version: "1" };
    await agent.#request("initialize", { protocolVersion, capabilities: {}, clientInfo });
    await agent.#send({ jsonrpc: "2.0", method: "notifications/initialized" });
    return agent;
  }

  /** @throws SshMcpError PROTOCOL_ERROR for an answer that is none, TIMEOUT for none at all */
  async callTool(name: string, parameters: object): Promise<ToolAnswer> {
    const { content, isError } = await this.#request("tools/call", { name, arguments: parameters });
    const [first] = Array.isArray(content) ? content : [];
    const { text } = asRecord(first);
    if (typeof text !== "string") throw misunderstood("a result without text");
    return { text, isError: isError === true };
  }

  /** Ends the server's input, as an editor does that quits. @returns its exit status */
  async close(): Promise<number> {
    await this.#child.stdin.end();
    return await this.#child.exited;
  }

  async #request(method: string, params: object): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), limitMs);
    try {
      await this.#send({ jsonrpc: "2.0", id, method, params });
      for (;;) {
        const { value: line } = await this.#lines.next();
        if (line === undefined) throw await this.#ended();
        const message = asRecord(parse(line));
        // Progress, and whatever else it has to say meanwhile.
        if (message["id"] !== id) continue;
        if (message["result"] === undefined) throw misunderstood(line);
        return asRecord(message["result"]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #send(message: object): Promise<void> {
    await this.#child.stdin.write(`${JSON.stringify(message)}\n`);
    await this.#child.stdin.flush();
  }

  async #ended(): Promise<SshMcpError> {
    const [said, status] = await Promise.all([this.#child.stderr.text(), this.#child.exited]);
    if (this.#child.signalCode !== null)
      return new SshMcpError("TIMEOUT", `\`ssh-mcp serve\` gave no answer within ${limitMs / 1000} s`);
    return new SshMcpError("PROTOCOL_ERROR", `\`ssh-mcp serve\` ended with status ${status}: ${said.trim()}`);
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let begun = "";
  for await (const chunk of stream) {
    const [first = "", ...more] = decoder.decode(chunk, { stream: true }).split("\n");
    begun += first;
    for (const next of more) {
      yield begun;
      begun = next;
    }
  }
}

const parse = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    throw misunderstood(line);
  }
};

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? { ...value } : {};

const misunderstood = (what: string): SshMcpError =>
  new SshMcpError("PROTOCOL_ERROR", `\`ssh-mcp serve\` answered ${what.slice(0, 200)}`);
