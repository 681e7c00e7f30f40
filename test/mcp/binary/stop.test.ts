/** How commands of the compiled binary's model face are stopped, on a real sshd: nothing may go on that nobody waits for. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Agent, startAgent } from "../../faces/agent.ts";
import { type Home, makeHome } from "../../faces/home.ts";
import { marked, nextMark } from "../../faces/marks.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type RawMcp, startRawMcp } from "../../support/mcp-client.ts";
import { isAlive } from "../../support/processes.ts";
import { startProxy, type TcpProxy } from "../../support/proxy.ts";
import { startRawServer } from "../../support/raw-server.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);

let home: Home;
let user: TemporaryUser;
let proxy: TcpProxy;
let agent: Agent;
/** The server by way of the proxy, which passes everything on unless it is told to cut. */
let at: string;
let mark: string;

beforeAll(async () => {
  home = await makeHome();
  user = await makeUser({ shell: "/bin/sh" });
  const sshd = await startSshd({ authorizedKeys: [home.key.line] });
  proxy = await startProxy(sshd);
  home.trust(sshd.knownHosts().replaceAll(String(sshd.port), String(proxy.port)));
  at = `${user.name}@127.0.0.1:${proxy.port}`;
  agent = await startAgent(home.path);
}, 30_000);

beforeEach(() => {
  mark = nextMark();
});

/** A command with a child in the background: stopping the shell alone would leave that behind. */
const both = (): string => `sleep ${mark} & sleep ${mark}`;
const runs = () => waitFor(() => marked(mark).length > 0, { what: "the command to run" });
const isGone = (timeout = 5000) => waitFor(() => marked(mark).length === 0, { what: "nothing to be left", timeout });

describe("a command that runs out of time", () => {
  test("is stopped, and the answer is an error that holds the whole result", async () => {
    const { result, text, isError } = await agent.call("ssh_exec", {
      ...{ target: at, command: `echo before; echo err >&2; ${both()}`, timeout: 0.5 },
    });
    expect(marked(mark)).toEqual([]);
    expect(isError).toBe(true);
    expect(result).toMatchObject({
      ...{ outcome: "timedOut", stopped: "confirmed", exitCode: null, signal: null },
      ...{ stdout: "before\n", stderr: "err\n", stdoutBytes: 7, stderrBytes: 4 },
    });
    expect(text).toMatch(
      /^TIMEOUT: the command ran out of time on [\d.-]+, \d+ ms, output o[\da-f]+; stopped: confirmed\nstdout \(7 bytes\):\nbefore\n\nstderr \(4 bytes\):\nerr\n$/,
    );
  });

  test("leaves the session to others", async () => {
    const running = agent.call("ssh_exec", { target: at, command: "sleep 2; echo still here" });
    const { result } = await agent.call("ssh_exec", { target: at, command: both(), timeout: 0.3 });
    expect(result).toMatchObject({ outcome: "timedOut" });
    expect((await running).result).toMatchObject({ stdout: "still here\n", exitCode: 0 });
    await isGone();
  });
});

describe("a call that is canceled", () => {
  test("ends its command within five seconds, and gets no answer", async () => {
    const cancel = new AbortController();
    const call = agent.call("ssh_exec", { target: at, command: both() }, { signal: cancel.signal });
    await runs();
    cancel.abort("the person changed their mind");
    await expect(call).rejects.toThrow("the person changed their mind");
    await isGone(5000);
    // The client complains of an answer to a request it does not know.
    const complaints: Error[] = [];
    agent.client.onerror = (error) => complaints.push(error);
    expect((await agent.call("ssh_exec", { target: at, command: "echo next" })).result).toMatchObject({ exitCode: 0 });
    expect(complaints).toEqual([]);
  });

  test("while it still logs in ends the login", async () => {
    const silent = await startRawServer("silent");
    const cancel = new AbortController();
    const input = { target: `127.0.0.1:${silent.port}`, command: "true" };
    const call = agent.call("ssh_exec", input, { signal: cancel.signal });
    await waitFor(() => silent.sockets.size === 1, { what: "the connection" });
    cancel.abort("enough");
    await expect(call).rejects.toThrow("enough");
    await waitFor(() => silent.sockets.size === 0, { what: "the connection to end" });
  });
});

describe("a link that is cut in the middle of a command", () => {
  test.each(["reset", "close"] as const)("by %s: the outcome is unknown, and nothing ran twice", async (kind) => {
    const log = join(tempDir("runs"), "log");
    writeFileSync(log, "");
    chmodSync(dirname(log), 0o777);
    chmodSync(log, 0o666);
    const call = agent.call("ssh_exec", { target: at, command: `echo ran >>${log}; exec sleep ${mark}` });
    await runs();
    proxy.cut(kind);
    const { result, text, isError, error } = await call;
    expect({ isError, error }).toEqual({ isError: true, error: null });
    expect(result).toMatchObject({ outcome: "unknown", exitCode: null, signal: null, stopped: null, stdout: "" });
    const { reason, durationMs, target, outputId } = result ?? {};
    expect(String(reason)).toContain(`127.0.0.1 port ${proxy.port}`);
    expect(text).toStartWith(`OUTCOME_UNKNOWN: ${reason} on ${target}, ${durationMs} ms, output ${outputId}\n`);
    // The session comes back by itself for the next command, and only for that.
    const next = await agent.call("ssh_exec", { target: at, command: `cat ${log}` });
    expect(next.result).toMatchObject({ stdout: "ran\n", exitCode: 0 });
  });
});

test("a client that asks is told every five seconds that its call still runs", async () => {
  const told: { progress: number; message?: string | undefined }[] = [];
  const cancel = new AbortController();
  const startedAt = performance.now();
  const call = agent
    .call("ssh_exec", { target: at, command: both() }, { signal: cancel.signal, onprogress: (each) => told.push(each) })
    .catch(() => "canceled");
  await waitFor(() => told.length > 0, { what: "the first notification" });
  const elapsed = (performance.now() - startedAt) / 1000;
  expect(told).toEqual([
    { progress: expect.any(Number), message: expect.stringMatching(/^running on [a-z0-9.-]+, [56] s$/) },
  ]);
  expect(told[0]?.progress).toBeWithin(4.9, elapsed + 0.1);
  cancel.abort();
  expect(await call).toBe("canceled");
  await isGone();
});

describe("the end of the server", () => {
  /** A server of its own, while its command runs. */
  const running = async (): Promise<RawMcp> => {
    const raw = startRawMcp({ home: home.path });
    await raw.initialize();
    const params = { name: "ssh_exec", arguments: { target: at, command: both(), timeout: 600 } };
    await raw.send({ jsonrpc: "2.0", id: "long", method: "tools/call", params });
    await runs();
    return raw;
  };

  test("by the end of stdin stops the command, answers, and exits 0", async () => {
    const raw = await running();
    await raw.program.end();
    const { status, stderr } = await raw.program.exit();
    expect({ status, stderr, left: marked(mark) }).toEqual({ status: 0, stderr: "", left: [] });
    const { result } = await raw.response("long");
    expect(result).toMatchObject({ structuredContent: { outcome: "canceled", stopped: "confirmed" } });
  });

  test("by SIGTERM does the same, though stdin is open", async () => {
    const raw = await running();
    raw.program.signal("SIGTERM");
    const { status, stderr } = await raw.program.exit();
    expect({ status, stderr, left: marked(mark) }).toEqual({ status: 0, stderr: "", left: [] });
  });

  // The broker is another process: it sees the client go, and stops what ran for it.
  test("by SIGKILL stops the command as well", async () => {
    const raw = await running();
    raw.program.signal("SIGKILL");
    await waitFor(() => !isAlive(raw.program.pid), { what: "the server to end" });
    await isGone();
  });
});
