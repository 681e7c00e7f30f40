import { afterAll, expect, test } from "bun:test";
import { cleanup } from "./cleanup.ts";
import { connectMcp, startRawMcp } from "./mcp-client.ts";
import { isAlive } from "./processes.ts";

afterAll(cleanup);

test("the official client lists the tools and ends the server", async () => {
  const session = await connectMcp();
  const { tools } = await session.client.listTools();
  expect(tools.map((tool) => tool.name)).toContain("ssh_exec");
  expect(isAlive(session.pid)).toBe(true);
  await session.close();
  expect(isAlive(session.pid)).toBe(false);
  expect(session.stderr()).toBe("");
});

test("the raw driver sends what it is given and finds the answer", async () => {
  const raw = startRawMcp();
  const { result } = await raw.initialize();
  expect(result).toMatchObject({ protocolVersion: "2025-11-25", serverInfo: { name: "ssh-mcp" } });
  await raw.send({ jsonrpc: "2.0", id: "mine", method: "ping" });
  expect((await raw.response("mine")).result).toEqual({});
  expect((await raw.request("no/such/method")).error?.code).toBe(-32601);
  expect(raw.stray()).toEqual([]);
  await raw.program.end();
  expect(await raw.program.exit()).toMatchObject({ status: 0, stderr: "" });
});
