/** Sessions and ssh_config: what a name or a destination means, now and after the file was edited. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { appendFileSync, mkdirSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import type { OpenRequest } from "../../../src/core/session.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { startProxy } from "../../support/proxy.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";
import { callOf, cli, model, named, namesOf, requestFor, run } from "./sessions.ts";

setDefaultTimeout(30_000);

let key: KeyPair;
let user: TemporaryUser;
let sshd: Sshd;
let other: Sshd;
let config: string;
let registry: SessionRegistry;

beforeAll(async () => {
  key = await makeKey();
  user = await makeUser({ shell: "/bin/sh" });
  sshd = await startSshd({ authorizedKeys: [key.line] });
  other = await startSshd({ authorizedKeys: [key.line] });
});
beforeEach(() => {
  config = join(tempDir("config"), "config");
  registry = new SessionRegistry();
});
afterEach(async () => {
  delete process.env["SSH_MCP_TEST_KEYS"];
  await registry.closeAll();
});
afterAll(cleanup);

interface Host {
  port?: number;
  user?: string;
  identityFile?: string;
}

const configure = (hosts: Readonly<Record<string, Host>>): void => {
  const blocks = Object.entries(hosts).map(
    ([alias, host]) =>
      `Host ${alias}\n  HostName 127.0.0.1\n  Port ${host.port ?? sshd.port}\n  User ${host.user ?? user.name}\n  IdentityFile ${host.identityFile ?? key.path}\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n`,
  );
  writeFileSync(config, blocks.join(""), { mode: 0o600 });
};
const at = (destination: string, extra: Partial<OpenRequest> = {}): OpenRequest =>
  requestFor(destination, { configFile: config, options: [], ...extra });
const logins = (server = sshd): number => server.log().split("Accepted publickey").length - 1;
const portOf = async (target: OpenRequest | ReturnType<typeof named>, call = callOf()): Promise<number> =>
  Number((await run(registry, target, "echo $SSH_CONNECTION", call)).stdout.trim().split(" ")[3]);

describe("variables", () => {
  const inOwnFolder = `\${SSH_MCP_TEST_KEYS}/id_ed25519`;
  const keys = () => key.path.slice(0, key.path.lastIndexOf("/"));

  test("are the caller's: asked for by name, at each login anew, and for nothing else", async () => {
    configure({ web: { identityFile: inOwnFolder } });
    process.env["SSH_MCP_TEST_KEYS"] = keys();
    const unset = run(registry, at("web"), "true");
    await expect(unset).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("SSH_MCP_TEST_KEYS is not set"),
    });
    const asked: string[][] = [];
    const variables = async (names: readonly string[]) => {
      asked.push([...names]);
      return { SSH_MCP_TEST_KEYS: keys(), OTHER: "not asked for" };
    };
    await registry.open(at("web", { ttlMs: 50 }), callOf({ variables }));
    expect(asked).toEqual([["SSH_MCP_TEST_KEYS"]]);
    await waitFor(() => registry.list(cli)[0]?.state === "cached", { what: "the end of the idle time" });
    await expect(run(registry, named("web"), "true")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(await run(registry, named("web"), "echo in", callOf({ variables }))).toMatchObject({ stdout: "in\n" });
    expect(asked).toHaveLength(2);
  });

  test("in a key file that a person names are kept as names; an agent names files alone", async () => {
    configure({ web: {} });
    const variables = async () => ({ SSH_MCP_TEST_KEYS: keys() });
    const written: string[] = [];
    const store = {
      write: async (record: object) => void written.push(JSON.stringify(record)),
      remove: async () => {},
    };
    const recording = new SessionRegistry({ store });
    try {
      await recording.open(at("web", { identityFiles: [inOwnFolder] }), callOf({ variables }));
      expect(written.join("")).toContain(inOwnFolder);
      expect(written.join("")).not.toContain(keys());
    } finally {
      await recording.closeAll();
    }
    const never = () => Promise.reject(new Error("no variable is asked for"));
    const agents = registry.open(
      at("web", { identityFiles: [inOwnFolder] }),
      callOf({ caller: model(), variables: never }),
    );
    await expect(agents).rejects.toMatchObject({ code: "INVALID_INPUT", message: expect.not.stringContaining(keys()) });
  });

  test("that take their time keep two calls from nothing: one session, one login", async () => {
    configure({ web: { identityFile: inOwnFolder } });
    const before = logins();
    const answers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const opened = answers.map(({ promise }) => {
      const variables = async () => {
        await promise;
        return { SSH_MCP_TEST_KEYS: keys() };
      };
      return registry.open(at("web"), callOf({ variables }));
    });
    answers[1]?.resolve();
    answers[0]?.resolve();
    expect((await Promise.all(opened)).map(({ info }) => info.name)).toEqual(["web", "web"]);
    expect([namesOf(registry), logins() - before]).toEqual([["web"], 1]);
  });

  test("that never come are waited for no longer than the session is there", async () => {
    configure({ web: {} });
    await registry.open(at("web", { ttlMs: 50 }), callOf());
    await waitFor(() => registry.list(cli)[0]?.state === "cached", { what: "the end of the idle time" });
    configure({ web: { identityFile: inOwnFolder } });
    const asked = Promise.withResolvers<void>();
    const call = callOf({
      variables: () => {
        asked.resolve();
        return new Promise(() => {});
      },
    });
    const waiting = run(registry, named("web"), "true", call);
    waiting.catch(() => {});
    await asked.promise;
    await registry.close(["web"], cli);
    await expect(waiting).rejects.toMatchObject({ code: "CANCELED" });
    expect(namesOf(registry)).toEqual([]);
  });
});

describe("a session that is live", () => {
  test("is used by its name without a look at ssh_config", async () => {
    configure({ web: {} });
    await registry.open(at("web"), callOf());
    writeFileSync(config, "Host web\n  Port nonsense\n");
    const call = callOf({
      variables: () => {
        throw new Error("nothing is asked");
      },
    });
    expect(await run(registry, named("web"), "echo in", call)).toMatchObject({ stdout: "in\n" });
    unlinkSync(config);
    expect(await run(registry, named("web"), "echo in", call)).toMatchObject({ stdout: "in\n" });
  });

  test("stays what it is when its alias comes to mean another host, which has the name from then on", async () => {
    configure({ web: {} });
    await registry.open(at("web"), callOf());
    expect(await run(registry, at("web"), "true")).toMatchObject({ name: "web" });
    configure({ web: { port: other.port } });
    // Without that configuration the name is nothing but the session's.
    expect(await portOf(named("web"))).toBe(sshd.port);
    expect(await portOf(at("web"))).toBe(other.port);
    expect(await run(registry, at("web"), "true")).toMatchObject({ name: "web-2" });
    expect(registry.list(cli)).toMatchObject([
      { name: "web", port: sshd.port, state: "live" },
      { name: "web-2", port: other.port, state: "live" },
    ]);
    configure({ web: {} });
    expect(await run(registry, at("web"), "true")).toMatchObject({ name: "web" });
  });
});

describe("a session that dials again", () => {
  const expired = async (name: string) => {
    await waitFor(() => registry.list(cli).find((row) => row.name === name)?.state === "cached", {
      what: "the end of the idle time",
    });
  };

  test.each(["exec", "connect"])("by %s is what ssh_config says of it by then", async (how) => {
    configure({ web: {} });
    await registry.open(at("web", { ttlMs: 50, title: "the web" }), callOf());
    await expired("web");
    configure({ web: { port: other.port } });
    const call = callOf();
    if (how === "connect") {
      const again = await registry.open(at("web", { name: "web", ttlMs: 0 }), call);
      expect(again).toMatchObject({ reused: true, info: { name: "web", title: "the web", port: other.port } });
    }
    expect(await portOf(named("web"), call)).toBe(other.port);
    expect(call.notices).toEqual([
      `web now leads to ${user.name}@127.0.0.1 port ${other.port}; it was ${user.name}@127.0.0.1 port ${sshd.port}`,
    ]);
    expect(registry.list(cli)).toMatchObject([{ name: "web", title: "the web", port: other.port, state: "live" }]);
    // By its new identity it is found from now on.
    expect((await registry.open(at("web"), callOf())).info.name).toBe("web");
  });

  test("on its way to another host than ssh_config names by now is not joined by who names that one", async () => {
    const slow = await startProxy(sshd);
    slow.setDelay(200);
    configure({ web: { port: slow.port } });
    const first = portOf(at("web"));
    await waitFor(() => registry.busy, { what: "the login" });
    configure({ web: { port: other.port } });
    expect(await portOf(at("web"))).toBe(other.port);
    expect(await first).toBe(sshd.port);
  });

  test("for many at once does so once", async () => {
    configure({ web: {} });
    const before = logins();
    await registry.open(at("web", { ttlMs: 50 }), callOf());
    await expired("web");
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, index) => run(registry, index % 2 ? named("web") : at("web"), `echo ${index}`)),
    );
    expect(results.map(({ stdout, name }) => `${name} ${stdout}`)).toEqual(results.map((_, index) => `web ${index}\n`));
    expect(logins() - before).toBe(2);
  });
});

describe("a name", () => {
  test("is looked for a while, and no longer, where ssh_config has something to say of every name", async () => {
    configure({ web: {} });
    await registry.open(at("web"), callOf());
    appendFileSync(config, "Host web-*\n  KnownHostsCommand /bin/true\n");
    expect((await registry.open(at("web", { fresh: true }), callOf())).info.name).toBe("session");
    appendFileSync(config, "Host session*\n  KnownHostsCommand /bin/true\n");
    await expect(registry.open(at("web", { fresh: true }), callOf())).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
      message: "web, and every name like it, stands for another host",
    });
    expect((await registry.open(at("web", { fresh: true, name: "mine" }), callOf())).info.name).toBe("mine");
  });

  test("under -F is none that means another host without it", async () => {
    const { HOME } = process.env;
    const home = tempDir("home");
    mkdirSync(join(home, ".ssh"), { mode: 0o700 });
    writeFileSync(join(home, ".ssh/config"), "Host web\n  HostName web.example\n", { mode: 0o600 });
    process.env["HOME"] = home;
    try {
      configure({ web: {} });
      expect((await registry.open(at("web"), callOf())).info.name).toBe("web-2");
      await expect(registry.open(at("web", { name: "web" }), callOf())).rejects.toMatchObject({
        code: "ALREADY_EXISTS",
      });
    } finally {
      process.env["HOME"] = HOME;
    }
  });
});

describe("which session", () => {
  test("a name of one's own is a session of its own, though the server is the same", async () => {
    configure({ web: {} });
    const before = logins();
    expect((await registry.open(at("web"), callOf())).info.name).toBe("web");
    expect(await registry.open(at("web", { name: "mine" }), callOf())).toMatchObject({ reused: false });
    expect(await registry.open(at("web", { name: "mine" }), callOf())).toMatchObject({ reused: true });
    expect([namesOf(registry), logins() - before]).toEqual([["mine", "web"], 2]);
  });

  test("another is made when that is asked for, under the next free name or a given one that is free", async () => {
    configure({ web: {} });
    await registry.open(at("web"), callOf());
    const names: string[] = [];
    for (const name of [null, null, "mine"]) {
      const opened = await registry.open(at("web", { name, fresh: true }), callOf());
      expect(opened.reused).toBe(false);
      names.push(opened.info.name);
    }
    expect(names).toEqual(["web-2", "web-3", "mine"]);
    const taken = registry.open(at("web", { name: "mine", fresh: true }), callOf());
    await expect(taken).rejects.toMatchObject({ code: "ALREADY_EXISTS", hint: "ssh-mcp close mine" });
    // Both at once get names of their own.
    const both = await Promise.all([1, 2].map(() => registry.open(at("web", { fresh: true }), callOf())));
    expect(both.map(({ info }) => info.name).sort()).toEqual(["web-4", "web-5"]);
  });

  test("the same server as another user, or with another key or option, is another session", async () => {
    configure({ web: {} });
    const second = await makeKey();
    sshd.authorize(second.line);
    await registry.open(at("web"), callOf());
    const others = [{ user: sshd.user }, { identityFiles: [second.path] }, { options: ["HashKnownHosts=yes"] }];
    for (const extra of others) {
      expect(await registry.open(at("web", extra), callOf())).toMatchObject({ reused: false });
      expect(await registry.open(at("web", extra), callOf())).toMatchObject({ reused: true });
    }
    expect(namesOf(registry)).toEqual(["web", "web-2", "web-3", "web-4"]);
    // Spelled in another way it is the same: where and as whom decides.
    const spelled = at(`ssh://${user.name}@127.0.0.1:${sshd.port}`, { identityFiles: [second.path] });
    expect(await registry.open(spelled, callOf())).toMatchObject({
      reused: true,
      info: { name: "web-3" },
    });
  });

  test("flags beside a name count: what they say otherwise makes it a destination", async () => {
    configure({ web: {} });
    await registry.open(at("web"), callOf());
    const ran = async (extra: Partial<OpenRequest>) => (await run(registry, at("web", extra), "id -u")).name;
    expect(await ran({})).toBe("web");
    expect(await ran({ user: user.name, port: sshd.port })).toBe("web");
    expect(await ran({ user: sshd.user })).toBe("web-2");
    expect(await run(registry, at("web", { user: sshd.user }), "id -u")).toMatchObject({ stdout: "0\n" });
    expect(await portOf(at("web", { port: other.port }))).toBe(other.port);
  });

  test("an agent finds its own, and a lent one before it opens another", async () => {
    configure({ web: {} });
    const agent = callOf({ caller: model() });
    await run(registry, at("web"), "true");
    expect((await run(registry, at("web"), "true", agent)).name).toBe("web-2");
    await registry.close(["web-2"], cli);
    await registry.lend("web", true, callOf());
    expect((await run(registry, at("web"), "true", agent)).name).toBe("web");
    expect(await registry.open(at("web"), agent)).toMatchObject({ reused: true, info: { openedBy: { face: "cli" } } });
  });
});

test("whoever decides how long the process lives hears of every change", async () => {
  configure({ web: {} });
  const seen: string[] = [];
  const note = (): void => {
    const { liveConnections, busy, holdsPersonSession, size } = registry;
    const now = JSON.stringify({ liveConnections, busy, holdsPersonSession, size });
    if (seen.at(-1) !== now) seen.push(now);
  };
  registry.onChange = note;
  await run(registry, at("web"), "true");
  await waitFor(() => !registry.busy, { what: "the end of the call" });
  const idle = { liveConnections: 1, busy: false, holdsPersonSession: false, size: 1 };
  expect(seen.at(-1)).toBe(JSON.stringify(idle));
  expect(seen).toContain(JSON.stringify({ ...idle, liveConnections: 0, busy: true, size: 0 }));
  expect(seen).toContain(JSON.stringify({ ...idle, busy: true }));
  await registry.close("all", cli);
  expect(JSON.parse(seen.at(-1) ?? "")).toMatchObject({ liveConnections: 0, busy: false });
  await registry.closeAll();
  await expect(registry.open(at("web"), callOf())).rejects.toMatchObject({ code: "CANCELED" });
});
