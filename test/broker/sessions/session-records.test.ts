/** What is on disk of a session, when it is written, and what becomes of it in the next broker. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RecordStore } from "../../../src/broker/sessions/session-records.ts";
import { type RegistryOptions, SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import { SshMcpError } from "../../../src/core/errors.ts";
import type { OpenRequest } from "../../../src/core/session.ts";
import type { SessionRecord } from "../../../src/store/session-record.ts";
import { SessionStore } from "../../../src/store/session-store.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { type SshAgent, startSshAgent } from "../../support/ssh-agent.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";
import {
  callOf,
  cli,
  day,
  hour,
  minute,
  model,
  named,
  namesOf,
  Person,
  requestFor,
  run,
  testClock,
} from "./sessions.ts";

setDefaultTimeout(30_000);

let key: KeyPair;
let agent: SshAgent;
let user: TemporaryUser;
let sshd: Sshd;
let directory: string;
let registry: SessionRegistry;

beforeAll(async () => {
  key = await makeKey();
  agent = await startSshAgent();
  await agent.add(key.path);
  user = await makeUser({ shell: "/bin/sh", password: "correct horse" });
  sshd = await startSshd({ authorizedKeys: [key.line], options: ["PasswordAuthentication yes", "AcceptEnv LC_*"] });
});
beforeEach(() => {
  directory = join(tempDir("base"), "sessions");
  registry = restarted();
});
afterEach(() => registry.closeAll());
afterAll(cleanup);

/** The registry of the next broker, which finds what the one before left. */
const restarted = (options: Partial<RegistryOptions> = {}): SessionRegistry => {
  const store = new SessionStore(directory);
  const { records, problems, reserved } = store.loadAll();
  expect(problems).toEqual([]);
  return new SessionRegistry({ store, restored: records, reserved, ...options });
};
/** As after `kill -9`: nothing is written any more. */
const kill = async (): Promise<void> => {
  await registry.stopRecording();
  await registry.closeAll();
};

const request = (extra: Partial<OpenRequest> = {}): OpenRequest =>
  requestFor(`${user.name}@127.0.0.1:${sshd.port}`, { identityFiles: [key.path], ...extra });
const files = (): string[] => (existsSync(directory) ? readdirSync(directory).sort() : []);
const onDisk = (name: string): SessionRecord => JSON.parse(readFileSync(join(directory, `${name}.json`), "utf8"));

describe("a record", () => {
  test("is there when connect answers, says what was opened, and goes with the session", async () => {
    const opened = await registry.open(request({ name: "web", title: "the web", ttlMs: 5 * minute }), callOf());
    const { destination, options } = request();
    expect(onDisk("web")).toEqual({
      version: 1,
      key: expect.stringMatching(/^[0-9a-f]{64}$/),
      ...{ name: "web", title: "the web", ttlMs: 5 * minute, lent: true, keptPrivate: false, needsPerson: false },
      request: {
        destination,
        user: null,
        port: null,
        identityFiles: [key.path],
        configFile: "none",
        options: [...options],
      },
      chosenBy: "cli",
      resolved: { host: "127.0.0.1", port: sshd.port, user: user.name },
      hostKey: sshd.hostKeys[0]?.fingerprint ?? "",
      authMethod: "publickey",
      openedBy: { face: "cli", client: "cli" },
      createdAt: opened.createdAt.toISOString(),
      lastUsedAt: expect.any(String),
    });
    expect(await registry.close(["web"], cli)).toEqual(["web"]);
    expect(files()).toEqual([]);
  });

  test("holds no value of SetEnv that was given on the command line, and nothing made from one", async () => {
    const { options } = request();
    const secret = { name: "web", options: [...options, "SetEnv=TOKEN=hunter2 B=c"] };
    const opened = await registry.open(request(secret), callOf());
    expect(opened.info.needsPerson).toBe(true);
    expect(onDisk("web")).toMatchObject({ needsPerson: true, request: { options: [...options, "SetEnv=TOKEN B"] } });
    expect(readFileSync(join(directory, "web.json"), "utf8")).not.toContain("hunter2");
    const { key } = onDisk("web");
    await registry.close(["web"], cli);
    await registry.open(request({ ...secret, options: [...options, "SetEnv=TOKEN=other B=c"] }), callOf());
    expect(onDisk("web").key).toBe(key);
  });

  test("of a session with such values takes a person, who gives them again", async () => {
    const { options, destination } = request();
    const secret = { name: "web", options: [...options, "SetEnv=LC_TOKEN=hunter2"] };
    await registry.open(request(secret), callOf());
    await kill();
    registry = restarted();
    for (const caller of [cli, model()]) {
      const failed = run(registry, named("web"), "true", callOf({ caller }));
      const error = await failed.catch((thrown: unknown) => thrown as SshMcpError);
      expect(error).toMatchObject({ code: "AUTH_REQUIRED", message: expect.stringContaining("SetEnv") });
      const { hint } = error as SshMcpError;
      expect(hint).toStartWith("ssh-mcp connect --name web ");
      expect(hint).toEndWith(` -o 'SetEnv=LC_TOKEN=VALUE' ${destination}`);
    }
    expect(await registry.open(request(secret), callOf())).toMatchObject({ info: { name: "web", state: "live" } });
    expect(await run(registry, named("web"), "echo $LC_TOKEN", callOf({ caller: model() }))).toMatchObject({
      ...{ name: "web", stdout: "hunter2\n" },
    });
    // As long as this broker lives it has them.
    await registry.closeAll();
  });

  test("is written for what opens by itself, and for what is said of a session later; it never holds a secret", async () => {
    const person = new Person();
    const ran = run(registry, request({ identityFiles: ["none"] }), "true", person.call());
    await person.answer("correct horse");
    await ran;
    await waitFor(() => files().includes("127.0.0.1-2.json"), { what: "the record" });
    expect(onDisk("127.0.0.1-2")).toMatchObject({
      ...{ lent: false, keptPrivate: false, needsPerson: true, authMethod: "password", title: null },
    });
    await registry.lend("127.0.0.1-2", true, callOf());
    expect(onDisk("127.0.0.1-2").lent).toBe(true);
    await registry.open(request({ identityFiles: ["none"], title: "later", ttlMs: 0, lent: false }), callOf());
    expect(onDisk("127.0.0.1-2")).toMatchObject({ title: "later", ttlMs: 0, lent: false, keptPrivate: true });
    expect(readFileSync(join(directory, "127.0.0.1-2.json"), "utf8")).not.toContain("correct horse");
  });

  test("is not written for a session that never opened", async () => {
    await expect(registry.open(request({ identityFiles: ["none"] }), callOf())).rejects.toMatchObject({
      code: "AUTH_REQUIRED",
    });
    await kill();
    expect(files()).toEqual([]);
  });

  test("that cannot be written is told beside the result, and the session works", async () => {
    const log: string[] = [];
    const full: RecordStore = {
      write: async () => {
        throw new SshMcpError("LOCAL_IO", "web.json cannot be written (ENOSPC)");
      },
      remove: async () => {},
    };
    await registry.closeAll();
    registry = new SessionRegistry({ store: full, log: (line) => log.push(line) });
    const [first, second] = [callOf(), callOf()];
    expect((await registry.open(request({ name: "web" }), first)).info.state).toBe("live");
    expect(first.notices).toEqual([
      "the session web works, but could not be saved: web.json cannot be written (ENOSPC)",
    ]);
    expect(await run(registry, named("web"), "echo in", second)).toMatchObject({ stdout: "in\n" });
    expect(second.notices).toEqual([]);
    expect(log).toEqual(["the session web could not be saved: web.json cannot be written (ENOSPC)"]);
    // The next one that says something of it hears it as well.
    const third = callOf();
    await registry.open(request({ name: "web", title: "again" }), third);
    expect(third.notices).toHaveLength(1);
  });

  test("of a session that is taken back says so before what an agent runs has ended", async () => {
    await registry.open(request({ name: "web" }), callOf());
    const started = Promise.withResolvers<void>();
    const stubborn = "trap '' TERM INT HUP; echo; while :; do sleep 1; done";
    let isOver = false;
    const running = run(registry, named("web"), stubborn, callOf({ caller: model() }), started.resolve).then(
      (result) => {
        isOver = true;
        return result;
      },
    );
    await started.promise;
    const lending = registry.lend("web", false, callOf());
    await waitFor(() => !onDisk("web").lent, { what: "the record" });
    expect(isOver).toBe(false);
    expect(await lending).toMatchObject({ lent: false, running: 0 });
    expect(await running).toMatchObject({ outcome: "canceled" });
  });

  test("that let agents in does not come back when its change cannot be saved: it is removed, or the operation fails", async () => {
    const failing = { disk: false, removal: false };
    const store = new SessionStore(directory);
    const frail: RecordStore = {
      write: async (record) => {
        if (failing.disk) throw new SshMcpError("LOCAL_IO", "web.json cannot be written (ENOSPC)");
        await store.write(record);
      },
      remove: async (name) => {
        if (failing.removal)
          throw new SshMcpError("LOCAL_IO", "web.json cannot be removed (EROFS)", { hint: "ls -ld ." });
        await store.remove(name);
      },
    };
    await registry.closeAll();
    registry = new SessionRegistry({ store: frail });
    await registry.open(request({ name: "web" }), callOf());
    failing.disk = failing.removal = true;
    const back = "agents get the session web back when the broker restarts";
    const stuck = { code: "LOCAL_IO", message: expect.stringContaining(back), hint: "ls -ld ." };
    await expect(registry.lend("web", false, callOf())).rejects.toMatchObject(stuck);
    await expect(registry.open(request({ name: "web", lent: false }), callOf())).rejects.toMatchObject(stuck);
    // Until then it is taken back all the same.
    expect(namesOf(registry, model())).toEqual([]);
    failing.removal = false;
    const call = callOf();
    expect(await registry.lend("web", false, call)).toMatchObject({ lent: false, state: "live" });
    expect(call.notices).toEqual([
      expect.stringMatching(/ENOSPC\); no record of it is left, and it will be forgotten/),
    ]);
    expect(files()).toEqual([]);
    // With room again it is saved as it is.
    failing.disk = false;
    await registry.lend("web", false, callOf());
    expect(onDisk("web").lent).toBe(false);
    // What is private on disk is no worse for a title that could not be changed.
    failing.disk = true;
    const titled = callOf();
    await registry.open(request({ name: "web", title: "later" }), titled);
    expect(titled.notices).toEqual([
      "web is private: ssh-mcp lend web lends it to agents",
      "the session web works, but could not be saved: web.json cannot be written (ENOSPC)",
    ]);
    expect(onDisk("web")).toMatchObject({ lent: false, title: null });
  });

  test("that cannot be removed is an error, for it would come back; the session is closed", async () => {
    await registry.open(request({ name: "web" }), callOf());
    await registry.closeAll();
    const stuck: RecordStore = {
      write: async () => {},
      remove: async () => {
        throw new SshMcpError("LOCAL_IO", "web.json cannot be removed (EROFS)");
      },
    };
    registry = restarted({ store: stuck });
    await expect(registry.close(["web"], cli)).rejects.toMatchObject({ code: "LOCAL_IO" });
    expect(namesOf(registry)).toEqual([]);
  });

  test("of a session that is closed while it is being written does not come back", async () => {
    const written: string[] = [];
    const gate = Promise.withResolvers<void>();
    // In turn, as the store's own rule is.
    let turn: Promise<void> = gate.promise;
    const inTurn = (what: string): Promise<void> => {
      turn = turn.then(() => void written.push(what));
      return turn;
    };
    const slow: RecordStore = {
      write: ({ name }) => inTurn(`write ${name}`),
      remove: (name) => inTurn(`remove ${name}`),
    };
    registry = new SessionRegistry({ store: slow });
    const opening = registry.open(request({ name: "web" }), callOf());
    await waitFor(() => registry.list(cli)[0]?.state === "live", { what: "the login" });
    const closing = registry.close(["web"], cli);
    const again = registry.open(request({ name: "web" }), callOf());
    await waitFor(() => registry.list(cli)[0]?.state === "live", { what: "the second login" });
    gate.resolve();
    await Promise.all([opening, closing, again]);
    expect(written).toEqual(["write web", "remove web", "write web"]);
  });

  test("tells of the last use once a minute at most, and never before the reply", async () => {
    const clock = testClock();
    await registry.closeAll();
    registry = restarted({ clock });
    await registry.open(request({ name: "web" }), callOf());
    const openedAt = onDisk("web").lastUsedAt;
    for (let use = 0; use < 5; use++) {
      clock.pass(10_000);
      await run(registry, named("web"), "true");
    }
    expect(onDisk("web").lastUsedAt).toBe(openedAt);
    clock.pass(10_000);
    await run(registry, named("web"), "true");
    expect(onDisk("web").lastUsedAt).toBe(openedAt);
    await waitFor(() => onDisk("web").lastUsedAt !== openedAt, { what: "the later write" });
    expect(Date.parse(onDisk("web").lastUsedAt)).toBe(clock.wall());
    // What waits is written when the broker leaves, and nothing after that.
    clock.pass(2 * minute);
    await run(registry, named("web"), "true");
    await registry.stopRecording();
    expect(Date.parse(onDisk("web").lastUsedAt)).toBe(clock.wall());
    // Who takes it back must know that the other broker has not heard of it, however often that is tried here.
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(registry.lend("web", false, callOf())).rejects.toMatchObject({
        code: "BROKER_UNAVAILABLE",
        message: "this broker has left its place: agents get web from the one that took it",
        hint: "ssh-mcp unlend web",
      });
    }
    const later = callOf();
    await registry.open(request({ name: "later", lent: false }), later);
    await registry.lend("later", true, later);
    expect(later.notices).toEqual(Array(2).fill("this broker has left its place: later is not saved"));
    const ran = callOf();
    await run(registry, request({ identityFiles: [key.path], options: ["StrictHostKeyChecking=no"] }), "true", ran);
    expect(ran.notices).toEqual([]);
    await registry.close(["web"], cli);
    expect(files()).toEqual(["web.json"]);
    expect(onDisk("web").lent).toBe(true);
  });
});

describe("after a restart", () => {
  test("a session is cached with all that is known of it, and its next use dials by itself", async () => {
    const opened = await registry.open(request({ name: "web", title: "the web", ttlMs: 0 }), callOf());
    await run(registry, request({ name: "web" }), "true");
    const [before] = registry.list(cli);
    await kill();
    registry = restarted();
    const [row] = registry.list(model());
    expect(row).toEqual({
      ...(before ?? row ?? ({} as never)),
      ...{ state: "cached", expiresInMs: null, ageMs: expect.any(Number), idleMs: expect.any(Number) },
    });
    expect([registry.size, registry.liveConnections]).toEqual([1, 0]);
    expect(await run(registry, named("web"), "echo back", callOf({ caller: model() }))).toMatchObject({
      stdout: "back\n",
    });
    expect(await registry.open(request({ name: "web" }), callOf())).toMatchObject({
      reused: true,
      createdAt: opened.createdAt,
      info: { title: "the web", openedBy: { face: "cli" } },
    });
  });

  test("connect finds it by its destination, from any folder, and says that it was not open", async () => {
    const home = tempDir("desk");
    const relative = { identityFiles: ["id"], options: ["StrictHostKeyChecking=no", "UserKnownHostsFile=known"] };
    writeFileSync(join(home, "id"), readFileSync(key.path), { mode: 0o600 });
    const there = callOf({ caller: { ...cli, cwd: home } });
    await registry.open(request({ name: "web", ...relative }), there);
    expect(onDisk("web").request.identityFiles).toEqual([join(home, "id")]);
    await kill();
    registry = restarted();
    expect(await run(registry, named("web"), "echo back", callOf({ caller: { ...cli, cwd: "/" } }))).toMatchObject({
      stdout: "back\n",
    });
    await kill();
    registry = restarted();
    const again = await registry.open(request(relative), there);
    expect(again).toMatchObject({ reused: true, info: { name: "web", state: "live" } });
    // The key that was accepted the first time is known, where it was written down.
    expect(readFileSync(join(home, "known"), "utf8").trim().split("\n")).toHaveLength(1);
  });

  test("a key in the agent of whoever calls opens it; without one a person would have to", async () => {
    const login = request({ name: "web", identityFiles: ["none"] });
    const withAgent = { ...cli, agentSocket: agent.socket };
    expect(await registry.open(login, callOf({ caller: withAgent }))).toMatchObject({ authMethod: "publickey" });
    await kill();
    registry = restarted();
    const without = run(registry, named("web"), "true", callOf({ caller: model() }));
    await expect(without).rejects.toMatchObject({ code: "AUTH_REQUIRED" });
    expect(registry.list(cli)).toMatchObject([{ state: "cached", needsPerson: false }]);
    const serving = callOf({ caller: { ...model(), agentSocket: agent.socket } });
    expect(await run(registry, named("web"), "echo back", serving)).toMatchObject({ stdout: "back\n" });
  });

  test("a session that took a person says what to type, and what was private stays so", async () => {
    const person = new Person();
    for (const [name, lent] of [
      ["lent", true],
      ["private", false],
    ] as const) {
      const opened = registry.open(request({ name, lent, identityFiles: ["none"] }), person.call());
      await person.answer("correct horse");
      await opened;
    }
    await kill();
    registry = restarted();
    expect(registry.list(model())).toMatchObject([{ name: "lent", state: "cached", needsPerson: true }]);
    const failure = await run(registry, named("lent"), "true", callOf({ caller: model() })).catch((error) => error);
    expect(failure.code).toBe("AUTH_REQUIRED");
    expect(failure.hint).toStartWith("ssh-mcp connect --name lent ");
    const typed = registry.open(request({ name: "lent", identityFiles: ["none"] }), person.call());
    await person.answer("correct horse");
    await typed;
    expect(await run(registry, named("lent"), "echo in", callOf({ caller: model() }))).toMatchObject({
      stdout: "in\n",
    });
  });

  test("a server that cannot be reached makes it lost, and it stays", async () => {
    const gone = await startSshd({ authorizedKeys: [key.line] });
    await registry.open({ ...request({ name: "web" }), destination: `${user.name}@127.0.0.1:${gone.port}` }, callOf());
    await kill();
    await gone.stop();
    registry = restarted();
    await expect(run(registry, named("web"), "true")).rejects.toMatchObject({ code: "CONNECT_REFUSED" });
    expect(registry.list(cli)).toMatchObject([{ name: "web", state: "lost" }]);
    expect(files()).toEqual(["web.json"]);
  });

  test("known_hosts decides afresh", async () => {
    const known = join(tempDir("known"), "known_hosts");
    writeFileSync(known, sshd.knownHosts());
    const login = request({ name: "web", options: [`UserKnownHostsFile=${known}`] });
    await registry.open(login, callOf());
    await kill();
    writeFileSync(known, sshd.knownHosts().replace(/ \S+$/m, ` ${(await makeKey()).line.split(" ")[1]}`));
    registry = restarted();
    await expect(run(registry, named("web"), "true")).rejects.toMatchObject({ code: "HOST_KEY_CHANGED" });
  });

  test("the idle and the kept time go on; a wall clock that was set back makes nothing negative", async () => {
    const clock = testClock();
    registry = restarted({ clock });
    await registry.open(request({ name: "web" }), callOf());
    await kill();
    const wall = clock.wall();
    clock.pass(3 * day);
    registry = restarted({ clock });
    expect(registry.list(cli)).toMatchObject([{ idleMs: 3 * day, ageMs: 3 * day }]);
    clock.setWall(wall - 10 * day);
    registry = restarted({ clock });
    expect(registry.list(cli)).toMatchObject([{ idleMs: 0, ageMs: 0 }]);
    expect(await run(registry, named("web"), "echo back")).toMatchObject({ stdout: "back\n" });
    await kill();
    clock.setWall(wall + 29 * day);
    registry = restarted({ clock });
    clock.pass(hour);
    expect(namesOf(registry)).toEqual(["web"]);
    clock.pass(day);
    expect(namesOf(registry)).toEqual([]);
    await waitFor(() => files().length === 0, { what: "the record to go" });
  });

  test("a name that a later release keeps is nobody's", async () => {
    await registry.open(request({ name: "web" }), callOf());
    await kill();
    writeFileSync(join(directory, "web.json"), JSON.stringify({ version: 2, name: "web" }));
    const store = new SessionStore(directory);
    const { records, reserved } = store.loadAll();
    registry = new SessionRegistry({ store, restored: records, reserved });
    await expect(registry.open(request({ name: "web" }), callOf())).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
      message: "the name web belongs to a file in sessions/ that this release leaves alone",
    });
    const config = join(tempDir("config"), "config");
    writeFileSync(config, `Host web\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${user.name}\n`);
    const opened = await registry.open(request({ configFile: config, ...{ destination: "web" } }), callOf());
    expect(opened.info.name).toBe("web-2");
  });
});

test("without a store nothing is written, and what was read can be used", async () => {
  await registry.open(request({ name: "web" }), callOf());
  await kill();
  const { records } = new SessionStore(directory).loadAll({ mayChange: false });
  registry = new SessionRegistry({ store: null, restored: records });
  const call = callOf();
  expect(await run(registry, named("web"), "echo back", call)).toMatchObject({ stdout: "back\n" });
  await registry.open(request({ name: "other" }), call);
  await registry.close(["web"], cli);
  expect([call.notices, files()]).toEqual([[], ["web.json"]]);
});
