/** A broker that is stopped (SIGSTOP), as by a debugger, and a socket behind which nobody ever says a word: nobody hangs over them. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { startAgent } from "../../faces/agent.ts";
import { start } from "../../support/binary.ts";
import { brokerOf, brokersOf, endBrokers } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { isAlive } from "../../support/processes.ts";
import { waitFor } from "../../support/wait.ts";
import { type Place, startPlace } from "../place.ts";
import { listenAt } from "../planted.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

const failure = /^ssh-mcp: .* \[BROKER_UNAVAILABLE\]\n {2}try: .*\n$/;

interface Silence {
  /** Milliseconds after which everybody is told. */
  from: number;
  to: number;
  /** The command that would help. */
  hint: string;
}

/** What everybody is told by a broker that does not answer. */
const everybodyIsTold = async (place: Place, { from, to, hint }: Silence) => {
  const began = performance.now();
  const agent = await startAgent(place.home.path);
  const [fast, full, list, status, model] = await Promise.all([
    place.run(["exec", "web", "echo in"]),
    place.run(["exec", "--json", "web", "echo in"]),
    place.run(["ls"]),
    place.run(["broker", "status"]),
    agent.call("ssh_exec", { target: "web", command: "echo in" }),
  ]);
  expect(performance.now() - began).toBeWithin(from, to);
  expect([fast.status, full.status, list.status, status.status]).toEqual([255, 255, 1, 1]);
  for (const { stderr } of [fast, full, list, status]) {
    expect(stderr).toMatch(failure);
    expect(stderr).toEndWith(`try: ${hint}\n`);
  }
  expect(model.error).toMatchObject({ code: "BROKER_UNAVAILABLE", hint });
  return agent;
};

test.concurrent("a stopped broker is an error in time, is not replaced, and goes on where it was", async () => {
  const place = await startPlace();
  const home = place.home.path;
  await place.run(["connect", "--name", "web", place.at]);
  const broker = brokerOf(home);
  const running = start(["exec", "web", "echo begun; read -r line; echo $line"], { home });
  await running.waitForStdout("begun");
  process.kill(broker, "SIGSTOP");
  const agent = await everybodyIsTold(place, { from: 1000, to: 8000, hint: `kill -CONT ${broker}` });
  expect(brokerOf(home)).toBe(broker);

  process.kill(broker, "SIGCONT");
  expect(await place.run(["exec", "web", "echo in"])).toEqual({ status: 0, stdout: "in\n", stderr: "" });
  expect((await agent.call("ssh_exec", { target: "web", command: "echo in" })).result).toMatchObject({
    stdout: "in\n",
  });
  await running.write("done\n");
  expect(await running.exit()).toMatchObject({ status: 0, stdout: "begun\ndone\n", stderr: "" });
  expect(brokerOf(home)).toBe(broker);
});

test.concurrent("a stopped broker cannot be stopped as asked, which is told soon, and ends when it is continued", async () => {
  const place = await startPlace();
  await place.run(["connect", "--name", "web", place.at]);
  const broker = brokerOf(place.home.path);
  process.kill(broker, "SIGSTOP");
  const began = performance.now();
  expect(await place.run(["broker", "stop"])).toEqual({
    status: 1,
    stdout: "",
    stderr: `ssh-mcp: the broker does not end: its process ${broker} is stopped [BROKER_UNAVAILABLE]\n  try: kill -CONT ${broker}\n`,
  });
  expect(performance.now() - began).toBeLessThan(6000);
  process.kill(broker, "SIGCONT");
  await waitFor(() => !isAlive(broker), { what: "its end" });
});

test.concurrent("what listens in a broker's place and says nothing is an error in time", async () => {
  const place = await startPlace();
  const home = place.home.path;
  await place.run(["connect", "--name", "web", place.at]);
  const socket = String((await place.document(["broker", "status", "--json"]))["socket"]);
  await endBrokers(home);
  await listenAt(socket, () => {});
  await everybodyIsTold(place, { from: 8000, to: 15_000, hint: "ssh-mcp --no-broker …" });
  expect(brokersOf(home)).toEqual([]);
});
