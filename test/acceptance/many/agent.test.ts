/** Several targets of a tool call: an entry for each, and one budget for all. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { type Agent, startAgent } from "../../faces/agent.ts";
import { cleanup } from "../../support/cleanup.ts";
import { isAlive } from "../../support/processes.ts";
import { waitFor } from "../../support/wait.ts";
import { type Hosts, makeHosts } from "./hosts.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

let hosts: Hosts;
let agent: Agent;
beforeAll(async () => {
  hosts = await makeHosts();
  agent = await startAgent(hosts.home.path);
});

type Entry = Record<string, unknown> & { target: string; stdout: string };

const entriesOf = (result: Record<string, unknown> | null): Entry[] => (result?.["hosts"] ?? []) as Entry[];

test("an entry for each host, in order, and what they have in common above", async () => {
  const { result, isError, text } = await agent.call("ssh_exec", { target: "@web,web1", command: "echo hi; exit 3" });
  expect({ isError, text }).toMatchObject({ isError: false });
  expect(result).toMatchObject({
    target: "@web,web1",
    outcome: "exited",
    exitCode: null,
    stdout: null,
    stdoutBytes: 9,
  });
  const entries = entriesOf(result);
  expect(entries.map(({ target }) => target)).toEqual(["web1", "web2", "web3"]);
  for (const entry of entries) {
    expect(entry).toMatchObject({ outcome: "exited", exitCode: 3, stdout: "hi\n", stderr: "", error: null });
  }
  expect(text).toStartWith("0 of 3 hosts: exit status 0; 3 with another status\n");
});

test("what a host fails with is its own entry's, and no success of the call", async () => {
  const { result, isError, text } = await agent.call("ssh_exec", { target: "web1,dead,locked", command: "id -u" });
  expect(isError).toBe(true);
  expect(result).toMatchObject({ outcome: "exited" });
  expect(entriesOf(result)).toMatchObject([
    { target: "web1", exitCode: 0, error: null },
    { target: "dead", exitCode: null, outcome: null, error: { code: "CONNECT_REFUSED" } },
    {
      target: "locked",
      outcome: null,
      error: { code: "AUTH_REQUIRED", hint: expect.stringContaining("ssh-mcp connect") },
    },
  ]);
  expect(text).toContain("CONNECT_REFUSED on dead: ");
  expect(text).toContain("hint: ");
  const none = await agent.call("ssh_exec", { target: "dead,", command: "id" });
  expect(none).toMatchObject({ isError: true, result: { outcome: null } });
  const late = await agent.call("ssh_exec", { target: "web1,web2", command: "sleep 30", timeout: 1 });
  expect(late).toMatchObject({ isError: true, result: { outcome: "timedOut", stopped: "confirmed" } });
});

test("the budget is one for all: what some do not need, the others have", async () => {
  const command = `case $(cat /proc/sys/kernel/random/uuid) in *) mkdir ${hosts.home.path}/big 2>/dev/null && seq 100000 || echo small;; esac`;
  const { result } = await agent.call("ssh_exec", { target: "@web", command, maxOutput: 10_000 });
  const entries = entriesOf(result);
  const big = entries.filter(({ truncated }) => truncated === true);
  expect(big.length).toBe(1);
  expect(entries.filter(({ stdout }) => stdout === "small\n").length).toBe(2);
  const [{ stdout } = { stdout: "" }] = big;
  expect(stdout.length).toBeGreaterThan(9000);
  expect(stdout.length).toBeLessThan(10_400);
  const all = await agent.call("ssh_exec", { target: "@web", command: "seq 100000", maxOutput: 9000 });
  for (const entry of entriesOf(all.result)) {
    expect(entry.stdout.length).toBeGreaterThan(2500);
    expect(entry.stdout.length).toBeLessThan(3400);
    expect(entry.stdout).toEndWith("100000\n");
    expect(entry["outputId"]).toBeString();
  }
});

test("of the budget nothing is for output that is no text, of which one line is shown", async () => {
  const command = `mkdir ${hosts.home.path}/bin 2>/dev/null && head -c 100000 /dev/zero || seq 100000`;
  const { result } = await agent.call("ssh_exec", { target: "@web", command, maxOutput: 9000 });
  const sizes = entriesOf(result).map(({ stdout }) => (stdout.startsWith("[binary: 100000 bytes") ? 0 : stdout.length));
  const [none, ...texts] = sizes.sort((a, b) => a - b);
  expect(none).toBe(0);
  // Half of it each, less what is cut at a line.
  for (const length of texts) expect(length).toBeGreaterThan(4000);
  expect(texts.length).toBe(2);
});

test("a list with a gap, an unknown group, and tools that take one host", async () => {
  expect((await agent.call("ssh_exec", { target: "web1,,web2", command: "id" })).error?.code).toBe("USAGE");
  expect((await agent.call("ssh_exec", { target: "@nobody", command: "id" })).error?.code).toBe("NOT_FOUND");
  expect((await agent.call("ssh_connect", { destination: "web1,web2" })).error).toMatchObject({
    code: "USAGE",
    message: 'ssh_connect takes one host, and "web1,web2" is a list of 2',
  });
});

test("a call that is given up stops all of them", async () => {
  const stop = new AbortController();
  const calling = agent.call(
    "ssh_exec",
    { target: "@web", command: `echo $$ >${hosts.home.path}/$$.run; sleep 300` },
    { signal: stop.signal },
  );
  const pids = await waitFor(
    () => {
      const files = readdirSync(hosts.home.path).filter((name) => name.endsWith(".run"));
      return files.length === 3 ? files.map((name) => Number.parseInt(name, 10)) : null;
    },
    { what: "three commands to run", timeout: 20_000 },
  );
  stop.abort();
  await expect(calling).rejects.toThrow();
  await waitFor(() => (pids.some(isAlive) ? null : true), { what: "their end", timeout: 20_000 });
});

test("hosts where it goes on as a job are counted as that, and are no error", async () => {
  const { result, isError, text } = await agent.call("ssh_exec", {
    ...{ target: "web1,web2", command: `until test -e ${hosts.home.path}/over; do sleep 0.1; done` },
    ...{ timeout: 1, onTimeout: "background" },
  });
  expect(text).toStartWith("0 of 2 hosts: exit status 0; 2 going on as jobs\n");
  expect(isError).toBe(false);
  for (const entry of entriesOf(result))
    expect(entry).toMatchObject({ outcome: "timedOut", jobId: expect.any(String) });
  writeFileSync(`${hosts.home.path}/over`, "");
});

test("progress says how many are done", async () => {
  const said: string[] = [];
  await agent.call(
    "ssh_exec",
    { target: "web1,web2", command: `mkdir ${hosts.home.path}/slow 2>/dev/null && sleep 6; :` },
    { onprogress: ({ message }) => said.push(message ?? "") },
  );
  expect(said.join("\n")).toContain("1 of 2 hosts done");
});
