import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../support/cleanup.ts";
import { type RunningProgram, startProgram } from "../support/program.ts";
import { waitFor } from "../support/wait.ts";

afterAll(cleanup);

const start = (...args: string[]): RunningProgram =>
  startProgram([process.execPath, join(import.meta.dir, "serve-entry.ts"), ...args]);

const initialize = {
  jsonrpc: "2.0",
  id: "init",
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
};
const exec = (id: number | string, command: string) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name: "ssh_exec", arguments: { target: "web", command } },
});

const send = async (server: RunningProgram, ...messages: unknown[]): Promise<void> => {
  const lines = messages.map((message) => (typeof message === "string" ? message : JSON.stringify(message)));
  await server.write(lines.map((line) => `${line}\n`).join(""));
};

interface Answer {
  id?: string | number;
  result?: Record<string, unknown>;
  error?: { code: number; message: string };
}

/** Every complete line on stdout. @throws Error on a stray line: anything that is no JSON-RPC message */
const answers = (server: RunningProgram): Answer[] =>
  server
    .stdout()
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const message = parse(line);
      if (message?.["jsonrpc"] !== "2.0") throw new Error(`a stray line on stdout: ${line.slice(0, 200)}`);
      return message as Answer;
    });

const parse = (line: string): Record<string, unknown> | null => {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
};

const answerTo = (server: RunningProgram, id: string | number): Promise<Answer> =>
  waitFor(() => answers(server).find((answer) => answer.id === id), { what: `the answer to ${id}` });

/** Starts one, initialized. */
const startInitialized = async (...args: string[]): Promise<RunningProgram> => {
  const server = start(...args);
  await send(server, initialize);
  expect((await answerTo(server, "init")).result?.["serverInfo"]).toMatchObject({ name: "ssh-mcp" });
  await send(server, { jsonrpc: "2.0", method: "notifications/initialized" });
  return server;
};

/** It serves on, whatever came before. */
const stillServes = async (server: RunningProgram): Promise<void> => {
  await send(server, exec("still", "true"));
  expect((await answerTo(server, "still")).result?.["structuredContent"]).toMatchObject({ outcome: "exited" });
};

describe("a client that misbehaves", () => {
  test("gets an answer wherever one is due, and the server lives on", async () => {
    const server = await startInitialized();
    await send(server, "not json", "", "[]", "42", "null", "{}", '{"jsonrpc":"2.0"', "\u0000", '"text"');
    await send(server, { jsonrpc: "2.0", id: 1, method: "no/such/method" });
    await send(server, { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "no_such_tool" } });
    await send(server, { jsonrpc: "2.0", id: 3, method: "tools/call", params: [] });
    await send(server, { jsonrpc: "2.0", method: "no/such/notification" });
    await send(server, { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 99 } });
    await send(server, { jsonrpc: "2.0", id: 99, result: {} });
    await server.write(Uint8Array.of(0xff, 0xfe, 0x0a));
    await stillServes(server);
    const got = answers(server).filter(({ id }) => id !== "init" && id !== "still");
    expect(got.filter(({ id }) => id === undefined).map(({ error }) => error?.code)).toEqual([
      ...[-32700, -32600, -32600, -32600, -32600, -32700, -32700, -32600],
      -32700,
    ]);
    const byId = Object.fromEntries(got.flatMap(({ id, error }) => (id === undefined ? [] : [[id, error?.code]])));
    expect(byId).toEqual({ 1: -32601, 2: -32602, 3: -32600 });
    await server.end();
    expect((await server.exit()).status).toBe(0);
  });

  test("that repeats the id of a running request is refused, and the first goes on", async () => {
    const server = await startInitialized();
    await send(server, exec(7, "hang"));
    await server.waitForStderr("started");
    await send(server, exec(7, "hang"));
    expect((await answerTo(server, 7)).error).toEqual({
      code: -32600,
      message: "Invalid request: a request with this id is running",
    });
    await send(server, { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } });
    await server.waitForStderr("stopped");
    expect(server.stderr().match(/started/g)?.length).toBe(1);
    await stillServes(server);
    // A canceled request is not answered: the refusal stays the only one.
    expect(answers(server).filter(({ id }) => id === 7).length).toBe(1);
    await server.end();
    await server.exit();
  });

  test("that sends 256 MB without a newline is told so, and costs no such memory", async () => {
    const server = await startInitialized();
    const before = residentMegabytes(server.pid, "VmRSS");
    const piece = "x".repeat(1024 * 1024);
    for (let sent = 0; sent < 256; sent++) await server.write(piece);
    await server.write("\n");
    await stillServes(server);
    expect(answers(server).filter(({ id }) => id === undefined)).toEqual([
      {
        jsonrpc: "2.0",
        error: { code: -32700, message: "Parse error: a message may have at most 16777216 bytes" },
      } as Answer,
    ]);
    expect(residentMegabytes(server.pid, "VmHWM") - before).toBeLessThan(128);
    await server.end();
    await server.exit();
  });
});

/** From /proc/PID/status: VmRSS is now, VmHWM the peak so far. */
const residentMegabytes = (pid: number, field: "VmRSS" | "VmHWM"): number => {
  const kibibytes = readFileSync(`/proc/${pid}/status`, "utf8").match(new RegExp(`${field}:\\s+(\\d+) kB`))?.[1];
  if (kibibytes === undefined) throw new Error(`no ${field}`);
  return Number(kibibytes) / 1024;
};

describe("stdout", () => {
  test("carries protocol alone, whatever a library prints", async () => {
    const server = await startInitialized();
    await send(server, exec(1, "stray"));
    expect((await answerTo(server, 1)).result?.["isError"]).toBeUndefined();
    await server.end();
    const { stderr } = await server.exit();
    expect(stderr).toContain("stray console.log");
    expect(stderr).toContain("stray process.stdout.write");
    expect(stderr).toContain("stray console.info");
    expect(answers(server).length).toBe(2);
  });

  test("a result of a megabyte arrives whole", async () => {
    const server = await startInitialized();
    await send(server, exec(1, "large"), exec(2, "large"));
    for (const id of [1, 2]) {
      const { result } = await answerTo(server, id);
      expect(result?.["structuredContent"]).toMatchObject({ stdout: "x".repeat(1024 * 1024) });
    }
    await server.end();
    await server.exit();
  });
});

describe("the end", () => {
  test("of stdin cancels what runs, waits until it has stopped, and exits 0", async () => {
    const server = await startInitialized();
    await send(server, exec(1, "hang"));
    await server.waitForStderr("started");
    await server.end();
    const { status, stderr } = await server.exit();
    expect(status).toBe(0);
    expect(stderr.trim().split("\n")).toEqual(["started", "canceled", "stopped", "closed", "status 0"]);
    expect(answers(server).find(({ id }) => id === 1)?.result).toMatchObject({
      isError: true,
      content: [{ text: "CANCELED: exec was canceled" }],
    });
  });

  test("of stdin right behind the requests still answers what needs no server", async () => {
    const server = start();
    await send(
      server,
      initialize,
      { jsonrpc: "2.0", id: 1, method: "tools/list" },
      { jsonrpc: "2.0", id: 2, method: "ping" },
    );
    await server.end();
    expect((await server.exit()).status).toBe(0);
    expect(
      answers(server)
        .map(({ id }) => id)
        .sort(),
    ).toEqual([1, 2, "init"]);
    expect(answers(server).find(({ id }) => id === 1)?.result).toHaveProperty("tools");
  });

  test("does not wait for ever", async () => {
    const server = await startInitialized("100");
    await send(server, exec(1, "stubborn"));
    await server.waitForStderr("started");
    await server.end();
    expect((await server.exit()).status).toBe(0);
  });

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("by %s does the same, though stdin is open", async (name) => {
    const server = await startInitialized();
    await send(server, exec(1, "hang"));
    await server.waitForStderr("started");
    server.signal(name);
    await server.waitForStderr("canceled");
    // Clients that lose patience send another one; the stop ladder must not be cut off by it.
    server.signal("SIGTERM");
    const { status, stderr } = await server.exit();
    expect(status).toBe(0);
    expect(stderr).toContain("stopped\nclosed\nstatus 0");
  });

  test("of stdout's reader is the end, quietly", async () => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "serve-entry.ts")], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    await child.stdout.cancel();
    child.stdin.write(`${JSON.stringify(initialize)}\n`);
    await child.stdin.flush();
    expect(await child.exited).toBe(0);
    expect(await child.stderr.text()).toBe("closed\nstatus 0\n");
  });
});
