/** What a person keeps from models: a private session cannot be seen, used or closed by one, and no session takes another host's name. */
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Agent, startAgent } from "../../faces/agent.ts";
import { behaviours } from "../../support/behaviours.ts";
import { cleanup } from "../../support/cleanup.ts";
import { knownHostsLine } from "../../support/keys.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { type Place, startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let place: Place;
let agent: Agent;
/** Another server, which a model may reach as well. */
let elsewhere: string;
beforeAll(async () => {
  place = await startPlace();
  const other = await startScriptedServer(behaviours.echo);
  elsewhere = `${other.user}@127.0.0.1:${other.port}`;
  place.home.trust(other.knownHosts(), other.knownHosts("localhost"));
  place.home.trust(...other.hostKeys.map((key) => knownHostsLine("bastion", 22, key)));
  place.home.configure(`Host prod\n  HostName 127.0.0.1\n  Port ${place.sshd.port}\n  User ${place.sshd.user}\n`);
  agent = await startAgent(place.home.path);
});
beforeEach(async () => {
  await place.run(["close", "--all"]);
});

const seen = async (): Promise<unknown> => {
  const { result } = await agent.call("ssh_sessions");
  const sessions = result?.["sessions"];
  return Array.isArray(sessions) ? sessions.map(({ name }) => name) : sessions;
};
/** Which connection a command ran on: its shell's parent on the server. */
const connectionOf = async (target: string) => (await place.run(["exec", target, "echo $PPID"])).stdout;
const modelsConnectionTo = async (target: string): Promise<string> =>
  String((await agent.call("ssh_exec", { target, command: "echo $PPID" })).result?.["stdout"]);

describe("a private session", () => {
  beforeEach(async () => {
    expect((await place.run(["connect", "--private", "--name", "secret", place.at])).status).toBe(0);
  });

  test("is not listed for a model, nor what runs on it", async () => {
    expect(await seen()).toEqual([]);
    const { result, text } = await agent.call("ssh_sessions");
    expect(JSON.stringify(result) + text).not.toContain("secret");
  });

  test("cannot be used by its name, and the answer is that of a host that is not there", async () => {
    const { error, text } = await agent.call("ssh_exec", { target: "secret", command: "id" });
    const unheardOf = await agent.call("ssh_exec", { target: "nowhere", command: "id" });
    expect(error).not.toBeNull();
    expect(text.replaceAll("secret", "nowhere")).toBe(unheardOf.text);
  });

  test("is not what a model gets for the same destination", async () => {
    const persons = await connectionOf("secret");
    expect(persons).toMatch(/^\d+\n$/);
    const models = await modelsConnectionTo(place.at);
    expect(models).toMatch(/^\d+\n$/);
    expect(models).not.toBe(persons);
    expect((await agent.call("ssh_connect", { destination: place.at })).result?.["name"]).not.toBe("secret");
    expect(await connectionOf("secret")).toBe(persons);
  });

  test("cannot be closed, taken over or renamed by a model", async () => {
    expect((await agent.call("ssh_disconnect", { targets: ["secret"] })).result).toEqual({ closed: [] });
    expect((await agent.call("ssh_disconnect", { all: true })).result).toEqual({ closed: [] });
    const { error, result } = await agent.call("ssh_connect", { destination: place.at, name: "secret" });
    expect(result).toBeNull();
    expect(error?.code).toBe("ALREADY_EXISTS");
    expect(await place.sessions()).toMatchObject([{ name: "secret", state: "live", lent: false }]);
  });

  test("is a model's from the moment it is lent until it is taken back", async () => {
    expect((await place.run(["lend", "secret"])).status).toBe(0);
    expect(await seen()).toEqual(["secret"]);
    expect(await modelsConnectionTo("secret")).toBe(await connectionOf("secret"));
    expect((await place.run(["unlend", "secret"])).status).toBe(0);
    expect(await seen()).toEqual([]);
    expect((await agent.call("ssh_disconnect", { targets: ["secret"] })).result).toEqual({ closed: [] });
  });
});

test("a session that a command opened by itself is private, one that connect opened is lent", async () => {
  expect((await place.run(["exec", place.at, "true"])).status).toBe(0);
  expect(await place.sessions()).toMatchObject([{ name: "127.0.0.1-2", lent: false }]);
  expect(await seen()).toEqual([]);
  expect((await place.run(["connect", "--new", "--name", "web", place.at])).status).toBe(0);
  expect(await seen()).toEqual(["web"]);
});

describe("a name", () => {
  test.each([
    ["an alias of ssh_config", "prod"],
    ["an address", "127.0.0.1"],
    ["a domain", "db.example.com"],
    ["a host that known_hosts knows", "bastion"],
  ])("that is %s is not given to another host's session", async (_, name) => {
    const destination = elsewhere.replace("127.0.0.1", "localhost");
    const { error, result } = await agent.call("ssh_connect", { destination, name });
    expect(result).toBeNull();
    expect(error?.code).toBe("ALREADY_EXISTS");
    expect(await seen()).toEqual([]);
    // It still leads where it leads.
    if (name === "prod") expect(await place.run(["exec", "prod", "id -u"])).toMatchObject({ stdout: "0\n" });
  });

  test("that is an alias may be taken by what it stands for", async () => {
    const { result } = await agent.call("ssh_connect", { destination: "prod", name: "prod" });
    expect(result).toMatchObject({ name: "prod", port: place.sshd.port });
  });

  test("that a person's session has is not given to a model's", async () => {
    await place.run(["connect", "--name", "db", place.at]);
    expect((await agent.call("ssh_connect", { destination: elsewhere, name: "db" })).error?.code).toBe(
      "ALREADY_EXISTS",
    );
    expect((await agent.call("ssh_exec", { target: "db", command: "id -u" })).result).toMatchObject({ stdout: "0\n" });
  });
});

describe("a model's own session", () => {
  test("is a person's as well, who sees who opened it", async () => {
    await agent.call("ssh_connect", { destination: place.at, name: "theirs" });
    expect(await place.sessions()).toMatchObject([
      { name: "theirs", openedBy: { face: "mcp", client: "test 1.0.0" }, lent: true },
    ]);
    expect(await connectionOf("theirs")).toBe(await modelsConnectionTo("theirs"));
    expect((await place.run(["close", "theirs"])).stdout).toBe("closed theirs\n");
    expect(await seen()).toEqual([]);
  });
});
