import { connectMcp, type McpSession } from "../test/support/mcp-client.ts";
import type { Broker } from "./broker.ts";
import type { Fixture } from "./fixture.ts";

/** The official client on the binary under test; `await using` ends both, also when what is measured fails. */
export const startServe = async ({ home }: Fixture, { env }: Broker): Promise<McpSession & AsyncDisposable> => {
  const session = await connectMcp({ home, env, name: "bench" });
  return { ...session, [Symbol.asyncDispose]: session.close };
};

/** Runs `true` on a target; `how` is what else the tool is given. @throws Error with the tool's own words when the call fails, or when the command does */
export const execTrue = async (
  { client }: McpSession,
  target: string,
  how: Readonly<Record<string, unknown>> = {},
): Promise<void> => {
  const result = await client.callTool({ name: "ssh_exec", arguments: { ...how, target, command: "true" } });
  const { exitCode } = (result.structuredContent ?? {}) as { exitCode?: number | null };
  if (result.isError === true || exitCode !== 0) throw new Error(`ssh_exec: ${JSON.stringify(result.content)}`);
};
