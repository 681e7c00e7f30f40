/** Sessions through jump hosts: ProxyJump and -J, against real servers. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { appendFileSync, writeFileSync } from "node:fs";
import { planDial } from "../../../src/broker/logins/dial-plan.ts";
import { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import { jumpOption } from "../../../src/core/jump.ts";
import { cleanup } from "../../support/cleanup.ts";
import { runCommand } from "../../support/command.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { makeKey } from "../../support/keys.ts";
import { listen } from "../../support/listener.ts";
import { descendantsOf, signal } from "../../support/processes.ts";
import { startProxy } from "../../support/proxy.ts";
import { waitFor, within } from "../../support/wait.ts";
import { callOf, cli, model, named, namesOf, Person, run } from "../sessions/sessions.ts";
import { connections, type JumpHost, logins, SshConfig, startJumpHost } from "./world.ts";

setDefaultTimeout(30_000);

let first: JumpHost;
let second: JumpHost;
let target: JumpHost;
let config: SshConfig;
let registry: SessionRegistry;

beforeAll(async () => {
  [first, second, target] = await Promise.all([startJumpHost(), startJumpHost(), startJumpHost()]);
});
beforeEach(() => {
  config = new SshConfig();
  registry = new SessionRegistry();
});
afterEach(async () => {
  await registry.closeAll();
});
afterAll(cleanup);

/** `db` through `inner`, and that one through `outer`. */
const chain = (): void =>
  config.write({
    outer: { server: first },
    inner: { server: second, lines: ["ProxyJump outer"] },
    db: { server: target, lines: ["ProxyJump inner"] },
  });

const portOf = async (destination: string, extra = {}): Promise<number> =>
  Number((await run(registry, config.request(destination, extra), "echo $SSH_CONNECTION")).stdout.split(" ")[3]);

/** Processes that serve logins now. */
const servingOf = (server: JumpHost): number => descendantsOf(server.pid).length;

describe("a chain of two", () => {
  test("leads through both, each with its own user, key, port and host key; closing ends all of it", async () => {
    chain();
    const before = [first, second, target].map(logins);
    expect(await portOf("db")).toBe(target.port);
    expect([first, second, target].map(logins)).toEqual(before.map((count) => count + 1));
    expect(registry.list(cli)).toMatchObject([{ name: "db", host: "127.0.0.1", port: target.port, state: "live" }]);
    // Nothing but the way was asked of them.
    for (const hop of [first, second]) expect(hop.log()).not.toMatch(/Starting session/);
    await registry.close("all", cli);
    await waitFor(() => [first, second, target].every((server) => servingOf(server) === 0), {
      what: "the servers' rest",
    });
  });

  test("-J says the same, for a destination that no file knows", async () => {
    config.write({ outer: { server: first }, inner: { server: second }, db: { server: target } });
    const before = [first, second].map(logins);
    expect(await portOf("db", { options: [jumpOption("outer,inner")] })).toBe(target.port);
    expect([first, second].map(logins)).toEqual(before.map((count) => count + 1));
  });

  test("hints have the whole way: the destination's own, and for each hop the part that leads to it", async () => {
    config.write({ outer: { server: first }, inner: { server: second }, db: { server: target } });
    const plan = await planDial(config.request("db", { options: [jumpOption("outer,inner")] }), callOf());
    const to = `ssh-mcp connect -F ${config.path}`;
    expect([plan.connectCommand, plan.via?.ownCommand, plan.via?.via?.ownCommand]).toEqual([
      `${to} -J outer,inner db`,
      `${to} -J outer inner`,
      `${to} outer`,
    ]);
    expect(plan.via?.connectCommand).toBe(plan.connectCommand);
  });

  test("options of the request reach no hop, and the rest of the chain comes before a hop's own ProxyJump", async () => {
    config.write({
      outer: { server: first },
      // Not looked at: the chain says how it is reached.
      inner: { server: second, lines: ["ProxyJump nowhere.invalid"] },
      db: { server: target, lines: ["ProxyJump outer,inner"] },
    });
    expect(await portOf("db", { options: ["ServerAliveInterval=7", `User=${target.user}`] })).toBe(target.port);
  });

  test("carries 64 MiB both ways as they are", async () => {
    chain();
    const megabytes = 64;
    const ran = await run(registry, config.request("db"), `head -c ${megabytes}M /dev/zero | tr '\\0' x`);
    expect(ran.stdoutBytes).toBe(megabytes * 1024 * 1024);
    expect(ran).toMatchObject({ exitCode: 0 });
  });
});

test("a hop that dies ends what goes through it, by name; what ran there is unknown", async () => {
  const proxy = await startProxy(first);
  config.write({
    outer: { server: first, port: proxy.port },
    db: { server: target, lines: ["ProxyJump outer"] },
  });
  let ready = false;
  const session = await registry.use(config.request("db"), callOf());
  const running = session.exec(
    {
      command: "echo ready; sleep 600",
      stdin: (async function* () {})(),
      stdout: {
        write: async () => {
          ready = true;
        },
      },
      stderr: { write: async () => {} },
      timeoutMs: null,
    },
    callOf(),
  );
  await waitFor(() => ready, { what: "the command" });
  proxy.cut("reset");
  const result = await within(running, { what: "the outcome", timeout: 5000 });
  expect(result).toMatchObject({ outcome: "unknown", exitCode: null });
  expect(result.reason).toContain("the jump host outer was lost");
  expect(registry.list(cli)).toMatchObject([{ name: "db", state: "lost" }]);
  await waitFor(() => servingOf(target) === 0, { what: "the server to notice" });
  // The next use goes all the way again.
  expect(await portOf("db")).toBe(target.port);
});

test("a server that dies behind a hop takes the hop's connection with it", async () => {
  config.write({ outer: { server: first }, db: { server: target, lines: ["ProxyJump outer"] } });
  const ready = Promise.withResolvers<void>();
  const running = run(registry, config.request("db"), "echo ready; sleep 600", callOf(), ready.resolve);
  await ready.promise;
  const sessions = descendantsOf(target.pid);
  for (const pid of sessions) signal(pid, "SIGKILL");
  expect(await within(running, { what: "the outcome", timeout: 5000 })).toMatchObject({
    outcome: "unknown",
    reason: expect.stringContaining(`127.0.0.1 port ${target.port}`),
  });
  await waitFor(() => servingOf(first) === 0, { what: "the hop to be let go" });
});

test("Dropbear is a jump host like any other", async () => {
  const key = await makeKey();
  const dropbear = await startDropbear({ authorizedKeys: [key.line] });
  config.write({ db: { server: target, lines: ["ProxyJump small"] } });
  appendFileSync(
    config.path,
    `Host small\n  HostName 127.0.0.1\n  Port ${dropbear.port}\n  User ${dropbear.user}\n  IdentityFile ${key.path}\n  IdentitiesOnly yes\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n`,
  );
  const ran = await run(registry, config.request("db"), "head -c 8M /dev/zero");
  expect(ran).toMatchObject({ stdoutBytes: 8 * 1024 * 1024, exitCode: 0 });
});

describe("what a hop refuses is said of the hop", () => {
  const refused = async (
    destination: string,
    call = callOf(),
  ): Promise<{ code: string; message: string; hint: string }> =>
    registry.use(config.request(destination), call).then(
      () => {
        throw new Error("it connected");
      },
      (error) => error,
    );

  test("its host key is not known", async () => {
    chain();
    writeFileSync(
      config.knownHosts,
      second.hostKeys.map(({ line }) => `[127.0.0.1]:${second.port} ${line}\n`).join(""),
    );
    const before = connections(target);
    const error = await refused("db");
    expect(error).toMatchObject({
      code: "HOST_KEY_UNKNOWN",
      message: expect.stringMatching(/^outer: the host key of 127\.0\.0\.1 port \d+ is not known/),
    });
    expect(error.hint).toMatch(/ outer$/);
    expect(error.hint).not.toContain("--name");
    expect(connections(target)).toBe(before);
  });

  test("its login fails; a model's next attempt is told so without one", async () => {
    config.write({
      outer: { server: { ...first, key: second.key } },
      db: { server: target, lines: ["ProxyJump outer"] },
    });
    const error = await refused("db", callOf({ caller: model() }));
    expect(error).toMatchObject({ code: "AUTH_FAILED", message: expect.stringMatching(/^outer: /) });
    expect(error.hint).toBe(`ssh-mcp connect -F ${config.path} outer`);
    const before = connections(first);
    expect(await refused("db", callOf({ caller: model() }))).toMatchObject({
      code: "AUTH_FAILED",
      message: expect.stringMatching(/^outer: .*an agent may try again in/),
    });
    expect(connections(first)).toBe(before);
  });

  test("what it asks is asked on the way, and makes the session one that needs a person", async () => {
    const sealed = await makeKey({ passphrase: "sesame", rounds: 1 });
    first.authorize(sealed.line);
    config.write({ outer: { server: { ...first, key: sealed } }, db: { server: target, lines: ["ProxyJump outer"] } });
    const error = await refused("db", callOf({ caller: model() }));
    expect(error).toMatchObject({
      code: "AUTH_REQUIRED",
      message: expect.stringMatching(/^outer: logging in to outer takes the passphrase/),
      hint: `ssh-mcp connect --name db -F ${config.path} db`,
    });
    const person = new Person();
    const opening = registry.open(config.request("db", { name: "db" }), person.call());
    await person.answer("sesame");
    expect((await opening).info).toMatchObject({ name: "db", needsPerson: true });
    expect(person.shown).toHaveLength(1);
  });

  test("it says nothing: ConnectTimeout ends it, unless the request has a time of its own", async () => {
    const silent = await listen(() => {});
    const lines = ["ConnectTimeout 1"];
    config.write({
      outer: { server: first, port: silent.port, lines },
      db: { server: target, lines: ["ProxyJump outer"] },
    });
    const patient = config.request("db", { timeoutMs: null });
    await expect(registry.use(patient, callOf())).rejects.toMatchObject({
      code: "CONNECT_TIMEOUT",
      message: `outer: the SSH handshake with 127.0.0.1 port ${silent.port} was not through within 1s`,
    });
    const request = config.request("db", { timeoutMs: 200 });
    await expect(registry.use(request, callOf())).rejects.toMatchObject({
      code: "CONNECT_TIMEOUT",
      message: expect.stringContaining("within 200ms"),
    });
  });

  test("it does not forward, or cannot reach what it is to", async () => {
    const closed = await startJumpHost({ options: ["AllowTcpForwarding no"] });
    config.write({
      outer: { server: first },
      closed: { server: closed },
      db: { server: target, lines: ["ProxyJump closed"] },
      gone: { server: target, port: 1, lines: ["ProxyJump outer"] },
      nameless: { server: target, lines: ["ProxyJump outer", "HostName nowhere.invalid"] },
    });
    expect(await refused("db")).toMatchObject({
      code: "CHANNEL_REFUSED",
      message: expect.stringMatching(
        /^closed does not forward to 127\.0\.0\.1 port \d+ \(.*prohibited.*AllowTcpForwarding/,
      ),
      hint: `ssh -v -F ${config.path} -W '[127.0.0.1]:${target.port}' closed`,
    });
    expect(await refused("gone")).toMatchObject({
      code: "CONNECT_REFUSED",
      message: "outer cannot reach 127.0.0.1 port 1: Connection refused",
    });
    expect(await refused("nameless")).toMatchObject({
      message: expect.stringContaining("outer cannot reach nowhere.invalid"),
    });
    for (const server of [closed, first]) await waitFor(() => servingOf(server) === 0, { what: "no hop to stay" });
  });
});

test("a login that is canceled on any hop leaves nothing connected", async () => {
  for (const slow of [first, second, target]) {
    const proxy = await startProxy(slow);
    const at = (server: JumpHost) => ({ server, port: server === slow ? proxy.port : server.port });
    config.write({
      outer: at(first),
      inner: { ...at(second), lines: ["ProxyJump outer"] },
      db: { ...at(target), lines: ["ProxyJump inner"] },
    });
    proxy.freeze();
    const call = callOf();
    const opening = registry.use(config.request("db"), call);
    await waitFor(() => proxy.accepted() > 0, { what: "the frozen hop" });
    call.leave();
    await expect(opening).rejects.toMatchObject({ code: "CANCELED" });
    proxy.thaw();
    await waitFor(() => [first, second, target].every((server) => servingOf(server) === 0), {
      what: "nothing to stay",
    });
    expect(namesOf(registry)).toEqual([]);
  }
});

describe("a hop at the very address that it leads to", () => {
  /** What ssh makes of the same: whether it gets in, or what it says. */
  const sshSays = async (destination: string): Promise<string> => {
    const { status, stderr } = await runCommand(["ssh", "-F", config.path, "-o", "BatchMode=yes", destination, "true"]);
    return status === 0 ? "in" : (stderr.trim().split("\n").at(-1) ?? "");
  };
  const oursSays = (destination: string): Promise<string> =>
    registry.open(config.request(destination), callOf()).then(
      () => "in",
      (error) => error.message,
    );

  test("is another server by another name, as to ssh", async () => {
    config.write({
      outer: { server: first },
      inner: { server: first, lines: ["ProxyJump outer"] },
      db: { server: first, lines: ["ProxyJump inner"] },
      other: { server: first, lines: [`ProxyJump ${first.user}@outer:${first.port}`] },
    });
    for (const name of ["db", "other"]) {
      const before = logins(first);
      expect(await sshSays(name)).toBe("in");
      const after = logins(first);
      expect(await oursSays(name)).toBe("in");
      expect(logins(first) - after).toBe(after - before);
    }
  });

  test("is a loop when it is written so, as to ssh", async () => {
    const here = `127.0.0.1:${first.port}`;
    const lines = (hop: string) => ({ server: first, lines: [`ProxyJump ${hop}`] });
    config.write({ plain: lines(here), user: lines(`${first.user}@${here}`), last: lines(`nowhere.invalid,${here}`) });
    const before = connections(first);
    for (const name of ["plain", "user", "last"]) {
      expect(await sshSays(name)).toStartWith("jumphost loop via 127.0.0.1");
      expect(await oursSays(name)).toEndWith("ProxyJump to 127.0.0.1 leads through the host itself");
    }
    expect(connections(first)).toBe(before);
  });

  test("is what a destination is reached through that is named twice: -J goes before its own way", async () => {
    config.write({ outer: { server: first, lines: ["ProxyJump db"] }, db: { server: target } });
    const argv = ["ssh", "-F", config.path, "-o", "BatchMode=yes", "-J", "outer", "db", "true"];
    expect((await runCommand(argv)).status).toBe(0);
    const request = config.request("db", { options: [jumpOption("outer")] });
    expect((await registry.open(request, callOf())).info.state).toBe("live");
    // Who comes to it as another user may be sent on elsewhere.
    config.write(
      { outer: { server: first, lines: ["ProxyJump db"] }, db: { server: target } },
      `Match originalhost db user ${target.user}\n  Port ${target.port}\nMatch originalhost db user other\n  ProxyJump outer\n`,
    );
    const asOther = await planDial(config.request("db", { user: "other" }), callOf());
    expect(asOther.via?.via?.destination).toBe("db");
    expect(asOther.via?.via?.via).toBeNull();
  });
});

describe("refused before anything is dialled", () => {
  const hosts = () => [first, second, target].map(connections);

  test.each<[string, string, RegExp]>([
    ["itself", "db", /reached through itself: db through db$/],
    ["a loop of three", "a", /reached through itself: a through b through c through a$/],
    ["a hop that loops", "d", /reached through itself: d through a through b through c through a$/],
    ["a loop at one address", "x", /reached through itself: x through y through z through x$/],
    ["with a user that changes nothing", "u", /reached through itself: u through \S+@u through \S+@u$/],
  ])("%s", async (_what, destination, message) => {
    config.write({
      db: { server: target, lines: ["ProxyJump db"] },
      a: { server: first, lines: ["ProxyJump b"] },
      b: { server: second, lines: ["ProxyJump c"] },
      c: { server: target, lines: ["ProxyJump a"] },
      d: { server: target, port: 1, lines: ["ProxyJump a"] },
      x: { server: first, lines: ["ProxyJump y"] },
      y: { server: first, lines: ["ProxyJump z"] },
      z: { server: first, lines: ["ProxyJump x"] },
      u: { server: first, lines: [`ProxyJump ${first.user}@u`] },
    });
    const before = hosts();
    await expect(registry.use(config.request(destination), callOf())).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(message),
    });
    expect(hosts()).toEqual(before);
  });

  test("a chain that does not end", async () => {
    const hops = Array.from({ length: 20 }, (_, index) => `host${index}`).join(",");
    config.write({ db: { server: target, lines: [`ProxyJump ${hops}`] } });
    await expect(registry.use(config.request("db"), callOf())).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("there are more than 16 jump hosts"),
    });
  });

  test.each(["none", "NONE", "host", "u@host:2222", "[::1]:22,::1", "ssh://u@host:22,gw"])("but not %s", (hops) => {
    expect(jumpOption(hops)).toBe(`ProxyJump=${hops}`);
  });

  test.each(["$(touch /tmp/x)", "-oProxyCommand=id", "a\nb", "u:secret@host", "host:99999", "a,,b", "`id`", ""])(
    "the jump host %j",
    (hops) => {
      expect(() => jumpOption(hops)).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
      expect(() => jumpOption(`good,${hops}`)).toThrow(expect.not.stringContaining("secret"));
    },
  );
});

describe("names", () => {
  test("what is behind a jump host is not what has the same address here", async () => {
    config.write({ outer: { server: first } });
    const options = [
      `User=${target.user}`,
      `IdentityFile=${target.key.path}`,
      "StrictHostKeyChecking=no",
      "UserKnownHostsFile=/dev/null",
    ];
    const direct = config.request(`127.0.0.1:${target.port}`, { options });
    const through = config.request(`127.0.0.1:${target.port}`, { options: [jumpOption("outer"), ...options] });
    const far = await registry.open(through, callOf());
    const near = await registry.open(direct, callOf());
    expect([far.reused, near.reused]).toEqual([false, false]);
    expect(far.info.name).not.toBe(near.info.name);
    // Named by its address, no session behind a jump host answers.
    const claim = registry.open({ ...through, name: "127.0.0.1", fresh: true }, callOf());
    await expect(claim).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    expect(await registry.open(through, callOf())).toMatchObject({ reused: true, info: { name: far.info.name } });
    expect((await run(registry, named(far.info.name), "true")).name).toBe(far.info.name);
  });

  test("an alias whose way is changed is another session from then on", async () => {
    config.write({ outer: { server: first }, db: { server: target } });
    expect((await registry.open(config.request("db"), callOf())).info.name).toBe("db");
    config.write({ outer: { server: first }, db: { server: target, lines: ["ProxyJump outer"] } });
    const before = logins(first);
    expect((await run(registry, config.request("db"), "true")).name).toBe("db-2");
    expect(logins(first)).toBe(before + 1);
  });
});
