/** Clients and brokers of different releases: an idle older broker gives way, one in use goes on, another language is said to be one. */
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { release } from "../../../src/core/version.ts";
import { startAgent } from "../../faces/agent.ts";
import { behaviours } from "../../support/behaviours.ts";
import { start } from "../../support/binary.ts";
import { brokerOf, brokersOf, endBrokers } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { isAlive } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { waitFor } from "../../support/wait.ts";
import { documentOf, type Place, startPlace } from "../place.ts";
import { buildRelease, type Release } from "./releases.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

let place: Place;
let home: string;
let newer: Release;
/** Of another major version of the protocol. */
let foreign: Release;
beforeAll(async () => {
  [place, newer, foreign] = await Promise.all([startPlace(), buildRelease("99.0.0"), buildRelease("100.0.0", 99)]);
  home = place.home.path;
});
beforeEach(async () => {
  await place.run(["close", "--all"]);
  await endBrokers(home);
});

const versionNow = async (): Promise<unknown> => (await place.document(["broker", "status", "--json"]))["version"];
const works = { status: 0, stdout: "in\n", stderr: "" };

describe("a broker of an older release", () => {
  test("that is idle is replaced without a word, and its sessions stay", async () => {
    await place.run(["connect", "--name", "web", place.at]);
    const old = brokerOf(home);
    expect(await newer.run(["exec", "web", "echo in"], home)).toMatchObject(works);
    await waitFor(() => !isAlive(old), { what: "the old broker to end" });
    expect(await versionNow()).toBe("99.0.0");
    expect(await place.sessions()).toMatchObject([{ name: "web", state: "live" }]);
  });

  test("that is idle is replaced once, by many clients at once", async () => {
    await place.run(["connect", "--name", "web", place.at]);
    const clients = Array.from({ length: 10 }, () => newer.run(["exec", "web", "echo in"], home));
    expect(await Promise.all(clients)).toMatchObject(clients.map(() => works));
    await waitFor(() => brokersOf(home).length === 1, { what: "one broker" });
    expect(await versionNow()).toBe("99.0.0");
  });

  test("that runs a command goes on, for everybody", async () => {
    const running = start(["exec", place.at, "echo begun; read -r line; echo $line"], { home });
    await running.waitForStdout("begun");
    const old = brokerOf(home);
    expect(await newer.run(["exec", place.at, "echo in"], home)).toMatchObject(works);
    expect(brokerOf(home)).toBe(old);
    await running.write("done\n");
    expect(await running.exit()).toMatchObject({ status: 0, stdout: "begun\ndone\n", stderr: "" });
    expect(await versionNow()).toBe(release);
  });

  test("that holds a session which a person logged in to goes on", async () => {
    const server = await startScriptedServer(behaviours.password);
    place.home.trust(server.knownHosts());
    const terminal = place.home.type(`ssh-mcp connect --name typed ${server.user}@127.0.0.1:${server.port}`);
    await terminal.waitFor("password: ");
    terminal.type("right\r");
    expect(await terminal.exit()).toBe(0);
    const old = brokerOf(home);
    expect(await newer.run(["exec", "typed", "echoed"], home)).toMatchObject({ status: 0, stdout: "echoed\n" });
    expect(brokerOf(home)).toBe(old);
  });

  test("is left by a model's program of that release as well", async () => {
    const agent = await startAgent(home);
    const exec = async () => (await agent.call("ssh_exec", { target: place.at, command: "echo in" })).result;
    expect(await exec()).toMatchObject({ stdout: "in\n" });
    expect(await newer.run(["exec", place.at, "echo in"], home)).toMatchObject(works);
    expect(await exec()).toMatchObject({ stdout: "in\n" });
    await waitFor(() => brokersOf(home).length === 1, { what: "one broker" });
    expect(await versionNow()).toBe("99.0.0");
    await agent.close();
  });
});

test("a broker of a newer release serves an older client", async () => {
  await newer.run(["connect", "--name", "web", place.at], home);
  const broker = brokerOf(home);
  expect(await place.run(["exec", "web", "echo in"])).toMatchObject(works);
  expect(brokerOf(home)).toBe(broker);
});

describe("a broker that speaks another language", () => {
  beforeEach(async () => {
    await foreign.run(["connect", "--name", "web", place.at], home);
    expect(brokersOf(home)).toHaveLength(1);
  });

  test("is named, with the command that replaces it, and is left alone", async () => {
    const broker = brokerOf(home);
    for (const args of [["exec", "web", "id"], ["exec", "--timeout", "5", "web", "id"], ["ls"]]) {
      const { status, stdout, stderr } = await place.run(args);
      expect({ stdout, failed: status !== 0 }).toEqual({ stdout: "", failed: true });
      expect(stderr).toMatch(/^ssh-mcp: .*protocol 99.* \[BROKER_UNAVAILABLE\]\n {2}try: ssh-mcp broker restart\n$/);
    }
    const agent = await startAgent(home);
    const { error } = await agent.call("ssh_exec", { target: "web", command: "id" });
    expect(error).toMatchObject({
      code: "BROKER_UNAVAILABLE",
      hint: expect.stringContaining("ssh-mcp broker restart"),
    });
    expect(brokerOf(home)).toBe(broker);
    expect((await place.run(["broker", "restart"])).status).toBe(0);
    // Also for the program that met the other one.
    const { result } = await agent.call("ssh_exec", { target: "web", command: "echo in" });
    expect(result).toMatchObject({ stdout: "in\n" });
    await agent.close();
  });

  test("is replaced by broker restart, and what was cached is there", async () => {
    const restarted = await place.run(["broker", "restart", "--json"]);
    expect(restarted.status).toBe(0);
    expect(documentOf(restarted)).toMatchObject({ running: true, version: release });
    expect(await place.sessions()).toMatchObject([{ name: "web", state: "cached" }]);
    expect(await place.run(["exec", "web", "echo in"])).toMatchObject(works);
  });

  test("obeys broker stop", async () => {
    expect((await place.run(["broker", "stop"])).status).toBe(0);
    expect(brokersOf(home)).toEqual([]);
  });
});
