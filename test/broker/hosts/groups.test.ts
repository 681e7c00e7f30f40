/** `@group` as a target, against a real server, through the compiled binary. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Agent, startAgent } from "../../faces/agent.ts";
import { type Home, makeHome } from "../../faces/home.ts";
import { run } from "../../support/binary.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

let home: Home;
let agent: Agent;
let sshd: Sshd;
beforeAll(async () => {
  home = await makeHome();
  sshd = await startSshd({ authorizedKeys: [home.key.line] });
  // Another alias of the same host alone would be the same session.
  for (const name of ["web1", "web2", "db1"]) home.trust(sshd.knownHosts().replaceAll(/^\S+/gm, name));
  const host = (name: string): string =>
    `Host ${name}\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${sshd.user}\n  HostKeyAlias ${name}\n`;
  home.configure(`${["web1", "web2", "db1"].map(host).join("")}Host dead\n  HostName 127.0.0.1\n  Port 1\n`);
  mkdirSync(join(home.path, ".ssh-mcp"), { mode: 0o700 });
  writeFileSync(
    join(home.path, ".ssh-mcp/config.toml"),
    '[host.web2]\ngroups = ["web"]\n[group.web]\nhosts = ["web1", "gone"]\n[group.mixed]\nhosts = ["dead", "db1"]\n[group.empty]\n[group.loose]\nhosts = ["127.0.0.1", "gone"]\n',
  );
  agent = await startAgent(home.path);
});

const type = (...words: string[]) => run(words, { home: home.path });
const live = async () => (await type("ls", "-q")).stdout.trim().split("\n").sort();

test("connect opens one session after the other, with a line of JSON each", async () => {
  const { status, stdout, stderr } = await type("connect", "@web", "--json");
  const note = "ssh-mcp: in the group, and passed over because no file of ssh_config names it: gone\n";
  expect({ status, stderr }).toEqual({ status: 0, stderr: note });
  const results = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  // In the order of ssh_config; a member that no file names is no host.
  expect(results).toMatchObject([
    { name: "web1", state: "live" },
    { name: "web2", state: "live" },
  ]);
  const { hosts } = JSON.parse((await type("hosts", "@web", "--json")).stdout) as { hosts: object[] };
  expect(hosts).toMatchObject([{ sessions: ["web1"] }, { sessions: ["web2"] }]);
});

test("one that fails is no reason to leave out the next", async () => {
  const { status, stdout, stderr } = await type("connect", "@mixed");
  expect(status).toBe(1);
  expect(stderr).toContain("[CONNECT_REFUSED]");
  expect(stdout).toContain("opened db1: ");
  expect((await type("connect", "@empty")).stderr).toContain('no host is in "@empty" [NOT_FOUND]');
  expect((await type("connect", "@web", "--name", "x")).status).toBe(2);
});

test("lend, unlend and close take the sessions of a group, beside names", async () => {
  expect(await live()).toEqual(["db1", "web1", "web2"]);
  expect((await type("unlend", "@web")).stdout).toBe("took back web1, web2\n");
  expect((await type("lend", "@web", "db1", "web1")).stdout).toBe("lent web1, web2, db1\n");
  expect((await agent.call("ssh_disconnect", { targets: ["@web"] })).result).toEqual({ closed: ["web1", "web2"] });
  expect(await live()).toEqual(["db1"]);
  expect((await type("close", "@web")).stdout).toBe("nothing was open\n");
  expect((await type("lend", "@web")).stderr).toContain(
    "there is no session to a host of that group [SESSION_NOT_FOUND]",
  );
  const missing = await type("close", "@nowhere");
  expect(missing).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("there are @web, @mixed, @empty, @loose"),
  });
});

test("a group has sessions to hosts that no file names, whatever an agent proposes under that name", async () => {
  home.trust(sshd.knownHosts());
  expect((await type("connect", "--name", "loose", `${sshd.user}@127.0.0.1:${sshd.port}`)).status).toBe(0);
  expect((await agent.call("ssh_host_add", { name: "127.0.0.1", host: "192.0.2.1" })).error).toBeNull();
  expect((await type("unlend", "@loose")).stdout).toBe("took back loose\n");
  expect((await type("close", "@loose")).stdout).toBe("closed loose\n");
  expect((await type("hosts", "rm", "127.0.0.1")).status).toBe(0);
  expect(await live()).toEqual(["db1"]);
});

test("what takes one host says so, and where the hosts are to be seen: policy may keep them from who asks", async () => {
  const calls = [
    ["@web", "a group of 3", ["@web"]],
    ["web1,@web", "a list of 3", ["web1", "@web"]],
  ] as const;
  for (const [destination, what, filter] of calls) {
    expect((await agent.call("ssh_connect", { destination })).error).toMatchObject({
      code: "USAGE",
      message: `ssh_connect takes one host, and "${destination}" is ${what}`,
      hint: `ssh_hosts ${JSON.stringify({ filter })}`,
    });
  }
  expect((await agent.call("ssh_exec", { target: "@nowhere", command: "id" })).error?.code).toBe("NOT_FOUND");
});

test("one after the other, where a command acts on one host: each with its own header, record and error", async () => {
  const shown = await type("hosts", "show", "web1,db1");
  expect(shown.status).toBe(0);
  expect(shown.stdout).toMatch(/^==> web1 <==\n[\s\S]*\n==> db1 <==\n/);
  const trusted = await type("trust", "web1,dead", "--json", "--batch");
  expect(trusted.status).toBe(1);
  const records = trusted.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(records).toMatchObject([
    { name: "web1", keys: [{ state: "known" }] },
    { target: "dead", error: { code: "CONNECT_REFUSED" } },
  ]);
  expect((await type("connect", "web1,web2,")).stdout).toMatch(/^(opened|reused) web1[\s\S]*(opened|reused) web2/m);
  expect((await type("close", "web1,web2", "@web")).stdout).toBe("closed web1, web2\n");
  expect((await type("trust", "web1,,db1")).status).toBe(2);
  // A path may hold a comma: it is no list.
  const kept = await type("secret", "rm", "--key", "/nowhere/a,b");
  expect(kept.stderr).not.toContain("==>");
});

test("the members of a group are listed, those among them that no file names", async () => {
  const { stdout } = await type("hosts", "@web", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ members: ["web1", "gone", "web2"] });
  expect(JSON.parse((await type("hosts", "--json")).stdout)).toMatchObject({ members: null });
});

test("a host that was added connects, and one that was proposed once it is enabled", async () => {
  const at = ["--host", "127.0.0.1", "-p", String(sshd.port), "--user", sshd.user, "--set", "HostKeyAlias=web1"];
  expect((await type("hosts", "add", "own", ...at)).status).toBe(0);
  expect((await type("exec", "own", "echo", "here")).stdout).toBe("here\n");
  const proposed = { name: "theirs", host: "127.0.0.1", user: sshd.user, port: sshd.port };
  expect((await agent.call("ssh_host_add", proposed)).error).toBeNull();
  home.trust(sshd.knownHosts());
  expect((await type("hosts", "enable", "theirs")).status).toBe(0);
  expect((await agent.call("ssh_connect", { destination: "theirs" })).result).toMatchObject({
    name: "theirs",
    port: sshd.port,
  });
});
