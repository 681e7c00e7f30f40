/** Logins that take a person, with real servers: who is asked, who waits, and what an agent is told. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import type { OpenRequest } from "../../../../src/core/session.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { startScriptedServer } from "../../../support/scripted-server.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";
import { waitFor } from "../../../support/wait.ts";
import { callOf, execOn, model, named, namesOf, Person, requestFor, run } from "../sessions.ts";

setDefaultTimeout(30_000);

let user: TemporaryUser;
let sshd: Sshd;
let registry: SessionRegistry;

beforeAll(async () => {
  user = await makeUser({ shell: "/bin/sh", password: "correct horse" });
  sshd = await startSshd({ options: ["PasswordAuthentication yes", "PubkeyAuthentication no"] });
});
const open = async (options: ConstructorParameters<typeof SessionRegistry>[0] = {}) => {
  await registry?.closeAll();
  registry = new SessionRegistry(options);
};
afterEach(() => registry.closeAll());
afterAll(cleanup);

const request = (extra: Partial<OpenRequest> = {}): OpenRequest =>
  requestFor(`${user.name}@127.0.0.1:${sshd.port}`, extra);
const agent = () => callOf({ caller: model() });
const logins = (): number => sshd.log().split("Accepted password").length - 1;

/** The words of a hint, as a shell would cut them; these have quotes around whole words only. */
const wordsOf = (hint: string | null): string[] =>
  [...(hint ?? "").matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");

/** What `ssh-mcp connect` makes of the words of a hint. */
const typed = (hint: string | null): OpenRequest => {
  const words = wordsOf(hint);
  const after = (flag: string): string[] => words.flatMap((word, at) => (words[at - 1] === flag ? [word] : []));
  return requestFor(words.at(-1) ?? "", {
    name: after("--name")[0] ?? null,
    configFile: after("-F")[0] ?? null,
    identityFiles: after("-i"),
    options: after("-o"),
    user: after("-l")[0] ?? null,
    port: Number(after("-p")[0] ?? 0) || null,
  });
};

test("two terminals that want the same share one login and one question", async () => {
  await open();
  const before = logins();
  const [first, second] = [new Person(), new Person()];
  const firsts = registry.open(request(), first.call());
  await first.isAsked();
  const call = second.call();
  const seconds = run(registry, request(), "echo through", call);
  await waitFor(() => call.notices.length > 0, { what: "the notice" });
  await first.answer("correct horse");
  expect((await firsts).info).toMatchObject({ name: "127.0.0.1-2", needsPerson: true });
  expect(await seconds).toMatchObject({ stdout: "through\n" });
  expect(second.shown).toEqual([]);
  expect(logins() - before).toBe(1);
});

test("a person who takes their time is in no hurry: the login's limit stands still", async () => {
  await open();
  const person = new Person();
  const opened = registry.open(request({ timeoutMs: 1000 }), person.call());
  await person.isAsked();
  // Longer than the limit: it is the time that is tried here.
  await Bun.sleep(1500);
  await person.answer("correct horse");
  expect((await opened).info.state).toBe("live");
});

describe("an agent", () => {
  test("is told at once what a person has to type, and the same call goes through once they have", async () => {
    await open({ hintPrefix: "SSH_MCP_DIR='/else where' " });
    const { destination, options } = request();
    const failed = run(registry, request(), "true", agent());
    const hint = `SSH_MCP_DIR='/else where' ssh-mcp connect --name 127.0.0.1-2 -F none -o '${options[0]}' -o '${options[1]}' ${destination}`;
    await expect(failed).rejects.toMatchObject({ code: "AUTH_REQUIRED", hint, retryable: true });
    expect(namesOf(registry)).toEqual([]);

    const person = new Person();
    const opened = registry.open(typed(hint), person.call());
    await person.answer("correct horse");
    expect((await opened).info).toMatchObject({ name: "127.0.0.1-2", lent: true, needsPerson: true });
    const before = logins();
    for (const target of [request(), named("127.0.0.1-2")]) {
      expect(await run(registry, target, "echo in", agent())).toMatchObject({ stdout: "in\n", name: "127.0.0.1-2" });
    }
    expect(await registry.open(request(), agent())).toMatchObject({ reused: true, info: { name: "127.0.0.1-2" } });
    expect(logins()).toBe(before);
  });

  test("never comes by a person's private session: it gets one of its own under the next name, by the command it is told", async () => {
    await open();
    const person = new Person();
    const privately = run(registry, request(), "echo mine", person.call());
    await person.answer("correct horse");
    expect((await privately).name).toBe("127.0.0.1-2");

    const failure = await run(registry, request(), "id", agent()).catch((error) => error);
    expect(failure.code).toBe("AUTH_REQUIRED");
    expect(failure.hint).toContain(" --name 127.0.0.1-3 ");
    const opened = registry.open(typed(failure.hint), person.call());
    await person.answer("correct horse");
    expect((await opened).info.name).toBe("127.0.0.1-3");
    expect(await run(registry, request(), "echo in", agent())).toMatchObject({ name: "127.0.0.1-3", stdout: "in\n" });
    expect(namesOf(registry, model())).toEqual(["127.0.0.1-3"]);
  });

  test("that waits for a login which begins to ask a person is sent away, and the person's goes on", async () => {
    await open();
    const person = new Person();
    const call = agent();
    const agents = registry.open(request(), call);
    agents.catch(() => {});
    const persons = registry.open(request(), person.call());
    await expect(agents).rejects.toMatchObject({ code: "AUTH_REQUIRED" });
    await expect(registry.open(request(), agent())).rejects.toMatchObject({
      code: "AUTH_REQUIRED",
      message: expect.stringContaining("a person is being asked"),
      hint: expect.stringContaining("ssh-mcp connect --name 127.0.0.1-2 "),
    });
    await person.answer("correct horse");
    // The agent began it, and the person who gave the secret has it now: lent, as by every connect.
    expect((await persons).info).toMatchObject({ name: "127.0.0.1-2", openedBy: { face: "cli" }, lent: true });
    expect(await run(registry, named("127.0.0.1-2"), "echo in", agent())).toMatchObject({ stdout: "in\n" });
  });

  test("gets nothing of a secret that a person gave for a command of their own", async () => {
    await open();
    const person = new Person();
    const agents = registry.open(request(), agent());
    agents.catch(() => {});
    const persons = run(registry, request(), "echo mine", person.call());
    await expect(agents).rejects.toMatchObject({ code: "AUTH_REQUIRED" });
    await person.answer("correct horse");
    const { name } = await persons;
    expect(namesOf(registry, model())).toEqual([]);
    expect(namesOf(registry)).toEqual([name]);
    await expect(run(registry, request(), "true", agent())).rejects.toMatchObject({ code: "AUTH_REQUIRED" });
  });

  test("whose session needs the person again is told its own name", async () => {
    await open();
    const person = new Person();
    const opened = registry.open(request({ name: "web", ttlMs: 50 }), person.call());
    await person.answer("correct horse");
    await opened;
    await waitFor(() => registry.list(model())[0]?.state === "cached", { what: "the end of the idle time" });
    await expect(run(registry, named("web"), "true", agent())).rejects.toMatchObject({
      code: "AUTH_REQUIRED",
      hint: expect.stringContaining("ssh-mcp connect --name web "),
    });
    expect(registry.list(model())).toMatchObject([{ name: "web", state: "cached", needsPerson: true }]);
    const again = registry.open(request({ name: "web" }), person.call());
    await person.answer("correct horse");
    expect(await again).toMatchObject({ reused: true, info: { name: "web" } });
  });

  test("is not let try a login again that failed less than a minute ago; a person is, and clears it", async () => {
    await open();
    const stranger = await makeKey();
    const keyed = await startSshd();
    const login = requestFor(`${user.name}@127.0.0.1:${keyed.port}`, { identityFiles: [stranger.path] });
    const attempts = (): number => keyed.log().split("Connection from").length - 1;
    await expect(registry.open(login, agent())).rejects.toMatchObject({ code: "AUTH_FAILED" });
    expect(attempts()).toBe(1);
    await expect(registry.open(login, agent())).rejects.toMatchObject({
      code: "AUTH_FAILED",
      message: expect.stringContaining("an agent may try again in"),
      hint: expect.stringContaining("ssh-mcp connect --name 127.0.0.1-2 "),
    });
    expect(attempts()).toBe(1);
    await expect(registry.open(login, callOf())).rejects.toMatchObject({ code: "AUTH_FAILED" });
    expect(attempts()).toBe(2);
    keyed.authorize(stranger.line);
    await registry.open(login, callOf());
    await registry.close("all", callOf().caller);
    expect((await registry.open(login, agent())).info.state).toBe("live");
  });
});

describe("a terminal that goes away with a question", () => {
  test("leaves it to the next one", async () => {
    await open();
    const [first, second] = [new Person(), new Person()];
    const call = first.call();
    const firsts = registry.open(request(), call);
    firsts.catch(() => {});
    await first.isAsked();
    const seconds = registry.open(request(), second.call());
    call.leave();
    await expect(firsts).rejects.toMatchObject({ code: "CANCELED" });
    await second.answer("correct horse");
    expect((await seconds).info.state).toBe("live");
  });

  test("leaves nothing behind when it was the only one, and its name is free at once", async () => {
    await open();
    const [first, second] = [new Person(), new Person()];
    const call = first.call();
    const firsts = registry.open(request({ name: "web" }), call);
    firsts.catch(() => {});
    await first.isAsked();
    expect([namesOf(registry), registry.size, registry.busy]).toEqual([[], 0, true]);
    call.leave();
    await expect(firsts).rejects.toMatchObject({ code: "CANCELED" });
    const other = registry.open(request({ name: "web", user: "nobody" }), second.call());
    other.catch(() => {});
    await second.isAsked();
    expect(second.shown[0]).toStartWith("nobody@127.0.0.1's password: ");
    await second.answer(null);
    await expect(other).rejects.toMatchObject({ code: "AUTH_REQUIRED" });
    expect([registry.busy, registry.liveConnections]).toEqual([false, 0]);
  });
});

test("closing a session while a person is asked ends the login for all who wait", async () => {
  await open();
  const person = new Person();
  const opening = registry.open(request({ name: "web" }), person.call());
  opening.catch(() => {});
  await person.isAsked();
  expect(await registry.close(["web"], callOf().caller)).toEqual(["web"]);
  await expect(opening).rejects.toMatchObject({ code: "CANCELED" });
  expect(namesOf(registry)).toEqual([]);
});

test("a key that somebody else is asked the passphrase of serves both, and is asked for once", async () => {
  await open();
  const key = await makeKey({ path: join(tempDir("key"), "id"), passphrase: "correct horse", rounds: 4 });
  const server = await startSshd({ authorizedKeys: [key.line] });
  const login = requestFor(`${user.name}@127.0.0.1:${server.port}`, { identityFiles: [key.path] });
  const [first, second] = [new Person(), new Person()];
  const results = [first.call(), second.call()].map((call) => run(registry, login, "echo in", call));
  await waitFor(() => first.shown.length + second.shown.length > 0, { what: "a question" });
  // Both look at the disk before they meet: either may have been the first.
  const [asked, other] = first.shown.length > 0 ? [first, second] : [second, first];
  await asked.answer("correct horse");
  expect((await Promise.all(results)).map(({ stdout }) => stdout)).toEqual(["in\n", "in\n"]);
  expect([asked.shown.length, other.shown.length]).toEqual([1, 0]);
});

test("an unknown host key is asked about once, and an agent is told of it at once", async () => {
  await open();
  const server = await startScriptedServer({ exec: (each) => each.finish(0, "in\n") });
  const knownHosts = join(tempDir("known"), "known_hosts");
  const login = requestFor(`tester@127.0.0.1:${server.port}`, { options: [`UserKnownHostsFile=${knownHosts}`] });
  await expect(run(registry, login, "x", agent())).rejects.toMatchObject({
    code: "HOST_KEY_UNKNOWN",
    hint: `ssh-mcp connect --name 127.0.0.1-2 -F none -o 'UserKnownHostsFile=${knownHosts}' tester@127.0.0.1:${server.port}`,
  });
  const person = new Person();
  const results = [person.call(), person.call()].map((call) => run(registry, login, "x", call));
  await person.answer("yes");
  expect((await Promise.all(results)).map(({ stdout }) => stdout)).toEqual(["in\n", "in\n"]);
  expect(person.shown).toHaveLength(1);
});

test("a person who declined a host key is told the same command; one who is never asked, one that asks, without what forbids it", async () => {
  await open();
  const server = await startScriptedServer();
  const common = `UserKnownHostsFile=${join(tempDir("known"), "known_hosts")}`;
  const destination = `tester@127.0.0.1:${server.port}`;
  const person = new Person();
  const declined = registry.open(requestFor(destination, { options: [common], name: "mine" }), person.call());
  await person.answer("no");
  await expect(declined).rejects.toMatchObject({
    code: "HOST_KEY_UNKNOWN",
    hint: `ssh-mcp connect --name mine -F none -o '${common}' ${destination}`,
  });
  const options = ["stricthostkeychecking yes", common, "StrictHostKeyChecking=yes"];
  await expect(registry.open(requestFor(destination, { options, name: "mine" }), callOf())).rejects.toMatchObject({
    code: "HOST_KEY_UNKNOWN",
    hint: `ssh-mcp connect --name mine -F none -o 'StrictHostKeyChecking=ask' -o '${common}' ${destination}`,
  });
});

test("nobody is asked for a second connection: a command that finds the session full waits instead", async () => {
  await open();
  const person = new Person();
  const opened = registry.open(request(), person.call());
  await person.answer("correct horse");
  const { info } = await opened;
  const results = await Promise.all(
    Array.from({ length: 12 }, async (_, index) => {
      const session = await registry.use(named(info.name), person.call());
      return execOn(session, `sleep 0.2; echo ${index}`, person.call());
    }),
  );
  expect(results.map(({ stdout }) => stdout)).toEqual(results.map((_, index) => `${index}\n`));
  expect(person.shown).toHaveLength(1);
});
