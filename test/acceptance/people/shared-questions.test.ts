/** One login that several callers wait for is asked about once, and serves them all. */
import { afterAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startAgent } from "../../faces/agent.ts";
import { type Home, makeHome } from "../../faces/home.ts";
import { behaviours } from "../../support/behaviours.ts";
import { start } from "../../support/binary.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type ScriptedServer, startScriptedServer } from "../../support/scripted-server.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let home: Home;
let server: ScriptedServer;
let at: string;
beforeEach(async () => {
  home = await makeHome();
  server = await startScriptedServer(behaviours.password);
  at = `${server.user}@127.0.0.1:${server.port}`;
  home.trust(server.knownHosts());
});

const passwords = () => server.attempts.filter(({ method }) => method === "password").length;
const prompt = /'s password: /;

describe("a password", () => {
  test("typed in one of two terminals serves both", async () => {
    const first = home.type(`ssh-mcp exec ${at} one`);
    await first.waitFor(prompt);
    const second = home.type(`ssh-mcp exec ${at} two`);
    await calls(2);
    first.type("right\r");
    await first.waitFor("one\n");
    await second.waitFor("two\n");
    expect([await first.exit(), await second.exit()]).toEqual([0, 0]);
    expect({ asked: passwords(), connections: server.accepted() }).toEqual({ asked: 1, connections: 1 });
  });

  test("that the first one declines may still be given by the second", async () => {
    const first = home.type(`exec ssh-mcp exec ${at} one`);
    await first.waitFor(prompt);
    const second = home.type(`ssh-mcp exec ${at} two`);
    await calls(2);
    first.type("\x03");
    expect(await first.exit()).toBe(130);
    await second.waitFor(prompt);
    second.type("right\r");
    await second.waitFor("two\n");
    expect(await second.exit()).toBe(0);
  });

  test("typed in a terminal serves a script that has none, which said at once that it cannot answer or waited", async () => {
    const person = home.type(`ssh-mcp connect --name web ${at}`);
    await person.waitFor(prompt);
    const script = start(["exec", at, "from a script"], { home: home.path });
    const agent = await startAgent(home.path);
    const model = agent.call("ssh_exec", { target: at, command: "from a model" });
    person.type("right\r");
    expect(await person.exit()).toBe(0);
    // Whoever came before the answer either waited for it or was told whom to ask; nobody hangs, and nobody is told anything else.
    const { status, stdout, stderr } = await script.exit();
    if (status === 0) expect(stdout).toBe("from a script\n");
    else expect({ status, stderr }).toEqual({ status: 255, stderr: expect.stringContaining("[AUTH_REQUIRED]") });
    const { result, error } = await model;
    if (error === null) expect(result).toMatchObject({ stdout: "from a model\n" });
    else expect(error.code).toBe("AUTH_REQUIRED");
    // From now on it simply works, on the one session.
    expect((await agent.call("ssh_exec", { target: at, command: "again" })).result).toMatchObject({
      target: "web",
      stdout: "again\n",
    });
    expect(passwords()).toBe(1);
  });
});

test("a host key that is confirmed in one terminal serves the other", async () => {
  rmSync(join(home.path, ".ssh/known_hosts"));
  const question = "(yes/no/[fingerprint])? ";
  const first = home.type(`ssh-mcp exec ${at} one`);
  await first.waitFor(question);
  const second = home.type(`ssh-mcp exec ${at} two`);
  await calls(2);
  first.type("yes\r");
  await first.waitFor(prompt);
  first.type("right\r");
  expect([await first.exit(), await second.exit()]).toEqual([0, 0]);
  expect([first.text(), second.text()].map((text) => text.trimEnd().split("\n").at(-1))).toEqual(["one", "two"]);
  // One line, under the host's name or its hash, as the system's ssh_config has it.
  const known = readFileSync(join(home.path, ".ssh/known_hosts"), "utf8").trimEnd().split("\n");
  expect(known).toEqual([expect.stringContaining(server.hostKeys[0]?.line ?? "no key")]);
  expect(server.accepted()).toBe(1);
});

/** Resolves when that many operations run in the broker. */
const calls = async (count: number): Promise<void> => {
  const running = async () => {
    const status = start(["broker", "status", "--json"], { home: home.path });
    return JSON.parse((await status.exit()).stdout)["calls"];
  };
  await waitFor(async () => (await running()) >= count, { what: `${count} calls`, interval: 50 });
};
