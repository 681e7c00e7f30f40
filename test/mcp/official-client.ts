import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { CallToolResultSchema, type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { AgentServer } from "../../src/mcp/server.ts";
import { onCleanup } from "../support/cleanup.ts";
import { waitFor } from "../support/wait.ts";
import type { FakeClient } from "./fake-client.ts";

/** The official client on an agent server over a fake broker client; `received` is what came to it over the wire. */
export const connect = async (broker: FakeClient, progressIntervalMs = 5000) => {
  const agent = new AgentServer(broker, {
    ...{ cwd: "/somewhere", agentSocket: "/agent.sock", environment: { JUMP: "gate" } },
    locale: { LANG: "C.UTF-8" },
    progressIntervalMs,
  });
  const client = new Client({ name: "Test Client", version: "1.2" });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await agent.server.connect(theirs);
  await client.connect(ours);
  const received: JSONRPCMessage[] = [];
  const { onmessage } = ours;
  ours.onmessage = (message, extra) => {
    received.push(message);
    onmessage?.(message, extra);
  };
  onCleanup(() => client.close());
  // The client checks structured content only against schemas it has seen.
  await client.listTools();
  const exec = (command: string, options: Parameters<Client["callTool"]>[2] = {}) =>
    client.callTool({ name: "ssh_exec", arguments: { target: "web", command } }, CallToolResultSchema, options);
  return { agent, client, exec, received };
};

/** The `index`-th call the broker saw. */
export const nthCall = (broker: FakeClient, index: number) =>
  waitFor(() => broker.calls[index], { what: `call ${index} to reach the broker` });
