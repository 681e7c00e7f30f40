/** Names of sessions and names of hosts: no session is to be taken for a host that it does not reach. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RegistryOptions, SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import type { OpenRequest } from "../../../src/core/session.ts";
import { hashHostName } from "../../../src/ssh/host-keys/known-hosts-line.ts";
import type { SessionRecord } from "../../../src/store/session-record.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { callOf, cli, hour, model, named, namesOf, requestFor, run, testClock } from "./sessions.ts";

setDefaultTimeout(30_000);

const { HOME } = process.env;
let key: KeyPair;
let user: TemporaryUser;
let sshd: Sshd;
let other: Sshd;
let home: string;
let registry: SessionRegistry;
let clock: ReturnType<typeof testClock>;
let records: Map<string, SessionRecord>;

const options = (): Partial<RegistryOptions> => ({
  clock,
  resolves: async (host) => host === "resolved",
  restored: [...records.values()],
  store: {
    write: async (record) => void records.set(record.name, record),
    remove: async (name) => void records.delete(name),
  },
});

beforeAll(async () => {
  key = await makeKey();
  user = await makeUser({ shell: "/bin/sh" });
  sshd = await startSshd({ authorizedKeys: [key.line] });
  other = await startSshd({ authorizedKeys: [key.line] });
});
beforeEach(() => {
  home = tempDir("home");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  process.env["HOME"] = home;
  clock = testClock();
  records = new Map();
  registry = new SessionRegistry(options());
});
afterEach(async () => {
  process.env["HOME"] = HOME;
  await registry.closeAll();
});
afterAll(cleanup);

const agent = () => callOf({ caller: model() });
const request = (extra: Partial<OpenRequest> = {}): OpenRequest =>
  requestFor(`${user.name}@127.0.0.1:${sshd.port}`, { configFile: null, identityFiles: [key.path], ...extra });
const write = (name: string, text: string): void => writeFileSync(join(home, ".ssh", name), text, { mode: 0o600 });
const host = (alias: string, { port }: Sshd): string =>
  `Host ${alias}\n  HostName 127.0.0.1\n  Port ${port}\n  User ${user.name}\n  IdentityFile ${key.path}\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n`;
const portOf = async (name: string, call = callOf()): Promise<number> =>
  Number((await run(registry, named(name), "echo $SSH_CONNECTION", call)).stdout.trim().split(" ")[3]);
const refused = (name: string) => ({
  code: "ALREADY_EXISTS",
  message: `the name ${name} stands for another host`,
});

describe("a host's name as it was typed", () => {
  test("is no session's that reaches the host on another port or as another user", async () => {
    expect((await run(registry, request(), "true")).name).toBe("127.0.0.1-2");
    const onLocalhost = request({ destination: `${user.name}@localhost:${sshd.port}` });
    expect((await registry.open(onLocalhost, agent())).info.name).toBe("localhost-2");
    for (const call of [callOf(), agent()]) {
      const taken = registry.open(request({ name: "127.0.0.1", fresh: true }), call);
      await expect(taken).rejects.toMatchObject(refused("127.0.0.1"));
    }
  });

  test("is found also where ssh_config sends every name to one host", async () => {
    write("config", "HostName 127.0.0.1\n");
    write("known_hosts", `127.0.0.1 ${key.line}\n`);
    const opened = await registry.open(request({ destination: `${user.name}@web:${sshd.port}` }), callOf());
    expect(opened.info).toMatchObject({ name: "web-2", host: "127.0.0.1" });
    expect((await run(registry, named("web-2"), "echo in")).stdout).toBe("in\n");
  });

  test("is the session's that is what the name alone means", async () => {
    write("config", `Match host 127.0.0.1\n  Port ${sshd.port}\n  User ${user.name}\n`);
    const opened = await registry.open(request({ destination: "127.0.0.1" }), callOf());
    expect(opened.info).toMatchObject({ name: "127.0.0.1", port: sshd.port });
    expect((await registry.open(request({ port: other.port }), callOf())).info.name).toBe("127.0.0.1-2");
  });
});

test("a hint for a person has the name only where the destination alone would lead to another session", async () => {
  const stranger = await makeKey();
  const { destination } = request();
  const failing = (extra: Partial<OpenRequest>) =>
    registry
      .open(request({ configFile: null, identityFiles: [stranger.path], ...extra }), callOf())
      .catch((e) => e.hint);
  const options = request()
    .options.map((option) => `-o '${option}'`)
    .join(" ");
  const command = `-i ${stranger.path} ${options} ${destination}`;
  expect(await failing({})).toBe(`ssh-mcp connect ${command}`);
  expect(await failing({ fresh: true })).toBe(`ssh-mcp connect --name 127.0.0.1-2 ${command}`);
  expect(await failing({ name: "mine" })).toBe(`ssh-mcp connect --name mine ${command}`);
});

describe("a chosen name", () => {
  test.each(["prodport", "hashed", "like-prodport"])(
    "cannot be %s, which known_hosts knows on some port",
    async (name) => {
      const salted = (text: string): string => hashHostName(text, new Uint8Array(20).fill(3));
      const entries = ["[prodport]:2222", salted("hashed"), salted("[like-prodport]:2222")];
      write("known_hosts", entries.map((hosts) => `${hosts} ${key.line}\n`).join(""));
      const naming = registry.open(request({ name, options: ["StrictHostKeyChecking=no"] }), callOf());
      await expect(naming).rejects.toMatchObject(refused(name));
    },
  );

  test("is looked up when a model chooses it, and only then", async () => {
    await expect(registry.open(request({ name: "resolved" }), agent())).rejects.toMatchObject(refused("resolved"));
    expect((await registry.open(request({ name: "unknown" }), agent())).info.name).toBe("unknown");
    expect((await registry.open(request({ name: "resolved" }), callOf())).info.name).toBe("resolved");
  });
});

describe("a name that ssh_config comes to give to a host", () => {
  test("leads to that host, and not to the session that had it before", async () => {
    write("config", "");
    await registry.open(request({ name: "newalias" }), agent());
    expect(await portOf("newalias")).toBe(sshd.port);
    write("config", host("newalias", other));
    for (const call of [callOf(), agent()]) expect(await portOf("newalias", call)).toBe(other.port);
    const planted = registry.list(cli).find(({ name }) => name === "newalias");
    expect(planted).toMatchObject({ port: sshd.port, openedBy: { face: "mcp" } });
    write("config", host("unrelated", other));
    expect(await portOf("newalias")).toBe(sshd.port);
  });

  test.each(["is not connected", "was opened by an earlier broker"])("does so when the session %s", async (which) => {
    await registry.open(request({ name: "newalias" }), agent());
    if (which === "is not connected") clock.pass(hour);
    else {
      await registry.closeAll();
      registry = new SessionRegistry(options());
    }
    expect(registry.list(cli)).toMatchObject([{ name: "newalias", state: "cached" }]);
    write("config", host("newalias", other));
    const call = callOf();
    expect(await portOf("newalias", call)).toBe(other.port);
    expect([namesOf(registry), call.notices]).toEqual([["newalias", "newalias-2"], []]);
  });

  test("leads to another one when the alias is edited: a live session leaves the name to a new one, a cached one follows it", async () => {
    write("config", host("e", sshd));
    await registry.open(
      { ...named("e"), ...{ name: null, title: null, ttlMs: null, lent: true, fresh: false } },
      callOf(),
    );
    expect(await portOf("e")).toBe(sshd.port);
    write("config", host("e", other));
    expect(await portOf("e")).toBe(other.port);
    expect(namesOf(registry)).toEqual(["e", "e-2"]);
    await registry.close(["e-2"], cli);
    clock.pass(hour);
    const call = callOf();
    expect(await portOf("e", call)).toBe(other.port);
    const place = `${user.name}@127.0.0.1 port`;
    expect(call.notices).toEqual([`e now leads to ${place} ${other.port}; it was ${place} ${sshd.port}`]);
    expect(namesOf(registry)).toEqual(["e"]);
  });

  test("is looked for by a look at the files alone: they are read when they changed", async () => {
    write("config", "");
    await registry.open(request({ name: "mine" }), callOf());
    expect(await portOf("mine")).toBe(sshd.port);
    const call = callOf();
    const asked: string[] = [];
    const variables = async (names: readonly string[]) => {
      asked.push(...names);
      return {};
    };
    write("config", `Host *\n  IdentityFile \${SSH_MCP_TEST_KEYS}/none\n`);
    const failed = run(registry, named("mine"), "true", callOf({ variables }));
    await expect(failed).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(asked.length).toBeGreaterThan(0);
    write("config", "Host other\n");
    expect(await portOf("mine", call)).toBe(sshd.port);
  });
});
