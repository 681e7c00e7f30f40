/** What stops a command from outside: another terminal's kill, the end of an agent's server, of the session, of the broker. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { marked, nextMark } from "../../faces/marks.ts";
import { buildOnce, start } from "../../support/binary.ts";
import { brokerOf } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { connectMcp, startRawMcp } from "../../support/mcp-client.ts";
import { waitFor } from "../../support/wait.ts";
import { type Place, startPlace } from "../place.ts";

let place: Place;
beforeAll(async () => {
  place = await startPlace({ options: ["AcceptEnv LC_*"] });
  expect((await place.run(["connect", place.at, "--name", "web"])).status).toBe(0);
});
afterAll(cleanup);

/** What runs on the server: our own command line has the mark too. */
const left = (mark: string) => marked(mark).filter((line) => !line.includes(buildOnce()));
const runs = (mark: string) => waitFor(() => left(mark).length >= 2, { what: "the command to run" });
const isGone = (mark: string) => waitFor(() => left(mark).length === 0, { what: "nothing to be left", timeout: 5000 });

const calls = async (): Promise<{ id: string; command: string }[]> =>
  (await place.document(["ls", "--running", "--json"]))["calls"] as { id: string; command: string }[];
const callOf = async (mark: string): Promise<string> =>
  (await calls()).find(({ command }) => command.includes(mark))?.id ?? "none";

const begin = (mark: string, ...options: string[]) =>
  start(["exec", ...options, "web", `echo begun; sleep ${mark} & sleep ${mark}`], { home: place.home.path });

describe("ssh-mcp kill", () => {
  test.each([[], ["--pty"]])("stops a call of another terminal %p", async (...options) => {
    const mark = nextMark();
    const victim = begin(mark, ...options.flat());
    await runs(mark);
    const id = await callOf(mark);
    const killed = await place.run(["kill", id]);
    expect(killed).toEqual({ status: 0, stdout: `${id} on web stopped: confirmed\n`, stderr: "" });
    expect(left(mark)).toEqual([]);
    const { status, stderr } = await victim.exit();
    expect(status).toBe(255);
    expect(stderr).toContain(`the call ${id} was stopped by ssh-mcp kill; stopped: confirmed [CANCELED]\n`);
    expect(await calls()).toEqual([]);
  });

  test("stops an agent's call, which is told who it was", async () => {
    const { client } = await connectMcp({ home: place.home.path });
    const mark = nextMark();
    const running = client.callTool({
      name: "ssh_exec",
      arguments: { target: "web", command: `sleep ${mark} & sleep ${mark}` },
    });
    await runs(mark);
    const id = await callOf(mark);
    expect(await place.document(["kill", "--json", id])).toEqual({
      killed: [{ id, session: "web", stopped: "confirmed" }],
    });
    const result = await running;
    expect(JSON.stringify(result.content)).toContain(`CANCELED: the call ${id} was stopped by ssh-mcp kill`);
    expect(result.structuredContent).toMatchObject({ outcome: "canceled", exitCode: null, stopped: "confirmed" });
  });

  test("of what does not run is an error, and so is no broker to ask", async () => {
    const { status, stderr } = await place.run(["kill", "c9999"]);
    expect(status).toBe(1);
    expect(stderr).toContain('no call "c9999" is running [NOT_FOUND]\n  try: ssh-mcp ls --running\n');
    expect((await place.run(["--no-broker", "kill", "c1"])).status).toBe(2);
    expect((await place.run(["kill"])).status).toBe(2);
    expect((await place.run(["kill", ""])).status).toBe(2);
  });
});

describe("nothing is left of a command when", () => {
  test("an agent's server is killed outright", async () => {
    const mark = nextMark();
    const agent = startRawMcp({ home: place.home.path });
    await agent.initialize();
    const params = { name: "ssh_exec", arguments: { target: "web", command: `sleep ${mark} & sleep ${mark}` } };
    await agent.send({ jsonrpc: "2.0", id: 77, method: "tools/call", params });
    await runs(mark);
    agent.program.signal("SIGKILL");
    await isGone(mark);
    await agent.program.exit();
  });

  test("an agent cancels it", async () => {
    const mark = nextMark();
    const agent = startRawMcp({ home: place.home.path });
    await agent.initialize();
    const params = { name: "ssh_exec", arguments: { target: "web", command: `sleep ${mark} & sleep ${mark}` } };
    await agent.send({ jsonrpc: "2.0", id: 78, method: "tools/call", params });
    await runs(mark);
    await agent.notify("notifications/cancelled", { requestId: 78 });
    await isGone(mark);
    await agent.program.end();
    await agent.program.exit();
  });

  test("its client has a terminal on the server and is killed outright", async () => {
    const mark = nextMark();
    const client = begin(mark, "--pty");
    await runs(mark);
    client.signal("SIGKILL");
    await client.exit();
    await isGone(mark);
  });

  test("its session is closed", async () => {
    expect((await place.run(["connect", place.at, "--new", "--name", "other"])).status).toBe(0);
    const mark = nextMark();
    const client = start(["exec", "other", `sleep ${mark} & sleep ${mark}`], { home: place.home.path });
    await runs(mark);
    expect((await place.run(["close", "other"])).status).toBe(0);
    expect(left(mark)).toEqual([]);
    expect((await client.exit()).stderr).toContain("the session other was closed from another terminal");
  });

  test("the broker is stopped", async () => {
    const mark = nextMark();
    const client = begin(mark);
    await runs(mark);
    process.kill(brokerOf(place.home.path), "SIGTERM");
    await isGone(mark);
    expect((await client.exit()).status).toBe(255);
  });
});

test.each([
  ["no words", ["exec", "web"]],
  ["an empty command", ["exec", "web", ""]],
  ["a command of spaces", ["exec", "web", " "]],
])("%s is refused before anything is sent", async (_name, words) => {
  const before = place.sshd.log().length;
  expect((await place.run(words)).status).toBe(2);
  expect(place.sshd.log().slice(before)).toBe("");
});

test("a target that is neither a session nor a host is an error of the name", async () => {
  const { status, stderr } = await place.run(["exec", "no-such-session.invalid", "true"]);
  expect(status).toBe(255);
  expect(stderr).toContain("[DNS_FAILED]");
});
