/** One session for everybody: a person's terminal, a script, a model's program and the next one use the same connection. */
import { afterAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { startAgent } from "../../faces/agent.ts";
import { brokerOf, brokersOf } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { isAlive } from "../../support/processes.ts";
import { waitFor } from "../../support/wait.ts";
import { type Place, startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let place: Place;
beforeEach(async () => {
  place = await startPlace();
});

const logins = () => place.sshd.log().split("Accepted publickey").length - 1;
/** The server's process for the connection that a command came on. */
const connection = "echo $PPID";

test("what connect opened in a terminal serves a script, an editor's model and the one after it, with one login", async () => {
  const terminal = place.home.type(`ssh-mcp connect --name web ${place.at}`);
  await terminal.waitFor("opened web: ");
  expect(await terminal.exit()).toBe(0);
  const ofScript = await place.run(["exec", "web", connection]);
  const byDestination = await place.run(["exec", "--timeout", "60", place.at, connection]);
  const inTerminal = place.home.type(`ssh-mcp exec web '${connection}'`);
  expect(await inTerminal.exit()).toBe(0);
  const models: unknown[] = [];
  for (const target of ["web", place.at]) {
    const agent = await startAgent(place.home.path);
    models.push((await agent.call("ssh_exec", { target, command: connection })).result?.["stdout"]);
    await agent.close();
  }
  expect(ofScript.stdout).toMatch(/^\d+\n$/);
  expect([byDestination.stdout, inTerminal.text(), ...models]).toEqual(Array(4).fill(ofScript.stdout));
  expect(logins()).toBe(1);
  expect(await place.sessions()).toMatchObject([{ name: "web", state: "live", openedBy: { face: "cli" } }]);
});

test("a session that was not used for its time is closed, and dialled again when it is", async () => {
  await place.run(["connect", "--name", "web", "--ttl", "1s", place.at]);
  const login = Number((await place.run(["exec", "web", connection])).stdout);
  await waitFor(() => !isAlive(login), { what: "the connection to be closed" });
  expect(await place.sessions()).toMatchObject([{ name: "web", state: "cached" }]);
  expect(await place.run(["exec", "web", "echo in"])).toMatchObject({ status: 0, stdout: "in\n", stderr: "" });
  expect(logins()).toBe(2);
});

test("a server that lost the connection is dialled again, once for all that come at the same time", async () => {
  await place.run(["connect", "--name", "web", place.at]);
  const login = Number((await place.run(["exec", "web", connection])).stdout);
  process.kill(login, "SIGKILL");
  await waitFor(async () => (await place.sessions())[0]?.state === "lost", { what: "the loss to be noticed" });
  const answers = await Promise.all(Array.from({ length: 8 }, () => place.run(["exec", "web", "echo in"])));
  expect(answers).toEqual(answers.map(() => ({ status: 0, stdout: "in\n", stderr: "" })));
  expect(logins()).toBe(2);
});

test("a model's program starts no broker until it is asked for something, and leaves it running", async () => {
  const agent = await startAgent(place.home.path);
  await agent.client.ping();
  expect(brokersOf(place.home.path)).toEqual([]);
  await agent.call("ssh_connect", { destination: place.at, name: "web" });
  const broker = brokerOf(place.home.path);
  await agent.close();
  expect(isAlive(broker)).toBe(true);
  expect(await place.sessions()).toMatchObject([{ name: "web", state: "live", openedBy: { face: "mcp" } }]);
});

test("ls --running shows what runs, on what, since when and by whom", async () => {
  const agent = await startAgent(place.home.path);
  await agent.call("ssh_connect", { destination: place.at, name: "web" });
  const command = "echo begun; read -r line";
  const call = agent.call("ssh_exec", { target: "web", command: "sleep 2; echo model" });
  const terminal = place.home.type(`ssh-mcp exec web '${command}'`);
  await terminal.waitFor("begun");
  await waitFor(async () => (await place.sessions())[0]?.running === 2, { what: "both to run" });
  const { calls } = await place.document(["ls", "--running", "--json"]);
  expect(calls).toHaveLength(2);
  expect(calls).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        session: "web",
        command: "sleep 2; echo model",
        by: { face: "mcp", client: "test 1.0.0" },
      }),
      expect.objectContaining({ session: "web", command, by: expect.objectContaining({ face: "cli" }) }),
    ]),
  );
  terminal.type("\r");
  expect(await terminal.exit()).toBe(0);
  expect((await call).result).toMatchObject({ stdout: "model\n" });
});
