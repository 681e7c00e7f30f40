import { connectMcp, type McpSession } from "../test/support/mcp-client.ts";
import type { Fixture } from "./fixture.ts";

/** The official client on the binary under test; `await using` ends both, also when what is measured fails. */
export const startServe = async ({ home }: Fixture): Promise<McpSession & AsyncDisposable> => {
  const session = await connectMcp({ home, name: "bench" });
  return { ...session, [Symbol.asyncDispose]: session.close };
};

/** @throws Error with the tool's own words when it fails, or when the command does */
export const callTool = async ({ client }: McpSession, name: string, input: Record<string, unknown>): Promise<void> => {
  const result = await client.callTool({ name, arguments: input });
  const { exitCode = 0 } = (result.structuredContent ?? {}) as { exitCode?: number | null };
  if (result.isError === true || exitCode !== 0) throw new Error(`${name}: ${JSON.stringify(result.content)}`);
};

/** Runs `true` on a target. */
export const execTrue = (session: McpSession, target: string): Promise<void> =>
  callTool(session, "ssh_exec", { target, command: "true" });
