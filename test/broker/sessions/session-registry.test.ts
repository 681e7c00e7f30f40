import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import type { DialRequest } from "../../../src/core/dial-request.ts";
import type { Caller } from "../../../src/core/operation.ts";
import type { OpenRequest } from "../../../src/core/session.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { startProxy } from "../../support/proxy.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { waitFor, within } from "../../support/wait.ts";
import { callOf, cli, model, named, requestFor, run as runOn } from "./sessions.ts";

let key: KeyPair;
let user: TemporaryUser;
let sshd: Sshd;
let registry = new SessionRegistry();

beforeAll(async () => {
  key = await makeKey();
  user = await makeUser({ shell: "/bin/sh" });
  sshd = await startSshd({ authorizedKeys: [key.line] });
});
afterEach(async () => {
  await registry.closeAll();
  registry = new SessionRegistry();
});
afterAll(cleanup);

const request = (port: number, extra: Partial<OpenRequest> = {}): OpenRequest =>
  requestFor(`${user.name}@127.0.0.1:${port}`, { identityFiles: [key.path], ...extra });

const run = (target: DialRequest, command: string, call = callOf(), onStdout = () => {}) =>
  runOn(registry, target, command, call, onStdout);

describe("a session", () => {
  test("is opened once, and found again by its destination and by its name", async () => {
    const first = await registry.open(request(sshd.port, { title: "the test" }), callOf());
    expect(first).toMatchObject({ reused: false, authMethod: "publickey", hostKey: sshd.hostKeys[0]?.fingerprint });
    expect(first.info).toMatchObject({
      name: "127.0.0.1-2",
      state: "live",
      title: "the test",
      user: user.name,
      lent: true,
    });
    expect(await registry.open(request(sshd.port), callOf())).toMatchObject({
      reused: true,
      info: { name: "127.0.0.1-2" },
    });
    expect((await run(request(sshd.port), "echo one")).name).toBe("127.0.0.1-2");
    expect(await run(named("127.0.0.1-2"), "echo two")).toMatchObject({ stdout: "two\n", exitCode: 0 });
    expect(registry.list(cli)).toHaveLength(1);
  });

  test("many who open it at once share one login", async () => {
    const quiet = await startSshd({ authorizedKeys: [key.line] });
    const opened = await Promise.all(Array.from({ length: 10 }, () => registry.open(request(quiet.port), callOf())));
    expect(new Set(opened.map(({ info }) => info.name)).size).toBe(1);
    expect(quiet.log().match(/Accepted publickey/g)).toHaveLength(1);
  });

  test("that cannot be opened leaves nothing behind, and its name is free", async () => {
    const stranger = await makeKey();
    const failed = registry.open(request(sshd.port, { name: "mine", identityFiles: [stranger.path] }), callOf());
    await expect(failed).rejects.toMatchObject({
      code: "AUTH_FAILED",
      hint: expect.stringContaining("ssh-mcp connect --name mine -i"),
    });
    expect(registry.list(cli)).toEqual([]);
    expect(await registry.open(request(sshd.port, { name: "mine" }), callOf())).toMatchObject({
      info: { name: "mine" },
    });
  });

  test("keeps its name from another server", async () => {
    const other = await startSshd({ authorizedKeys: [key.line] });
    await registry.open(request(sshd.port, { name: "mine" }), callOf());
    const clash = registry.open(request(other.port, { name: "mine" }), callOf());
    await expect(clash).rejects.toMatchObject({ code: "ALREADY_EXISTS", hint: "ssh-mcp close mine" });
    expect((await registry.open(request(other.port), callOf())).info.name).toBe("127.0.0.1-2");
  });

  test("whose link dies while it is idle is dialled again by the next command, without a word", async () => {
    const proxy = await startProxy(sshd);
    await registry.open(request(proxy.port), callOf());
    proxy.cut("reset");
    await waitFor(() => registry.list(cli)[0]?.state === "lost", { what: "the loss" });
    expect(await run(request(proxy.port), "echo back")).toMatchObject({ stdout: "back\n", outcome: "exited" });
    expect(registry.list(cli)).toMatchObject([{ state: "live" }]);
  });

  test("is closed after its idle time, and comes back with the next command", async () => {
    await registry.open(request(sshd.port, { ttlMs: 50 }), callOf());
    await waitFor(() => registry.list(cli)[0]?.state === "cached", { what: "the end of the idle time" });
    expect(await run(request(sshd.port), "echo back")).toMatchObject({ stdout: "back\n" });
  });

  test("does not age while a command runs", async () => {
    await registry.open(request(sshd.port, { ttlMs: 50 }), callOf());
    expect(await run(request(sshd.port), "sleep 0.5; echo done")).toMatchObject({
      stdout: "done\n",
      outcome: "exited",
    });
  });

  test("closed while a command runs: the command is stopped, and says so", async () => {
    await registry.open(request(sshd.port), callOf());
    // The session counts it before it was sent, and before that there is nothing to stop.
    const started = Promise.withResolvers<void>();
    const running = run(request(sshd.port), "echo started; sleep 600", callOf(), started.resolve);
    await within(started.promise, { what: "the command" });
    expect(registry.list(cli)[0]?.running).toBe(1);
    expect(await registry.close(["127.0.0.1-2"], cli)).toEqual(["127.0.0.1-2"]);
    expect(await running).toMatchObject({ outcome: "canceled", stopped: "confirmed" });
    expect(registry.list(cli)).toEqual([]);
  });

  test("a cancel while it is being opened ends the attempt, and leaves nothing behind", async () => {
    const silent = await startScriptedServer({ authenticate: () => undefined });
    const call = callOf();
    const waiting = registry.open(request(silent.port, { destination: `x@127.0.0.1:${silent.port}` }), call);
    await waitFor(() => silent.attempts.length > 0, { what: "the attempt" });
    call.leave();
    await expect(waiting).rejects.toMatchObject({ code: "CANCELED" });
    expect(registry.list(cli)).toEqual([]);
  });
});

describe("more commands than a connection takes", () => {
  test("twenty at once on OpenSSH", async () => {
    await registry.open(request(sshd.port), callOf());
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => run(request(sshd.port), `sleep 0.2; echo ${index}`)),
    );
    expect(results.map(({ stdout }) => stdout)).toEqual(results.map((_, index) => `${index}\n`));
  });

  test("six at once on dropbear, each on a connection of its own", async () => {
    const dropbear = await startDropbear({ user, authorizedKeys: [key.line] });
    await registry.open(request(dropbear.port), callOf());
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, index) => run(request(dropbear.port), `sleep 0.3; echo ${index}`)),
    );
    expect(results.map(({ outcome, stdout }) => `${outcome} ${stdout}`)).toEqual(
      results.map((_, index) => `exited ${index}\n`),
    );
  });
});

describe("a model", () => {
  test("sees, uses and closes only what it opened itself or what was lent", async () => {
    const other = await startSshd({ authorizedKeys: [key.line] });
    // A command of a person opens a private session; `connect` lends it.
    await run(request(sshd.port), "true");
    await registry.open(request(other.port, { name: "lent" }), callOf());
    await run(
      { ...request(sshd.port), options: [...request(sshd.port).options, "IdentitiesOnly=yes"] },
      "true",
      callOf({ caller: model("a 1") }),
    );

    const seen = (caller: Caller) => registry.list(caller).map(({ name }) => name);
    expect(seen(model("a 1")).sort()).toEqual(["127.0.0.1-3", "lent"]);
    expect(await registry.close(["127.0.0.1-2"], model("a 1"))).toEqual([]);
    expect(await registry.close("all", model("a 1"))).toHaveLength(2);
    expect(seen(cli)).toEqual(["127.0.0.1-2"]);
  });
});

test("an alias of ssh_config is asked for before the text is taken apart", async () => {
  const config = join(tempDir("config"), "config");
  writeFileSync(
    config,
    `Host db1:5432\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${user.name}\n  IdentityFile ${key.path}\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n`,
    { mode: 0o600 },
  );
  const opened = await registry.open(
    { ...request(1), destination: "db1:5432", identityFiles: [], options: [], configFile: config },
    callOf(),
  );
  expect(opened.info).toMatchObject({ name: "db1-5432", host: "127.0.0.1", port: sshd.port, user: user.name });
});
