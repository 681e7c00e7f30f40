/** Lasting shells by name: whose they are, when they are busy, and what is said when one has ended. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { startDropbear } from "../../../support/dropbear.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { waitFor } from "../../../support/wait.ts";
import { callOf, model, named, requestFor } from "../sessions.ts";

setDefaultTimeout(30_000);

let key: KeyPair;
let config: string;
let registry: SessionRegistry;

beforeAll(async () => {
  key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const dropbear = await startDropbear({ authorizedKeys: [key.line] });
  const host = (name: string, { user, port }: { user: string; port: number }) =>
    `Host ${name}\n  HostName 127.0.0.1\n  Port ${port}\n  User ${user}\n  IdentityFile ${key.path}\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n`;
  config = join(tempDir("config"), "config");
  writeFileSync(config, host("web", sshd) + host("small", dropbear), { mode: 0o600 });
});
beforeEach(() => {
  registry = new SessionRegistry();
});
afterEach(() => registry.closeAll());
afterAll(cleanup);

const connect = (name: string) =>
  registry.open(requestFor(name, { configFile: config, options: [], lent: true }), callOf());

const runIn = async (shell: string | null, command: string, call = callOf(), session = "web", onStdout = () => {}) => {
  let stdout = "";
  const write = async (chunk: Uint8Array): Promise<void> => {
    stdout += Buffer.from(chunk).toString();
    onStdout();
  };
  const used = await registry.use(named(session), call);
  const stdin = (async function* () {})();
  const sinks = { stdout: { write }, stderr: { write } };
  const result = await used.exec({ command, stdin, ...sinks, timeoutMs: null, shell }, call);
  return { ...result, stdout };
};

const failed = (run: Promise<unknown>): Promise<unknown> => run.catch((error: unknown) => error);

describe("shells of a session", () => {
  beforeEach(() => connect("web"));

  test("are apart by name and by who opened them", async () => {
    await runIn("a", "X=person-a");
    await runIn("b", "X=person-b");
    await runIn("a", "X=agent", callOf({ caller: model() }));
    await runIn("a", "X=other", callOf({ caller: model("another 2.0") }));
    expect(await runIn("a", "echo $X")).toMatchObject({ stdout: "person-a\n" });
    expect(await runIn("b", "echo $X")).toMatchObject({ stdout: "person-b\n" });
    expect(await runIn("a", "echo $X", callOf({ caller: model() }))).toMatchObject({ stdout: "agent\n" });
    expect(await runIn("b", "echo .$X", callOf({ caller: model() }))).toMatchObject({ stdout: ".\n" });
  });

  test("refuse a second command at once, and name the call that runs", async () => {
    const begun = Promise.withResolvers<void>();
    const call = callOf();
    const first = runIn("a", "echo begun; sleep 600", call, "web", begun.resolve);
    await begun.promise;
    const [running] = registry.calls(callOf().caller);
    const second = runIn("a", "true").catch((error: unknown) => error);
    expect(await second).toMatchObject({ code: "SHELL_BUSY", message: expect.stringContaining(running?.id ?? "none") });
    expect(await runIn("b", "echo free")).toMatchObject({ stdout: "free\n" });
    call.leave();
    expect(await first).toMatchObject({ outcome: "canceled", stopped: "confirmed" });
  });

  test("refuse also while they are being opened", async () => {
    const results = await Promise.allSettled([runIn("a", "echo one"), runIn("a", "echo two")]);
    const failed = results.filter(({ status }) => status === "rejected");
    expect(failed).toMatchObject([{ reason: { code: "SHELL_BUSY" } }]);
  });

  test("say that a command ended one, and that the next is another", async () => {
    await runIn("a", "X=1");
    expect(await runIn("a", "echo out; exit 3")).toMatchObject({
      ...{ outcome: "exited", exitCode: 3, stdout: "out\n", reason: expect.stringContaining("SHELL_EXITED") },
    });
    const call = callOf();
    expect(await runIn("a", "echo .$X", call)).toMatchObject({ stdout: ".\n", reason: null });
    expect(call.notices).toEqual([expect.stringContaining("fresh")]);
    const next = callOf();
    await runIn("a", "true", next);
    expect(next.notices).toEqual([]);
  });

  test("take no bad name, and no fifth", async () => {
    expect(runIn("A b", "true")).rejects.toMatchObject({ code: "INVALID_INPUT" });
    for (const name of ["a", "b", "c", "d"]) await runIn(name, "true");
    expect(await runIn("e", "true").catch((error: unknown) => error)).toMatchObject({ code: "SESSION_LIMIT" });
    await runIn("b", "exit");
    expect(await runIn("e", "echo in")).toMatchObject({ stdout: "in\n" });
  });

  test("end with what is taken back, and refuse the next command once", async () => {
    const agent = () => callOf({ caller: model() });
    await runIn("a", "X=1", agent());
    await registry.lend("web", false, callOf());
    await registry.lend("web", true, callOf());
    expect(await failed(runIn("a", "echo .$X", agent()))).toMatchObject({
      ...{ code: "SHELL_EXITED", message: expect.stringContaining("taken back") },
    });
    expect(await runIn("a", "echo .$X", agent())).toMatchObject({ stdout: ".\n" });
  });

  test("run no command in another place than was said, when their connection was lost", async () => {
    await runIn("a", "cd /tmp");
    await runIn(null, "kill -9 $PPID").catch(() => undefined);
    await waitFor(() => registry.list(callOf().caller)[0]?.state === "lost", { what: "the end of the connection" });
    const refused = await failed(runIn("a", "echo ran >$HOME/proof"));
    expect(refused).toMatchObject({
      ...{ code: "SHELL_EXITED", message: expect.stringMatching(/connection has ended.*not sent/) },
    });
    const call = callOf();
    expect(await runIn("a", "pwd; ls $HOME/proof", call)).toMatchObject({
      stdout: expect.not.stringMatching(/^\/tmp/),
      exitCode: 2,
    });
    expect(call.notices).toEqual([expect.stringContaining("connection has ended")]);
  });

  test("of a person are ended by no agent", async () => {
    const mine = ["p1", "p2", "p3", "p4"];
    for (const name of mine) await runIn(name, `X=${name}`);
    const agents = [() => callOf({ caller: model() }), () => callOf({ caller: model("another 2.0") })] as const;
    for (const name of ["a", "b", "c", "d"]) await runIn(name, "X=1", agents[0]());
    const refused = await failed(runIn("a", "true", agents[1]()));
    expect(refused).toMatchObject({ code: "SESSION_LIMIT", message: expect.stringContaining("shells of others") });
    for (const name of mine) expect(await runIn(name, "echo $X")).toMatchObject({ stdout: `${name}\n` });
    expect(await runIn("d", "echo $X", agents[0]())).toMatchObject({ stdout: "1\n" });
  });

  test("end where nobody uses them is told to whoever watches", async () => {
    await runIn("a", "(sleep 0.3; kill $$) & :");
    let changes = 0;
    registry.onChange = () => {
      changes += 1;
    };
    expect(registry.holdsShell).toBe(true);
    await waitFor(() => changes > 0, { what: "the end of the shell" });
    expect(registry.holdsShell).toBe(false);
  });
});

test("an idle shell gives way where no other channel is to be had, and its next command is told so", async () => {
  // No second connection is dialled beside the one.
  registry = new SessionRegistry({ limit: 1 });
  await connect("small");
  await runIn("a", "X=1", callOf(), "small");
  expect(await runIn(null, "echo plain", callOf(), "small")).toMatchObject({ stdout: "plain\n" });
  expect(await failed(runIn("a", "echo .$X", callOf(), "small"))).toMatchObject({
    ...{ code: "SHELL_EXITED", message: expect.stringContaining("few channels") },
  });
  expect(await runIn("a", "echo .$X", callOf(), "small")).toMatchObject({ stdout: ".\n" });
});

test.each([
  ["another command", null],
  ["another shell", "b"],
] as const)("%s that waits has its turn when a busy shell is idle", async (_what, shell) => {
  registry = new SessionRegistry({ limit: 1 });
  await connect("small");
  const begun = Promise.withResolvers<void>();
  const call = callOf();
  const first = runIn("a", "echo begun; sleep 1.5", callOf(), "small", begun.resolve);
  await begun.promise;
  const second = runIn(shell, "echo second", call, "small");
  expect(await first).toMatchObject({ outcome: "exited" });
  expect(await second).toMatchObject({ stdout: "second\n" });
  expect(call.notices).toEqual([expect.stringContaining("busy")]);
});

test("an agent that waits gets no person's shell, and its own at once", async () => {
  registry = new SessionRegistry({ limit: 1 });
  await connect("small");
  await runIn("a", "X=person", callOf(), "small");
  const agent = callOf({ caller: model() });
  expect(await failed(runIn("b", "true", agent, "small"))).toMatchObject({ code: "SESSION_LIMIT" });
  const waiting = runIn(null, "true", agent, "small").catch((error: unknown) => error);
  expect(await runIn("a", "echo $X", callOf(), "small")).toMatchObject({ stdout: "person\n" });
  agent.leave();
  expect(await waiting).toMatchObject({ code: "CANCELED" });
  await runIn("a", "exit", callOf(), "small");
  await runIn("b", "X=agent", callOf({ caller: model() }), "small");
  expect(await runIn(null, "echo plain", callOf({ caller: model() }), "small")).toMatchObject({ stdout: "plain\n" });
});

test("a shell holds up no other command where the server has one channel", async () => {
  await connect("small");
  await runIn("a", "X=1", callOf(), "small");
  expect(await runIn(null, "echo plain", callOf(), "small")).toMatchObject({ stdout: "plain\n" });
  expect(await runIn("b", "echo other", callOf(), "small")).toMatchObject({ stdout: "other\n" });
});
