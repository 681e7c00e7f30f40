/** Jobs by the official MCP client: started, read, and heard of when they end. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { type Place, startPlace } from "../../acceptance/place.ts";
import { cleanup } from "../../support/cleanup.ts";
import { connectMcp, type McpSession } from "../../support/mcp-client.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);

let place: Place;
let agent: McpSession;

beforeAll(async () => {
  place = await startPlace();
  agent = await connectMcp({ home: place.home.path });
});

const call = async (name: string, input: Record<string, unknown>) => {
  const answer = await agent.client.callTool({ name, arguments: { target: place.at, ...input } });
  const { isError, content } = answer;
  return { isError, content, structured: (answer.structuredContent ?? {}) as Record<string, never> };
};

test("a subscriber is told when the job has ended, and reads how", async () => {
  const { structured } = await call("ssh_job_start", { command: "echo hello; sleep 1; exit 4", title: "a try" });
  const { job, target } = structured as unknown as { job: { id: string }; target: string };
  const uri = `ssh-mcp://jobs/${target}/${job.id}`;
  const told: string[] = [];
  agent.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    told.push(params.uri);
  });
  const { resources } = await agent.client.listResources();
  expect(resources).toMatchObject([{ uri, description: "a try" }]);
  await agent.client.subscribeResource({ uri });
  await waitFor(() => told.length > 0, { what: "the notification" });
  expect(told).toEqual([uri]);
  const { contents } = await agent.client.readResource({ uri });
  const text = String((contents[0] as { text?: unknown }).text);
  expect(text).toContain("failed with status 4");
  expect(text).toContain("hello");
  await expect(agent.client.readResource({ uri: "ssh-mcp://jobs/x/../y" })).rejects.toThrow("Resource not found");
});

test("one tool lists, waits and reads from a byte on; another kills", async () => {
  const { structured } = await call("ssh_job_start", { command: "printf 'aé€'; sleep 60" });
  const { id } = (structured as unknown as { job: { id: string } }).job;
  const early = await call("ssh_job_status", { id, wait: 0.3 });
  expect(early.structured).toMatchObject({ jobs: [{ id, state: "running" }] });
  const read = await call("ssh_job_status", { id, offset: 1 });
  expect(read.structured).toMatchObject({
    output: [{ stream: "stdout", offset: 1, nextOffset: 6, size: 6, text: "é€" }],
  });
  expect((await call("ssh_job_cancel", { id })).structured).toMatchObject({
    stopped: "confirmed",
    job: { state: "killed" },
  });
  const all = await call("ssh_job_status", {});
  expect(JSON.stringify(all.structured)).toContain(id);
});

test("a command that goes on as a job is no error", async () => {
  const { isError, structured, content } = await call("ssh_exec", {
    command: "echo begun; sleep 60",
    timeout: 1,
    onTimeout: "background",
  });
  expect(isError).toBeUndefined();
  const { jobId } = structured as unknown as { jobId: string };
  expect(jobId).toMatch(/^[a-z0-9]{10}$/);
  expect(structured).toMatchObject({ outcome: "timedOut", stdout: "begun\n", jobId });
  expect(JSON.stringify(content)).toContain("BACKGROUND");
  expect((await call("ssh_job_cancel", { id: jobId })).structured).toMatchObject({ stopped: "confirmed" });
});

test("many that are watched leave the session its channels", async () => {
  const connection = async (): Promise<unknown> =>
    (await call("ssh_exec", { command: "sleep 0.5; echo $SSH_CONNECTION" })).structured["stdout"];
  const before = await connection();
  const ids: string[] = [];
  const told = new Set<string>();
  agent.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    told.add(params.uri.slice(-10));
  });
  // More than the ten that a server gives one connection (sshd_config(5), MaxSessions).
  for (let made = 0; made < 12; made++) {
    const { structured } = await call("ssh_job_start", { command: "sleep 100" });
    const { job, target } = structured as unknown as { job: { id: string }; target: string };
    ids.push(job.id);
    await agent.client.subscribeResource({ uri: `ssh-mcp://jobs/${target}/${job.id}` });
  }
  expect(await Promise.all([1, 2, 3, 4].map(connection))).toEqual([before, before, before, before]);
  await Promise.all(ids.map((id) => call("ssh_job_cancel", { id })));
  await waitFor(() => ids.every((id) => told.has(id)), { what: "all notifications" });
});

test("clients hear how a job's URI is made", async () => {
  const { resourceTemplates } = await agent.client.listResourceTemplates();
  expect(resourceTemplates).toMatchObject([{ uriTemplate: "ssh-mcp://jobs/{session}/{id}" }]);
});
