/** A person's passwordCommand goes where a person said, whatever a model says beside the name: with two real servers that take a password alone. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DialPlan, planAgain, planDial } from "../../../src/broker/logins/dial-plan.ts";
import { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import type { DialRequest } from "../../../src/core/dial-request.ts";
import type { Caller } from "../../../src/core/operation.ts";
import type { OpenRequest } from "../../../src/core/session.ts";
import { SessionStore } from "../../../src/store/session-store.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { callOf, cli, model, named, requestFor, run } from "../sessions/sessions.ts";

setDefaultTimeout(30_000);

let user: TemporaryUser;
let key: KeyPair;
let sshd: Sshd;
let trap: Sshd;
let config: string;
const before = process.env["SSH_MCP_DIR"];
beforeAll(async () => {
  user = await makeUser({ shell: "/bin/sh", password: "correct horse" });
  key = await makeKey();
  const options = ["PasswordAuthentication yes", "KbdInteractiveAuthentication no"];
  sshd = await startSshd({ options: [...options, "PubkeyAuthentication no"] });
  trap = await startSshd({ options, authorizedKeys: [key.line] });
  const base = tempDir("base");
  mkdirSync(base, { recursive: true, mode: 0o700 });
  const secret = `passwordCommand = "echo correct horse"\n`;
  writeFileSync(join(base, "config.toml"), `[host.db1]\n${secret}[host.gate]\n${secret}[host."127.0.0.1"]\n${secret}`, {
    mode: 0o600,
  });
  process.env["SSH_MCP_DIR"] = base;
  config = join(tempDir("config"), "config");
  const trusting = "StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n";
  const hosts = [
    `Host db1 gate behind\n  HostName 127.0.0.1\n  User ${user.name}\n  Port ${sshd.port}\n  ${trusting}`,
    `Host behind\n  ProxyJump %r@gate\n`,
    `Host 127.0.0.1\n  ${trusting}`,
  ];
  writeFileSync(config, hosts.join(""), { mode: 0o600 });
});
afterAll(async () => {
  if (before === undefined) delete process.env["SSH_MCP_DIR"];
  else process.env["SSH_MCP_DIR"] = before;
  await cleanup();
});

const variables = async () => ({ PATH: process.env["PATH"] ?? "", SHELL: "/bin/sh" });
const call = (caller: Caller) => callOf({ caller, variables });
const asked = (destination: string, extra: Partial<OpenRequest> = {}) =>
  requestFor(destination, { configFile: config, options: [], ...extra });
/** Which servers of the way get a password of the person's own: the last one first. */
const gets = ({ settings, via }: DialPlan): boolean[] => [
  settings.passwordCommand !== null,
  ...(via === null ? [] : gets(via)),
];

describe("a plan", () => {
  const elsewhere = 1;
  test.each<{ what: string; destination: () => string; extra?: () => Partial<DialRequest>; model: boolean[] }>([
    { what: "the name alone", destination: () => "db1", model: [true] },
    { what: "the same user", destination: () => `${user.name}@db1`, model: [true] },
    { what: "the same port", destination: () => "db1", extra: () => ({ port: sshd.port }), model: [true] },
    { what: "a key beside it", destination: () => "db1", extra: () => ({ identityFiles: [key.path] }), model: [true] },
    { what: "another port", destination: () => "db1", extra: () => ({ port: elsewhere }), model: [false] },
    { what: "another user", destination: () => "db1", extra: () => ({ user: "eve" }), model: [false] },
    { what: "both in the destination", destination: () => "eve@db1:1", model: [false] },
    { what: "a URL", destination: () => "ssh://db1:1", model: [false] },
    { what: "an address with a user", destination: () => "eve@127.0.0.1", model: [false] },
    { what: "an address", destination: () => "127.0.0.1", model: [true] },
    { what: "a jump host on the way", destination: () => "behind", model: [false, true] },
    { what: "a port behind it", destination: () => "behind:1", model: [false, true] },
    { what: "a user who chooses the jump host's", destination: () => "eve@behind", model: [false, false] },
  ])("$what", async ({ destination, extra = () => ({}), model: expected }) => {
    const request = asked(destination(), extra());
    expect(gets(await planDial(request, call(model())))).toEqual(expected);
    // What a person types is a person's choice.
    const all = expected.length === 1 ? [true] : [false, true];
    expect(gets(await planDial(request, call(cli)))).toEqual(all);
    // For whoever uses a session by name it counts who chose.
    expect(gets(await planAgain({ request, chosenBy: "mcp" }, call(cli)))).toEqual(expected);
    expect(gets(await planAgain({ request, chosenBy: "cli" }, call(model())))).toEqual(all);
  });
});

/** Passwords that a server was offered. */
const offered = (server: Sshd): number => server.log().split(" password for ").length - 1;

test("a model logs in where ssh_config leads, and sends nothing elsewhere", async () => {
  const registry = new SessionRegistry({ resolves: async () => false });
  const agent = call(model());
  try {
    expect((await registry.open(asked("db1"), agent)).authMethod).toBe("password");
    for (const request of [asked("db1", { port: trap.port }), asked(`${user.name}@db1:${trap.port}`)]) {
      await expect(registry.use(request, agent)).rejects.toMatchObject({ code: "AUTH_REQUIRED" });
    }
    expect(offered(trap)).toBe(0);
  } finally {
    await registry.closeAll();
  }
});

test("a session to a place that a model chose gets none either, whoever uses it, in the next broker too", async () => {
  const directory = join(tempDir("store"), "sessions");
  const first = new SessionRegistry({ store: new SessionStore(directory), resolves: async () => false });
  const there = asked("db1", { port: trap.port, name: "mine" });
  await first.open({ ...there, identityFiles: [key.path] }, call(model()));
  await first.open(asked("db1", { port: trap.port, name: "theirs" }), call(cli));
  await first.closeAll();
  // From now on the server takes a password alone.
  writeFileSync(join(trap.dir, "authorized_keys"), "");
  const second = new SessionRegistry({
    ...{ store: null, restored: new SessionStore(directory).loadAll().records, resolves: async () => false },
  });
  const passwords = offered(trap);
  try {
    for (const caller of [cli, model()]) {
      await expect(run(second, named("mine"), "true", call(caller))).rejects.toMatchObject({ code: "AUTH_REQUIRED" });
    }
    expect(offered(trap)).toBe(passwords);
    // What a person chose is theirs to use again, by an agent too.
    expect(await run(second, named("theirs"), "id -un", call(model()))).toMatchObject({ stdout: `${user.name}\n` });
  } finally {
    await second.closeAll();
  }
});
