import { afterAll, describe, expect, test } from "bun:test";
import type { ErrorCode } from "../../../src/core/errors.ts";
import { type BehaviourName, behaviours } from "../../support/behaviours.ts";
import { cleanup } from "../../support/cleanup.ts";
import { freePort } from "../../support/daemon.ts";
import { type RawBehaviour, startRawServer } from "../../support/raw-server.ts";
import { type Behaviour, type ScriptedServer, startScriptedServer } from "../../support/scripted-server.ts";
import { within } from "../../support/wait.ts";
import { open, run, type TestConnectionOptions } from "../open.ts";

afterAll(cleanup);

const scripted = (name: BehaviourName): Promise<ScriptedServer> => startScriptedServer(behaviours[name] as Behaviour);

const connect = (server: { port: number }, options: Partial<TestConnectionOptions> = {}) =>
  open({ port: server.port, user: "tester", timeoutMs: 2000, ...options });

describe("what is no SSH server", () => {
  test.each<[RawBehaviour, ErrorCode]>([
    ["silent", "CONNECT_TIMEOUT"],
    ["http", "PROTOCOL_ERROR"],
    ["garbage", "PROTOCOL_ERROR"],
    ["close", "CONNECTION_LOST"],
    ["reset", "CONNECTION_LOST"],
    ["stalled", "CONNECT_TIMEOUT"],
    ["endless-lines", "PROTOCOL_ERROR"],
    ["endless-line", "PROTOCOL_ERROR"],
    ["ssh1", "PROTOCOL_ERROR"],
  ])("%s: %s", async (behaviour, code) => {
    const server = await startRawServer(behaviour);
    await expect(within(connect(server), { what: "an answer" })).rejects.toMatchObject({ code });
  });

  test("a port where nobody listens: CONNECT_REFUSED", async () => {
    await expect(connect({ port: await freePort() })).rejects.toMatchObject({ code: "CONNECT_REFUSED" });
  });

  test("a name that does not exist: DNS_FAILED", async () => {
    await expect(connect({ port: 22 }, { host: "no-such-host.invalid" })).rejects.toMatchObject({ code: "DNS_FAILED" });
  });

  test("a cancel while the server is silent: CANCELED, at once", async () => {
    const server = await startRawServer("silent");
    const cancel = new AbortController();
    const opening = open({ port: server.port, user: "tester" }, cancel.signal);
    cancel.abort();
    await expect(within(opening, { what: "the cancel" })).rejects.toMatchObject({ code: "CANCELED" });
  });
});

describe("the login", () => {
  test("silence: CONNECT_TIMEOUT", async () => {
    await expect(connect(await scripted("silent-authentication"))).rejects.toMatchObject({ code: "CONNECT_TIMEOUT" });
  });

  test("banners without end: CONNECT_TIMEOUT, and the memory stays", async () => {
    const before = process.memoryUsage.rss();
    await expect(connect(await scripted("endless-banners"))).rejects.toMatchObject({ code: "CONNECT_TIMEOUT" });
    expect(process.memoryUsage.rss() - before).toBeLessThan(256 * 1024 * 1024);
  });

  test("questions without end: PROTOCOL_ERROR", async () => {
    let asked = 0;
    const answers = (): string => {
      asked += 1;
      return "yes";
    };
    const refused = connect(await scripted("endless-questions"), { answers });
    await expect(within(refused, { what: "an end" })).rejects.toMatchObject({ code: "PROTOCOL_ERROR" });
    expect(asked).toBeLessThanOrEqual(16);
  });

  test("the person's time counts in no timeout", async () => {
    const answers = async (): Promise<string> => {
      await Bun.sleep(700);
      return "123456";
    };
    const connection = await connect(await scripted("asks-a-code"), { answers, timeoutMs: 600 });
    expect(connection.login).toMatchObject({ authMethod: "keyboard-interactive" });
  });

  test("only old algorithms: NO_COMMON_ALGORITHM", async () => {
    await expect(connect(await scripted("old-algorithms"))).rejects.toMatchObject({ code: "NO_COMMON_ALGORITHM" });
  });

  test.each<[string, () => Promise<boolean>]>([
    ["false", async () => false],
    ["undefined", async () => undefined as never],
    ["a truthy object", async () => ({}) as never],
  ])("a host key verifier that says %s: no connection, and nobody is logged in", async (_what, verifyHostKey) => {
    const server = await scripted("echo");
    await expect(connect(server, { verifyHostKey })).rejects.toThrow();
    expect(server.attempts).toEqual([]);
  });

  test("a host key verifier that throws: its error", async () => {
    const verifyHostKey = async (): Promise<boolean> => {
      throw new Error("no such key");
    };
    await expect(connect(await scripted("echo"), { verifyHostKey })).rejects.toThrow("no such key");
  });
});

describe("a command", () => {
  test.each<[string, object]>([
    ["0", { outcome: "exited", exitCode: 0 }],
    ["256", { outcome: "exited", exitCode: 256 }],
    ["0xC0000100", { outcome: "exited", exitCode: 0xc0000100 }],
    ["TERM", { outcome: "signaled", signal: "TERM", exitCode: null }],
  ])("status %s is given as it is", async (command, expected) => {
    const connection = await connect(await scripted("exit-as-told"));
    expect(await run(connection, command)).toMatchObject(expected);
  });

  test("no status: unknown, with the output", async () => {
    const server = await scripted("no-status");
    const result = await run(await connect(server), "anything");
    expect(result).toMatchObject({ outcome: "unknown", exitCode: null, stdout: "some output\n" });
    expect(server.runs).toHaveLength(1);
  });

  test("the server dies in it: unknown, once", async () => {
    const server = await scripted("dies-in-command");
    const result = await run(await connect(server), "anything");
    expect(result).toMatchObject({ outcome: "unknown", exitCode: null, stdout: "some output\n" });
    expect(server.runs).toHaveLength(1);
  });

  test("a status, and then a link that dies before the output is complete: unknown, not a success", async () => {
    const server = await startScriptedServer({
      exec: (run) => {
        const channel = run.accept();
        channel.exit(0);
        channel.write("half of the out", () => setTimeout(() => run.die(), 50));
      },
    });
    const result = await run(await connect(server), "dump");
    expect(result).toMatchObject({ outcome: "unknown", exitCode: null, stdout: "half of the out" });
    expect(result.reason).toContain("before the output was complete (the command had reported status 0)");
  });

  test("no channel comes: the timeout ends the wait, and so does a cancel; nothing was sent", async () => {
    const server = await startScriptedServer({
      connected: (connection) => {
        // A server that is alive and never answers CHANNEL_OPEN.
        setImmediate(() => connection.removeAllListeners("session").on("session", () => undefined));
      },
    });
    const connection = await connect(server);
    await expect(run(connection, "anything", { timeoutMs: 100 })).rejects.toMatchObject({ code: "TIMEOUT" });
    const cancel = new AbortController();
    const waiting = run(connection, "anything", { signal: cancel.signal });
    cancel.abort();
    await expect(within(waiting, { what: "the cancel" })).rejects.toMatchObject({ code: "CANCELED" });
    expect(server.runs).toEqual([]);
  });

  test("empty packets without end cost nothing, and crumbs that wait are gathered", async () => {
    const server = await startScriptedServer({
      exec: (run) => {
        for (let count = 0; count < 50_000; count++) run.force(count % 2 === 0 ? Buffer.alloc(0) : Buffer.from("x"));
        run.finish(0);
      },
    });
    const connection = await connect(server);
    const writes: number[] = [];
    const result = await connection.exec(
      {
        command: "crumbs",
        stdin: (async function* () {})(),
        stdout: {
          write: async (chunk) => {
            writes.push(chunk.length);
            await Bun.sleep(20);
          },
        },
        stderr: { write: async () => undefined },
        timeoutMs: null,
      },
      new AbortController().signal,
    );
    expect(result).toMatchObject({ exitCode: 0, stdoutBytes: 25_000 });
    expect(writes.reduce((sum, size) => sum + size, 0)).toBe(25_000);
    expect(writes.length).toBeLessThan(100);
  });

  test("a command over the limit is refused before anything is sent, by bytes", async () => {
    const server = await scripted("echo");
    // Without an interpreter there is nothing else that it could be sent as.
    const form = { interpreter: "none" as const };
    const running = run(await connect(server), "漢".repeat(40_000), { form });
    await expect(running).rejects.toMatchObject({ code: "TOO_LARGE" });
    expect(server.runs).toEqual([]);
  });

  test("a refused exec request: unknown, and not repeated", async () => {
    const server = await scripted("refuses-commands");
    const result = await run(await connect(server), "anything");
    expect(result).toMatchObject({ outcome: "unknown", reason: "the server refused the exec request" });
    expect(server.runs).toHaveLength(1);
  });

  test("channels refused: CHANNEL_REFUSED, and nothing was sent", async () => {
    const server = await scripted("refuses-channels");
    await expect(run(await connect(server), "anything")).rejects.toMatchObject({ code: "CHANNEL_REFUSED" });
    expect(server.runs).toHaveLength(0);
  });

  test("more than the window allows: the connection is given up", async () => {
    const connection = await connect(await scripted("ignores-window"));
    const held = Promise.withResolvers<void>();
    const result = connection.exec(
      {
        command: "flood",
        stdin: (async function* () {})(),
        stdout: { write: () => held.promise },
        stderr: { write: async () => undefined },
        timeoutMs: null,
      },
      new AbortController().signal,
    );
    expect(await within(connection.ended, { what: "the end" })).toMatchObject({ code: "PROTOCOL_ERROR" });
    held.resolve();
    expect(await result).toMatchObject({ outcome: "unknown", exitCode: null });
  });

  test("packets of no size: PROTOCOL_ERROR instead of a loop", async () => {
    const refused = connect(await scripted("packet-size-zero")).then((connection) => run(connection, "anything"));
    await expect(within(refused, { what: "an answer" })).rejects.toMatchObject({ code: "PROTOCOL_ERROR" });
  });

  test("a window that never opens: input waits, and a timeout ends it", async () => {
    const connection = await connect(await scripted("window-zero"));
    const result = await run(connection, "anything", { stdin: [Buffer.alloc(1024)], timeoutMs: 100 });
    expect(result).toMatchObject({ outcome: "timedOut" });
  });

  test("data for a channel that does not exist harms nobody", async () => {
    const connection = await connect(await scripted("unknown-channel"));
    expect(await run(connection, "hello")).toMatchObject({ stdout: "hello\n", exitCode: 0 });
  });

  test("no answer at all: the timeout ends it, and says that nobody could look", async () => {
    const connection = await connect(await scripted("hangs-in-command"));
    const result = await run(connection, "anything", { timeoutMs: 100 });
    expect(result).toMatchObject({ outcome: "timedOut", stopped: "unconfirmed" });
  });
});
