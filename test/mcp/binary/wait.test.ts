/** Calls of an agent that wait for a person: with the official client on the compiled binary, and a person at a real terminal. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { startAgent } from "../../faces/agent.ts";
import { type Home, makeHome } from "../../faces/home.ts";
import { run } from "../../support/binary.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";

setDefaultTimeout(60_000);
afterAll(cleanup);

let user: TemporaryUser;
let sshd: Sshd;
let at: string;
beforeAll(async () => {
  user = await makeUser({ shell: "/bin/sh", password: "it's a $ecret" });
  sshd = await startSshd({ options: ["PasswordAuthentication yes", "PubkeyAuthentication no"] });
  at = `${user.name}@127.0.0.1:${sshd.port}`;
});

const start = async () => {
  const home = await makeHome();
  home.trust(sshd.knownHosts());
  return { home, agent: await startAgent(home.path) };
};

/** What `ls` of a person shows. */
const pendingOf = async (home: Home): Promise<Record<string, unknown>[]> => {
  const { stdout } = await run(["ls", "--json"], { home: home.path });
  return (JSON.parse(stdout) as { pending: Record<string, unknown>[] }).pending;
};
const isPending = (home: Home, count = 1) =>
  waitFor(async () => (await pendingOf(home)).length === count, { what: "the login in the list" });

const logIn = async (home: Home, line: string): Promise<string> => {
  const terminal = home.type(line);
  await terminal.waitFor("'s password: ");
  terminal.type(`${user.password}\r`);
  expect(await terminal.exit()).toBe(0);
  return terminal.text();
};

/** Connections that the server has seen. */
const connections = (): number =>
  sshd.log().split("Connection from").length - 1 || sshd.log().split("[preauth]").length - 1;

describe("a login that takes a person", () => {
  test("is waited for with progress, by the identical calls too, and goes on with the session that the person opens", async () => {
    const { home, agent } = await start();
    const heard: string[] = [];
    const onprogress = ({ message }: { message?: string | undefined }): void => void heard.push(message ?? "");
    const input = { destination: at, name: "build", title: "the nightly build" };
    // One that does not wait says what to do; those that come after it join what it left.
    const { error } = await agent.call("ssh_connect", input);
    expect(error).toMatchObject({
      code: "AUTH_REQUIRED",
      message: expect.stringMatching(
        /, and nobody gave it; the same call with wait: 50 goes on once a person has typed the hint$/,
      ),
    });
    const before = connections();
    const waiting = [
      agent.call("ssh_connect", { ...input, wait: 50 }, { onprogress }),
      agent.call("ssh_connect", { ...input, wait: 50 }),
    ];
    expect(await pendingOf(home)).toMatchObject([
      {
        ...{ name: "build", title: "the nightly build", command: error?.hint, by: "test 1.0.0" },
      },
    ]);
    await waitFor(() => heard.length > 0, { what: "progress", timeout: 20_000 });
    // Nothing is held open to the server meanwhile.
    expect(connections()).toBe(before);
    const table = await run(["ls"], { home: home.path });
    expect(table.stdout).toContain(`waits for you: ${error?.hint}\n  asked by "test 1.0.0", for "the nightly build"\n`);

    // The person need not type the whole hint: what they open is what is waited for.
    await logIn(home, `ssh-mcp connect ${at}`);
    for (const answer of await Promise.all(waiting)) {
      expect(answer.result).toMatchObject({ name: "build", title: "the nightly build", reused: true });
    }
    expect(await pendingOf(home)).toEqual([]);
  });

  test("exec waits too, and runs the command once", async () => {
    const { home, agent } = await start();
    const running = agent.call("ssh_exec", { target: at, command: "echo $PPID-ran", wait: 50 });
    await isPending(home);
    const [{ command } = {}] = await pendingOf(home);
    await logIn(home, String(command));
    expect((await running).result).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d+-ran\n$/) });
  });

  test("a wait that is over says so, and what was asked for stays in the list", async () => {
    const { home, agent } = await start();
    const { error } = await agent.call("ssh_connect", { destination: at, wait: 0.5 });
    expect(error).toMatchObject({
      code: "AUTH_REQUIRED",
      message: expect.stringMatching(/takes a password, and nobody gave it; waited \d+ms for a person$/),
      hint: expect.stringContaining("ssh-mcp connect --name 127.0.0.1-2 "),
    });
    expect(await pendingOf(home)).toMatchObject([{ name: "127.0.0.1-2" }]);
  });

  test("a call that is canceled ends at once, and another one waits on", async () => {
    const { home, agent } = await start();
    const stop = new AbortController();
    const canceled = agent.call("ssh_connect", { destination: at, wait: 200 }, { signal: stop.signal });
    const other = agent.call("ssh_connect", { destination: at, wait: 50 });
    await isPending(home);
    stop.abort();
    await expect(canceled).rejects.toThrow();
    await logIn(home, `ssh-mcp connect ${at}`);
    expect((await other).result).toMatchObject({ state: "live" });
  });

  test("a private session of the person is none for the agent", async () => {
    const { home, agent } = await start();
    const waiting = agent.call("ssh_connect", { destination: at, wait: 50 });
    await isPending(home);
    await logIn(home, `ssh-mcp connect --private --name mine ${at}`);
    expect(await pendingOf(home)).toHaveLength(1);
    await run(["lend", "mine"], { home: home.path });
    expect((await waiting).result).toMatchObject({ name: "mine", reused: true });
  });
});

test("a host key that a person confirms ends the wait", async () => {
  const home = await makeHome();
  const keyed = await startSshd({ authorizedKeys: [home.key.line] });
  const destination = `${user.name}@127.0.0.1:${keyed.port}`;
  const agent = await startAgent(home.path);
  const waiting = agent.call("ssh_exec", { target: destination, command: "echo in", wait: 50 });
  await isPending(home);
  // Whoever records it, and however: here ssh-keyscan's line, looked at by a person.
  home.trust(keyed.knownHosts());
  expect((await waiting).result).toMatchObject({ stdout: "in\n" });
});

test("the command line waits as well", async () => {
  const { home } = await start();
  const waiting = run(["exec", "--batch", "--wait", "50s", at, "id", "-un"], { home: home.path, timeout: 55_000 });
  await isPending(home);
  await logIn(home, `ssh-mcp connect ${at}`);
  expect(await waiting).toMatchObject({ status: 0, stdout: `${user.name}\n` });
});

test.each([0, -1, 301, "soon"])("wait of %p is refused", async (wait) => {
  const { agent } = await start();
  const { error } = await agent.call("ssh_exec", { target: at, command: "id", wait });
  expect(error?.code).toBe("INVALID_INPUT");
});
