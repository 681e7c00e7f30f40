/** A broker that goes away under the feet of its clients: by a word, by a signal, or because somebody removed its files. */
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { type Agent, startAgent } from "../../faces/agent.ts";
import { marked, nextMark } from "../../faces/marks.ts";
import { buildOnce, start } from "../../support/binary.ts";
import { brokerOf, brokersOf, endBrokers } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { isAlive } from "../../support/processes.ts";
import { makeUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";
import { documentOf, type Place, placeAt, startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(40_000);

let place: Place;
let home: string;
let agent: Agent;
beforeAll(async () => {
  const root = await startPlace();
  const user = await makeUser({ shell: "/bin/sh" });
  place = placeAt(root.home, root.sshd, `${user.name}@127.0.0.1:${root.sshd.port}`);
  home = place.home.path;
  agent = await startAgent(home);
});
beforeEach(async () => {
  await place.run(["close", "--all"]);
  expect((await place.run(["connect", "--name", "web", place.at])).status).toBe(0);
});

const status = () => place.document(["broker", "status", "--json"]);
const modelWorks = async () => {
  const { result } = await agent.call("ssh_exec", { target: "web", command: "echo in" });
  expect(result).toMatchObject({ target: "web", stdout: "in\n", exitCode: 0 });
};
const scriptWorks = async () =>
  expect(await place.run(["exec", "web", "echo in"])).toMatchObject({ status: 0, stdout: "in\n", stderr: "" });
const onServer = (mark: string) => marked(mark).filter((line) => !line.includes(buildOnce()));

describe("broker restart", () => {
  test("gives another broker, on which all goes on", async () => {
    await modelWorks();
    const before = brokerOf(home);
    expect(documentOf(await place.run(["broker", "restart", "--json"]))).toMatchObject({ running: true });
    expect(brokerOf(home)).not.toBe(before);
    expect((await status())["pid"]).toBe(brokerOf(home));
    await modelWorks();
    await scriptWorks();
  });

  test("with none running starts one", async () => {
    await endBrokers(home);
    expect((await place.run(["broker", "restart"])).status).toBe(0);
    expect(brokersOf(home)).toHaveLength(1);
  });
});

describe("broker stop", () => {
  test("stops what runs, with all that it started, and leaves sessions cached and no socket", async () => {
    const mark = nextMark();
    const socket = String((await status())["socket"]);
    const running = start(["exec", "web", `echo begun; sleep ${mark} & sleep ${mark}`], { home });
    await running.waitForStdout("begun");
    const call = agent.call("ssh_exec", { target: "web", command: `sleep ${mark} & sleep ${mark}` });
    await waitFor(() => onServer(mark).length >= 4, { what: "both to run" });
    expect((await place.run(["broker", "stop"])).status).toBe(0);
    expect({ brokers: brokersOf(home), left: onServer(mark), socket: existsSync(socket) }).toEqual({
      brokers: [],
      left: [],
      socket: false,
    });
    expect((await running.exit()).status).not.toBe(0);
    expect((await call).isError).toBe(true);
    expect(await place.sessions()).toMatchObject([{ name: "web", state: "cached" }]);
    await modelWorks();
  });

  test("with none running is no error", async () => {
    await endBrokers(home);
    expect((await place.run(["broker", "stop"])).status).toBe(0);
    expect((await status())["running"]).toBe(false);
    expect(brokersOf(home)).toEqual([]);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("is what %s does", async (name) => {
    const mark = nextMark();
    const broker = brokerOf(home);
    const running = start(["exec", "web", `echo begun; sleep ${mark} & sleep ${mark}`], { home });
    await running.waitForStdout("begun");
    process.kill(broker, name);
    expect((await running.exit()).status).not.toBe(0);
    await waitFor(() => !isAlive(broker), { what: "the broker to end" });
    expect(onServer(mark)).toEqual([]);
    await modelWorks();
  });
});

describe("a broker whose", () => {
  test.each([
    ["socket was removed", (socket: string) => rmSync(socket)],
    ["directory was removed", (socket: string) => rmSync(dirname(socket), { recursive: true })],
  ])("%s finishes what runs and goes, while another serves", async (_, remove) => {
    const socket = String((await status())["socket"]);
    const old = brokerOf(home);
    const running = start(["exec", "web", "echo begun; read -r line; echo $line"], { home });
    await running.waitForStdout("begun");
    remove(socket);
    await scriptWorks();
    expect((await status())["pid"]).not.toBe(old);
    await running.write("done\n");
    expect(await running.exit()).toMatchObject({ status: 0, stdout: "begun\ndone\n", stderr: "" });
    await waitFor(() => !isAlive(old), { what: "the old broker to end" });
    await modelWorks();
    expect(brokersOf(home)).toHaveLength(1);
    expect(await place.sessions()).toMatchObject([{ name: "web" }]);
  });
});
