/** A model's program: the official client on the compiled binary's `serve`. */
import type { RequestOptions } from "@modelcontextprotocol/sdk/shared/protocol.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { connectMcp, type McpSession } from "../support/mcp-client.ts";
import { type Answer, toAnswer } from "./answer.ts";

export interface Agent extends McpSession {
  /** Calls a tool and checks what holds for every answer, see `toAnswer`. */
  call(tool: string, input?: Record<string, unknown>, options?: RequestOptions): Promise<Answer>;
}

export const startAgent = async (home: string, env: Readonly<Record<string, string>> = {}): Promise<Agent> => {
  const session = await connectMcp({ home, env });
  // The client holds structured content against the output schemas it has seen, and throws when it does not fit.
  await session.client.listTools();
  return {
    ...session,
    call: async (name, input = {}, options = {}) =>
      toAnswer(await session.client.callTool({ name, arguments: input }, CallToolResultSchema, options)),
  };
};
