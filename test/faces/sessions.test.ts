/** The life of sessions as a model sees it, through the compiled binary: opened, found again, used, counted, closed. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { cleanup } from "../support/cleanup.ts";
import { isAlive } from "../support/processes.ts";
import { startProxy, type TcpProxy } from "../support/proxy.ts";
import { type Sshd, startSshd } from "../support/sshd.ts";
import { makeUser, type TemporaryUser } from "../support/users.ts";
import { waitFor } from "../support/wait.ts";
import { type Agent, startAgent } from "./agent.ts";
import { type Home, makeHome } from "./home.ts";
import { marked, nextMark } from "./marks.ts";

afterAll(cleanup);

let home: Home;
let user: TemporaryUser;
let sshd: Sshd;
let proxy: TcpProxy;
let agent: Agent;
/** The same server: directly, through the proxy, and as its superuser. */
let at: string;
let proxied: string;
let asRoot: string;

beforeAll(async () => {
  home = await makeHome();
  user = await makeUser({ shell: "/bin/sh" });
  sshd = await startSshd({ authorizedKeys: [home.key.line] });
  proxy = await startProxy(sshd);
  home.trust(sshd.knownHosts(), sshd.knownHosts().replaceAll(String(sshd.port), String(proxy.port)));
  home.configure(`Host box\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${user.name}\n`);
  at = `${user.name}@127.0.0.1:${sshd.port}`;
  proxied = `${user.name}@127.0.0.1:${proxy.port}`;
  asRoot = `${sshd.user}@127.0.0.1:${sshd.port}`;
  agent = await startAgent(home.path);
}, 30_000);

afterEach(async () => {
  await agent.call("ssh_disconnect", { all: true });
});

const connect = (input: Record<string, unknown>) => agent.call("ssh_connect", input);
const exec = (target: string, command: string) => agent.call("ssh_exec", { target, command });

interface Row extends Record<string, unknown> {
  name: string;
}

const list = async (): Promise<Row[]> => (await agent.call("ssh_sessions")).result?.["sessions"] as Row[];
const names = async (): Promise<string[]> => (await list()).map(({ name }) => name);
const logins = (): number => sshd.log().split("Accepted publickey").length - 1;

describe("ssh_connect", () => {
  test("opens a session with a name, a title and a time to live, and ssh_sessions shows it", async () => {
    const { result, text } = await connect({ destination: at, name: "web", title: "the web", ttl: 60 });
    expect(result).toMatchObject({
      ...{ name: "web", destination: at, host: "127.0.0.1", port: sshd.port, user: user.name, state: "live" },
      ...{ title: "the web", reused: false, authMethod: "publickey", hostKey: sshd.hostKeys[0]?.fingerprint },
    });
    const life = Date.parse(String(result?.["expiresAt"])) - Date.parse(String(result?.["createdAt"]));
    expect(life).toBeGreaterThanOrEqual(60_000);
    expect(life).toBeLessThan(80_000);
    expect(text).toStartWith("opened web: ");

    const [row, ...more] = await list();
    expect(more).toEqual([]);
    expect(row).toMatchObject({
      ...{ name: "web", destination: at, host: "127.0.0.1", port: sshd.port, user: user.name, state: "live" },
      ...{ title: "the web", running: 0, lent: true, needsPerson: false },
      openedBy: { face: "mcp", client: "test 1.0.0" },
    });
    const { ageMs, idleMs, expiresInMs } = row as unknown as Record<string, number>;
    expect(ageMs).toBeGreaterThanOrEqual(idleMs ?? Number.NaN);
    // Two clocks are read one after the other: what lies between is none of the promise.
    expect(Math.abs((idleMs ?? 0) + (expiresInMs ?? 0) - 60_000)).toBeLessThan(1000);
  });

  test("returns the same session the second time, without another login", async () => {
    const before = logins();
    const first = await connect({ destination: at, name: "web" });
    const second = await connect({ destination: at, name: "web" });
    const unnamed = await connect({ destination: at });
    expect([first, second, unnamed].map(({ result }) => result?.["reused"])).toEqual([false, true, true]);
    for (const again of [second, unnamed]) {
      expect(again.result).toMatchObject({ name: "web", createdAt: first.result?.["createdAt"] });
      expect(again.text).toStartWith("reused web: ");
    }
    expect(logins() - before).toBe(1);
    expect(await names()).toEqual(["web"]);
  });

  test("that comes eight times at once logs in once", async () => {
    const before = logins();
    const answers = await Promise.all(Array.from({ length: 8 }, () => connect({ destination: at })));
    expect(answers.map(({ result }) => result?.["name"])).toEqual(Array.from({ length: 8 }, () => "127.0.0.1-2"));
    expect(logins() - before).toBe(1);
    expect(await names()).toEqual(["127.0.0.1-2"]);
  });

  test("gives two names to one destination, each a session of its own", async () => {
    await connect({ destination: at, name: "one" });
    const { result } = await connect({ destination: at, name: "two" });
    expect(result).toMatchObject({ name: "two", reused: false });
    expect(await names()).toEqual(["one", "two"]);
    const [one, two] = [await exec("one", "echo $PPID"), await exec("two", "echo $PPID")];
    expect([one.result?.["target"], two.result?.["target"]]).toEqual(["one", "two"]);
    expect(one.result?.["stdout"]).not.toBe(two.result?.["stdout"]);
    expect((await agent.call("ssh_disconnect", { targets: ["one"] })).result).toEqual({ closed: ["one"] });
    expect((await exec("two", "echo still here")).result).toMatchObject({ stdout: "still here\n" });
  });

  test("refuses a name that another connection has, which goes on", async () => {
    await connect({ destination: at, name: "web" });
    const before = logins();
    const { error } = await connect({ destination: asRoot, name: "web" });
    expect(error).toMatchObject({
      code: "ALREADY_EXISTS",
      hint: 'ssh_disconnect {"targets":["web"]}',
      retryable: false,
    });
    expect(logins()).toBe(before);
    expect((await exec("web", "id -un")).result).toMatchObject({ stdout: `${user.name}\n` });
  });

  test("that fails leaves no session and no name behind", async () => {
    const { error } = await connect({ destination: `nobody-here@127.0.0.1:${sshd.port}`, name: "web" });
    expect(error?.code).toBe("AUTH_FAILED");
    expect(await names()).toEqual([]);
    expect((await connect({ destination: at, name: "web" })).result).toMatchObject({ name: "web", reused: false });
  });
});

describe("ssh_exec", () => {
  test("runs by the session's name and by its destination, on the same connection", async () => {
    await connect({ destination: at, name: "web" });
    const answers = [await exec("web", "echo $PPID"), await exec(at, "echo $PPID")];
    expect(answers.map(({ result }) => result?.["target"])).toEqual(["web", "web"]);
    expect(new Set(answers.map(({ result }) => result?.["stdout"])).size).toBe(1);
  });

  test("opens a session by itself, named after what was typed, and finds it again", async () => {
    const before = logins();
    expect((await exec("box", "id -un")).result).toMatchObject({ target: "box", stdout: `${user.name}\n` });
    expect((await exec("box", "true")).result).toMatchObject({ target: "box" });
    expect(logins() - before).toBe(1);
    expect(await list()).toMatchObject([{ name: "box", destination: "box", state: "live", title: null, lent: true }]);
  });

  test("numbers the second of two sessions with the same host", async () => {
    expect((await exec(at, "id -un")).result).toMatchObject({ target: "127.0.0.1-2", stdout: `${user.name}\n` });
    expect((await exec(asRoot, "id -u")).result).toMatchObject({ target: "127.0.0.1-3", stdout: "0\n" });
    expect((await exec("127.0.0.1-3", "id -u")).result).toMatchObject({ stdout: "0\n" });
    expect(await names()).toEqual(["127.0.0.1-2", "127.0.0.1-3"]);
  });

  test("is counted while it runs, and keeps the session from being idle", async () => {
    const mark = nextMark();
    await connect({ destination: at, name: "web" });
    const running = exec("web", `sleep ${mark}`);
    await waitFor(() => marked(mark).length > 0, { what: "the command" });
    expect(await list()).toMatchObject([{ name: "web", running: 1, idleMs: 0 }]);
    await agent.call("ssh_disconnect", { targets: ["web"] });
    await running;
  });

  test("dials again by itself when the connection was lost meanwhile", async () => {
    await connect({ destination: proxied, name: "web" });
    proxy.cut("reset");
    await waitFor(async () => (await list())[0]?.["state"] === "lost", { what: "the loss to be noticed" });
    expect((await exec("web", "echo back")).result).toMatchObject({ target: "web", stdout: "back\n" });
    expect(await list()).toMatchObject([{ name: "web", state: "live" }]);
  });

  test("dials again by itself when the session's time was over", async () => {
    await connect({ destination: at, name: "web", ttl: 0.2 });
    await waitFor(async () => (await list())[0]?.["state"] === "cached", { what: "the session to expire" });
    expect(await list()).toMatchObject([{ name: "web", expiresInMs: null }]);
    expect((await exec("web", "echo back")).result).toMatchObject({ target: "web", stdout: "back\n" });
  });
});

describe("ssh_disconnect", () => {
  test("stops what runs on the session, and says so to whoever waits for it", async () => {
    const mark = nextMark();
    await connect({ destination: at, name: "web" });
    const running = exec("web", `sleep ${mark} & sleep ${mark}`);
    await waitFor(() => marked(mark).length > 0, { what: "the command" });
    expect((await agent.call("ssh_disconnect", { targets: ["web"] })).result).toEqual({ closed: ["web"] });
    expect(marked(mark)).toEqual([]);
    const { isError, text, result } = await running;
    expect(result).toMatchObject({ target: "web", outcome: "canceled", stopped: "confirmed", exitCode: null });
    expect(isError).toBe(true);
    expect(text).toStartWith("CANCELED: ");
    expect(await names()).toEqual([]);
  });

  test("closes the connection, and frees the name for another server", async () => {
    await connect({ destination: at, name: "web" });
    const login = Number((await exec("web", "echo $PPID")).result?.["stdout"]);
    expect(isAlive(login)).toBe(true);
    await agent.call("ssh_disconnect", { targets: ["web"] });
    await waitFor(() => !isAlive(login), { what: "the server's process to end" });
    const { result } = await connect({ destination: asRoot, name: "web" });
    expect(result).toMatchObject({ name: "web", user: sshd.user, reused: false });
  });

  test("names what it closed, and passes over what is not open", async () => {
    await connect({ destination: at, name: "one" });
    await connect({ destination: at, name: "two" });
    const { result, text } = await agent.call("ssh_disconnect", { targets: ["two", "no-such", "two", at] });
    expect(result).toEqual({ closed: ["two"] });
    expect(text).toBe("closed two");
    expect((await agent.call("ssh_disconnect", { all: true })).result).toEqual({ closed: ["one"] });
    expect((await agent.call("ssh_disconnect", { all: true })).result).toEqual({ closed: [] });
  });
});
