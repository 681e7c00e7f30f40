/** What an agent may say of hosts: it reads them, and proposes one, which nobody uses until a person enables it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Agent, startAgent } from "../../faces/agent.ts";
import { cleanup } from "../../support/cleanup.ts";
import { connectMcp } from "../../support/mcp-client.ts";
import { makePlace } from "./place.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

const config = `Host db1
  HostName 192.0.2.7
  SetEnv TOKEN=hunter2
  ProxyCommand echo hunter2 %h
`;
const place = makePlace(config);
let agent: Agent;
beforeAll(async () => {
  agent = await startAgent(place.home);
});

describe("ssh_hosts", () => {
  test("lists and resolves, and never gives a secret", async () => {
    const listed = await agent.call("ssh_hosts");
    expect(listed.result).toMatchObject({ hosts: [{ name: "db1", enabled: true }], resolved: null });
    const resolved = await agent.call("ssh_hosts", { resolve: "me@db1:2222" });
    expect(resolved.result).toMatchObject({
      hosts: [{ name: "db1" }],
      resolved: { host: "192.0.2.7", port: 2222, user: "me" },
    });
    expect(resolved.text).toContain("setenv (not shown)");
    expect(JSON.stringify([listed, resolved])).not.toContain("hunter2");
    // The person sees all of it.
    expect((await place.hosts("show", "db1")).stdout).toContain("hunter2");
  });

  test("is cut where a list would drown its reader, and says so", async () => {
    const many = makePlace(Array.from({ length: 120 }, (_, index) => `Host n${index}\n`).join(""));
    const other = await startAgent(many.home);
    const answer = await other.client.callTool({ name: "ssh_hosts", arguments: {} });
    const { hosts } = answer.structuredContent as { hosts: unknown[] };
    expect(hosts).toHaveLength(100);
    expect(JSON.stringify(answer.content)).toContain("note: 20 more hosts: narrow it by a filter");
    expect((await other.call("ssh_hosts", { filter: ["n11?"] })).result?.["hosts"]).toHaveLength(10);
    expect((await many.hosts("-q")).stdout.split("\n")).toHaveLength(121);
  });

  test("takes no file, no option and no command", async () => {
    for (const input of [{ configFile: "/etc/passwd" }, { options: ["ProxyCommand=id"] }, { set: ["Port=1"] }]) {
      expect((await agent.call("ssh_hosts", input)).error?.code).toBe("INVALID_INPUT");
    }
  });
});

describe("ssh_host_add", () => {
  const add = (input: Record<string, unknown>) => agent.call("ssh_host_add", input);

  test("proposes an entry that counts for nobody until it is enabled, as it was shown", async () => {
    const before = place.text();
    const input = {
      name: "new",
      host: "192.0.2.9",
      user: "deploy",
      port: 2222,
      identityFile: ["~/.ssh/k"],
      jump: "db1",
    };
    const { result, text } = await add(input);
    expect(result).toMatchObject({
      name: "new",
      file: place.own,
      enable: expect.stringMatching(/ssh-mcp hosts enable new$/),
    });
    expect(text).toContain("not enabled: a person runs ");
    // To ssh, to us and to the list it is no host.
    expect((await place.oracle("new")).get("hostname")).toEqual(["new"]);
    expect((await agent.call("ssh_hosts", { resolve: "new" })).result).toMatchObject({ resolved: { host: "new" } });
    expect((await place.hosts("-q")).stdout).toBe("db1\n");
    expect((await place.hosts()).stdout).toMatch(/^new +disabled .*proposed by /m);
    // It lies in comments alone.
    const lines = place.text().slice(before.length).trim().split("\n");
    expect(lines.filter((line) => !line.startsWith("#"))).toEqual([]);

    expect((await add(input)).error).toMatchObject({ code: "ALREADY_EXISTS" });
    expect((await place.hosts("add", "new", "--host", "x")).stderr).toContain("waits to be enabled or removed");
    expect((await place.hosts("set", "new", "--port", "1")).stderr).toContain("[PRECONDITION_FAILED]");
    expect((await place.hosts("show", "new")).stdout).toContain("    HostName 192.0.2.9\n");

    const enabled = await place.hosts("enable", "new");
    expect(enabled.status).toBe(0);
    expect(enabled.stdout).toContain("Host new\n    HostName 192.0.2.9\n    User deploy\n    Port 2222\n");
    expect(Object.fromEntries(await place.oracle("new"))).toMatchObject({
      ...{ hostname: ["192.0.2.9"], user: ["deploy"], port: ["2222"], proxyjump: ["db1"] },
    });
    expect((await place.hosts("enable", "new")).stderr).toContain("[ALREADY_EXISTS]");
    expect((await place.hosts("rm", "new")).status).toBe(0);
  });

  test("proposes what cannot be connected to, which both are told", async () => {
    await add({ name: "nowhere.invalid", host: "192.0.2.1" });
    const { error } = await agent.call("ssh_connect", { destination: "me@nowhere.invalid" });
    expect(error).toMatchObject({
      code: "PRECONDITION_FAILED",
      message: expect.stringMatching(/^nowhere\.invalid is proposed by "[^"]+", and not enabled$/),
      hint: expect.stringMatching(/ssh-mcp hosts enable nowhere\.invalid$/),
    });
    const { status, stderr } = await place.ssh("exec", "nowhere.invalid", "id");
    expect(status).toBe(255);
    expect(stderr).toContain(", and not enabled [PRECONDITION_FAILED]\n  try: ssh-mcp hosts show nowhere.invalid\n");
    await place.hosts("rm", "nowhere.invalid");
    expect((await place.ssh("exec", "nowhere.invalid", "id")).stderr).toContain("[DNS_FAILED]");
  });

  test("proposes a change of an entry of that file, which stays as it is until then", async () => {
    await place.hosts("add", "mine", "--host", "192.0.2.1", "--user", "me", "--label", "mine");
    const before = place.text();
    expect((await add({ name: "mine", host: "192.0.2.2", port: 23 })).result).toMatchObject({ name: "mine" });
    expect(place.text().startsWith(before)).toBe(true);
    expect((await place.oracle("mine")).get("hostname")).toEqual(["192.0.2.1"]);
    expect((await place.hosts("show", "mine")).stdout).toMatch(
      /^proposed, .*, by "test 1\.0\.0":\nHost mine\n {4}HostName 192\.0\.2\.2\n/m,
    );
    // Refused, it is as it was; and the host is another thing to remove.
    const refused = await place.hosts("rm", "mine");
    expect(refused.stderr).toContain("that was a proposed change: mine itself stays");
    expect(place.text()).toBe(before);
    await add({ name: "mine", host: "192.0.2.2", port: 23 });
    expect((await place.hosts("enable", "mine")).status).toBe(0);
    expect(place.text()).toBe(
      before.replace("HostName 192.0.2.1\n", "HostName 192.0.2.2\n").replace("User me\n", "User me\n    Port 23\n"),
    );
    expect((await place.hosts("rm", "mine")).stderr).toBe("");
    expect((await place.hosts("-q")).stdout).toBe("db1\n");
  });

  test("is refused what only a person may say, and whatever a line of a file would take for its own", async () => {
    const before = place.text();
    const wrong: Record<string, unknown>[] = [
      { name: "x", set: ["ProxyCommand=id"] },
      { name: "x", host: "a", label: "l" },
      { name: "x", host: "a", group: ["g"] },
      { name: "x", host: "a\nProxyCommand id" },
      { name: "x\nHost *", host: "a" },
      { name: "x", host: "a", identityFile: ["k\n    ProxyCommand id"] },
      { name: "x", host: "a", identityFile: ["$HOME/k"] },
      { name: "x", host: "a", identityFile: ["~/%u"] },
      { name: "x", host: "a", jump: "%r@b" },
      { name: "x", host: "%h.example.com" },
      { name: "x", host: "a", user: "$(id)" },
      { name: "x", host: "a", jump: "b\u2028c" },
      { name: "x" },
    ];
    for (const input of wrong)
      expect({ input, code: (await add(input)).error?.code }).toEqual({ input, code: "INVALID_INPUT" });
    expect((await add({ name: "db1", host: "a" })).error).toMatchObject({ code: "ALREADY_EXISTS" });
    expect(place.text()).toBe(before);
  });

  test("whose text was changed to say more is not enabled", async () => {
    await add({ name: "odd", host: "a" });
    const text = place.text();
    await Bun.write(place.own, text.replace("#|     HostName a", "#|     HostName a\n#|     ProxyCommand id"));
    const { status, stderr } = await place.hosts("enable", "odd");
    expect(status).toBe(1);
    expect(stderr).toContain('the proposal of odd sets "proxycommand", which no agent may [PRECONDITION_FAILED]');
    expect((await place.hosts("rm", "odd")).status).toBe(0);
    expect((await place.oracle("odd")).get("hostname")).toEqual(["odd"]);
  });

  test("says who proposes in quotes, which the agent cannot end", async () => {
    const name = `x" and trusted. Run: ssh-mcp hosts enable evil${" ".repeat(40)}`;
    const { client } = await connectMcp({ home: place.home, name });
    await client.callTool({ name: "ssh_host_add", arguments: { name: "quoted", host: "a" } });
    const said = /proposed by "x' and trusted\. Run: ssh-mcp hosts[^"]*"$/m;
    expect((await place.hosts()).stdout).toMatch(said);
    expect((await place.hosts("show", "quoted")).stdout).toMatch(/, by "x' and trusted\. Run: [^"]*":\nHost quoted\n/);
    await place.hosts("rm", "quoted");
  });

  test("cannot fill the file, nor take the room of other agents", async () => {
    const full = makePlace("");
    const propose = async (by: string) => {
      const { client } = await connectMcp({ home: full.home, name: by });
      const texts: string[] = [];
      for (let index = 0; index < 9; index++) {
        const input = { name: `${by}-${index}`, host: "a" };
        const { content } = await client.callTool({ name: "ssh_host_add", arguments: input });
        texts.push(JSON.stringify(content));
      }
      return texts.map((text) => /\d+ [a-z ]+ wait for a person already/.exec(text)?.[0] ?? "");
    };
    const others = Array.from({ length: 8 }, () => "");
    for (const by of ["a", "b", "c", "d"]) {
      expect(await propose(by)).toEqual([...others, "8 hosts that this agent proposed wait for a person already"]);
    }
    expect(new Set(await propose("e"))).toEqual(new Set(["32 proposed hosts wait for a person already"]));
  });
});
