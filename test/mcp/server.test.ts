import { afterAll, describe, expect, test } from "bun:test";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { SshMcpError } from "../../src/core/errors.ts";
import { release } from "../../src/core/version.ts";
import { AgentServer, clientLabel } from "../../src/mcp/server.ts";
import { operations } from "../../src/operations/index.ts";
import { edited, text, written } from "../operations/fake-contents.ts";
import { job } from "../operations/fake-jobs.ts";
import { page } from "../operations/fake-outputs.ts";
import { report } from "../operations/fake-transfers.ts";
import { cleanup } from "../support/cleanup.ts";
import { waitFor } from "../support/wait.ts";
import { execResult, FakeClient } from "./fake-client.ts";
import { connect, nthCall } from "./official-client.ts";

afterAll(cleanup);

const fileFacts = {
  ...{ type: "file", size: 3, mode: "0644", uid: 1000, gid: null, mtime: "2026-01-02T03:04:05.000Z" },
  linkTarget: null,
};

describe("initialize", () => {
  test("names the server, its release, and what a model must know", async () => {
    const { client } = await connect(new FakeClient());
    expect(client.getServerVersion()).toEqual({ name: "ssh-mcp", title: "SSH", version: release });
    expect(client.getServerCapabilities()).toEqual({ tools: {}, resources: { subscribe: true, listChanged: true } });
    const instructions = client.getInstructions() ?? "";
    expect(instructions).toContain("ssh_exec");
    expect(instructions.split("\n").length).toBeLessThanOrEqual(5);
  });

  test("must come before everything but a ping", async () => {
    const broker = new FakeClient();
    const [ours, theirs] = InMemoryTransport.createLinkedPair();
    const answers: unknown[] = [];
    ours.onmessage = (message) => answers.push(message);
    await new AgentServer(broker, { cwd: "/", agentSocket: null, environment: {} }).server.connect(theirs);
    await ours.start();
    const params = { name: "ssh_exec", arguments: { target: "web", command: "id" } };
    await ours.send({ jsonrpc: "2.0", id: 1, method: "tools/list" });
    await ours.send({ jsonrpc: "2.0", id: 2, method: "tools/call", params });
    await ours.send({ jsonrpc: "2.0", id: 3, method: "ping" });
    await waitFor(() => answers.length === 3, { what: "three answers" });
    const error = { code: -32600, message: "Invalid request: send initialize first" };
    expect(answers).toContainEqual({ jsonrpc: "2.0", id: 1, error });
    expect(answers).toContainEqual({ jsonrpc: "2.0", id: 2, error });
    expect(answers).toContainEqual({ jsonrpc: "2.0", id: 3, result: {} });
    expect(broker.calls).toEqual([]);
  });
});

describe("tools/list", () => {
  test("refuses a cursor, which it never gave", async () => {
    const { client } = await connect(new FakeClient());
    await expect(client.listTools({ cursor: "2" })).rejects.toMatchObject({ code: -32602 });
  });
});

describe("tools/call", () => {
  test("hands the broker the operation, the input as it came, and who calls", async () => {
    const broker = new FakeClient(() => execResult());
    const { client } = await connect(broker);
    const input = { target: "web", command: "id", unknown: { field: [1] } };
    await client.callTool({ name: "ssh_exec", arguments: input });
    const { options } = await nthCall(broker, 0);
    expect(options).toEqual({
      operation: "exec",
      repeatable: false,
      input,
      caller: {
        ...{ face: "mcp", client: "Test Client 1.2", cwd: "/somewhere", agentSocket: "/agent.sock" },
        locale: { LANG: "C.UTF-8" },
      },
      capture: 16 * 1024,
      signal: expect.any(AbortSignal),
      environment: { JUMP: "gate" },
      local: { roots: [], secretsAllowed: false },
      notice: expect.any(Function),
    });
    expect(options.signal?.aborted).toBe(false);
  });

  test("takes a call without arguments for one with none", async () => {
    const broker = new FakeClient(() => ({ sessions: [], calls: null, pending: [] }));
    const { client } = await connect(broker);
    const result = await client.callTool({ name: "ssh_sessions" });
    expect(result.structuredContent).toEqual({ sessions: [], calls: null, pending: [] });
    expect((await nthCall(broker, 0)).options.input).toEqual({});
  });

  const answers: Record<string, Record<string, unknown>> = {
    connect: {
      ...{ name: "web", destination: "web", host: "192.0.2.1", port: 22, user: "deploy", state: "live", reused: false },
      ...{ authMethod: "publickey", hostKey: "SHA256:abc", banner: null, title: null },
      ...{ createdAt: new Date(0).toISOString(), expiresAt: new Date(1).toISOString() },
    },
    exec: execResult({ stdout: "x\u0000\u001b[1m", stdoutBytes: 5 }),
    sessions: { sessions: [], calls: null, pending: [] },
    close: { closed: ["web"] },
    hosts: {
      hosts: [
        {
          ...{ name: "web", origin: "/h/.ssh/config:1", label: null, groups: ["prod"], sessions: ["web"] },
          ...{ enabled: false, proposedBy: "Client 1" },
        },
      ],
      resolved: { host: "192.0.2.1", port: 22, user: "deploy", options: ["port 22 (/h/.ssh/config:2)"] },
    },
    "hosts-add": {
      ...{ name: "web", file: "/h/.ssh-mcp/proposals", entry: "Host web\n  HostName 192.0.2.1\n" },
      enable: "ssh-mcp hosts enable web",
    },
    output: { ...page },
    "read-file": { ...text },
    "write-file": { ...written },
    "edit-file": { ...edited },
    "list-directory": {
      ...{ target: "web", path: "/home/deploy", total: 2, token: "next", unread: [{ path: "x", message: "denied" }] },
      entries: [{ path: "a", ...fileFacts, owner: null, group: "staff" }],
    },
    path: {
      ...{ target: "web", action: "stat", path: "a", mode: null },
      stat: { path: "a", ...fileFacts, target: null },
    },
    transfer: { ...report },
    "job-start": { target: "web", job },
    "job-status": { target: "web", jobs: [job], output: null },
    "job-cancel": { target: "web", job, stopped: "confirmed" },
  };
  /** A call without an answer would wait until the test's time is over. */
  const answerOf = (name: string): Record<string, unknown> => {
    const answer = answers[name];
    if (answer === undefined) throw new Error(`there is no answer of ${name} here`);
    return answer;
  };

  const served = operations.filter(({ faces }) => faces.includes("mcp"));
  test.each(served.map(({ name, tool }) => ({ name, tool })))(
    "the official client takes the result of $tool",
    async ({ name, tool }) => {
      const answer = answerOf(name);
      const { client } = await connect(new FakeClient(() => answer));
      const result = await client.callTool({ name: tool, arguments: {} });
      expect(result.structuredContent).toEqual(answer);
      expect(result.isError).toBeUndefined();
    },
  );

  test.each([
    { outcome: "timedOut", exitCode: null, stopped: "confirmed", text: /^TIMEOUT: / },
    { outcome: "unknown", exitCode: null, reason: "cut", text: /^OUTCOME_UNKNOWN: / },
  ])("the official client takes outcome $outcome, an error with its full structure", async ({ text, ...facts }) => {
    const { exec } = await connect(new FakeClient(() => execResult(facts)));
    const result = await exec("sleep 600");
    expect(result.isError).toBe(true);
    expect(result.structuredContent).toEqual(execResult(facts));
    expect(result.content).toEqual([{ type: "text", text: expect.stringMatching(text) }]);
  });

  test.each([
    {
      thrown: new SshMcpError("INVALID_INPUT", "command: must not be empty"),
      text: "INVALID_INPUT: command: must not be empty",
    },
    {
      thrown: new SshMcpError("HOST_KEY_UNKNOWN", "h is not known", { hint: "ssh-mcp connect h" }),
      text: "HOST_KEY_UNKNOWN: h is not known\nhint: ssh-mcp connect h",
    },
  ])("the official client takes the error $thrown.code", async ({ thrown, text }) => {
    const { exec } = await connect(new FakeClient(() => thrown));
    const result = await exec("");
    expect(result).toMatchObject({ isError: true, content: [{ type: "text", text }] });
    expect(result.structuredContent).toBeUndefined();
    expect(result._meta).toEqual({ "ssh-mcp/error": thrown.toRecord() });
  });

  test("a bug becomes INTERNAL, without its stack", async () => {
    const broker = new FakeClient();
    const { exec } = await connect(broker);
    const result = exec("id");
    (await nthCall(broker, 0)).reject(new TypeError("x is undefined"));
    expect((await result).content).toEqual([
      { type: "text", text: expect.stringMatching(/^INTERNAL: x is undefined\nhint: /) },
    ]);
    expect(JSON.stringify(await result)).not.toContain(".ts:");
  });

  test("a result without the structure of its operation becomes INTERNAL", async () => {
    const { exec } = await connect(new FakeClient(() => "nonsense"));
    expect(await exec("id")).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(/^INTERNAL: /) }],
    });
  });

  test("an unknown tool is a protocol error that names the known ones", async () => {
    const broker = new FakeClient();
    const { client } = await connect(broker);
    await expect(client.callTool({ name: "exec\u001b", arguments: {} })).rejects.toMatchObject({
      code: -32602,
      message: expect.stringMatching(/Unknown tool: exec\\x1b; there are ssh_connect, ssh_exec/),
    });
    expect(broker.calls).toEqual([]);
  });

  test("what was said beside a result, or an error, is a text of its own", async () => {
    const broker = new FakeClient();
    const { exec } = await connect(broker);
    const [well, badly] = [exec("true"), exec("false")];
    const [first, second] = [await nthCall(broker, 0), await nthCall(broker, 1)];
    first.options.notice?.("the disk is full");
    first.resolve(execResult());
    second.options.notice?.("the disk is full");
    second.reject(new SshMcpError("UNREACHABLE", "no way"));
    expect(await well).toMatchObject({
      structuredContent: execResult(),
      content: [{ type: "text" }, { type: "text", text: "note: the disk is full" }],
    });
    expect((await badly).content).toEqual([
      { type: "text", text: "UNREACHABLE: no way" },
      { type: "text", text: "note: the disk is full" },
    ]);
  });

  test("one stuck call delays nobody", async () => {
    const broker = new FakeClient(({ operation }) =>
      operation === "exec" ? undefined : { sessions: [], calls: null, pending: [] },
    );
    const { client, exec } = await connect(broker);
    const stuck = exec("sleep 600");
    await nthCall(broker, 0);
    const others = Array.from({ length: 50 }, () => client.callTool({ name: "ssh_sessions" }));
    for (const result of await Promise.all(others))
      expect(result.structuredContent).toEqual({ sessions: [], calls: null, pending: [] });
    (await nthCall(broker, 0)).resolve(execResult());
    expect((await stuck).structuredContent).toEqual(execResult());
  });
});

describe("cancellation", () => {
  test("reaches the broker's client, and no other call", async () => {
    const broker = new FakeClient();
    const { exec } = await connect(broker);
    const cancel = new AbortController();
    const canceled = exec("sleep 600", { signal: cancel.signal });
    const other = exec("sleep 1");
    const [first, second] = [await nthCall(broker, 0), await nthCall(broker, 1)];
    cancel.abort("no longer needed");
    await expect(canceled).rejects.toThrow("no longer needed");
    await waitFor(() => first.options.signal?.aborted, { what: "the signal of the first call" });
    expect(second.options.signal?.aborted).toBe(false);
    // The broker answers a cancel when the command has stopped; the client no longer waits for it.
    first.resolve(execResult({ outcome: "canceled", exitCode: null, stopped: "confirmed" }));
    second.resolve(execResult());
    expect((await other).structuredContent).toEqual(execResult());
  });

  test("stop cancels what runs, waits for it, and lets nothing new begin", async () => {
    const broker = new FakeClient();
    const { agent, exec } = await connect(broker);
    const running = exec("sleep 600");
    const call = await nthCall(broker, 0);
    const order: string[] = [];
    const stopped = agent.stop().then(() => order.push("stopped"));
    expect(call.options.signal?.aborted).toBe(true);
    const late = await exec("id");
    expect(late.content).toEqual([{ type: "text", text: "CANCELED: ssh_exec was canceled before it began" }]);
    order.push("ended");
    call.reject(new SshMcpError("CANCELED", "exec was canceled"));
    await stopped;
    expect(order).toEqual(["ended", "stopped"]);
    expect(broker.calls.length).toBe(1);
    expect((await running).content).toEqual([{ type: "text", text: "CANCELED: exec was canceled" }]);
  });

  test("the client's end cancels what runs", async () => {
    const broker = new FakeClient();
    const { client, exec } = await connect(broker);
    const running = exec("sleep 600");
    const call = await nthCall(broker, 0);
    await client.close();
    await expect(running).rejects.toThrow("Connection closed");
    expect(call.options.signal?.aborted).toBe(true);
    call.resolve(execResult());
  });
});

describe("clientLabel", () => {
  test.each([
    { name: "Cursor", version: "1.0", label: "Cursor 1.0" },
    { name: "x", version: "", label: "x" },
    { name: "a\nb\u001b", version: "\u202e", label: "a\\nb\\x1b \\u202e" },
    { name: "n".repeat(1000), version: "v".repeat(1000), label: `${"n".repeat(64)} ${"v".repeat(32)}` },
  ])("$label", ({ name, version, label }) => {
    expect(clientLabel({ name, version })).toBe(label);
  });
});
