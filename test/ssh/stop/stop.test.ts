import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../support/cleanup.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { startProxy } from "../../support/proxy.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";
import { open, run } from "../open.ts";
import { type Connect, leftOf, nextMark, servers } from "./places.ts";

afterAll(cleanup);

let key: KeyPair;
beforeAll(async () => {
  key = await makeKey();
});

const shapes: Record<string, (mark: string) => string> = {
  "a child in the background": (mark) => `sleep ${mark} & sleep ${mark}`,
  "deaf to INT and TERM": (mark) => `trap '' INT TERM; sleep ${mark} & sleep ${mark}; sleep ${mark}`,
  "a pipeline": (mark) => `sleep ${mark} | sleep ${mark} | cat`,
  "a session of its own": (mark) => `setsid sleep ${mark} & sleep ${mark}`,
};

describe.each(Object.entries(servers))("a timeout on %s", (_name, serve) => {
  let connect: Connect;
  beforeAll(async () => {
    connect = await serve();
  });

  test.concurrent.each(Object.entries(shapes))("leaves nothing: %s", async (_shape, shape) => {
    const mark = nextMark();
    const result = await run(await connect(), shape(mark), { timeoutMs: 300 });
    expect(result).toMatchObject({ outcome: "timedOut", exitCode: null, stopped: "confirmed" });
    expect(leftOf(mark)).toEqual([]);
  });
});

describe.each(Object.entries(servers).filter(([name]) => name.startsWith("OpenSSH")))(
  "beside another command on %s",
  (name, serve) => {
    test("takes no other command with it", async () => {
      const connection = await (await serve())();
      const [mark, other] = [nextMark(), nextMark()];
      const cancel = new AbortController();
      const bystander = run(connection, `sleep ${other}`, { signal: cancel.signal });
      await waitFor(() => leftOf(other).length > 0, { what: "the bystander" });
      const result = await run(connection, `sleep ${mark} & sleep ${mark}`, { timeoutMs: 300 });
      expect(result.outcome).toBe("timedOut");
      // Two untagged commands cannot be told apart: then it is said, and never guessed.
      if (name.includes("AcceptEnv")) expect(result.stopped).toBe("confirmed");
      if (result.stopped === "confirmed") expect(leftOf(mark)).toEqual([]);
      expect(leftOf(other).length).toBeGreaterThan(0);
      cancel.abort();
      expect(await bystander).toMatchObject({ outcome: "canceled" });
    });
  },
);

test("Dropbear runs one command at a time on a connection, and keeps it", async () => {
  const dropbear = await startDropbear({ user: await makeUser({ shell: "/bin/sh" }), authorizedKeys: [key.line] });
  const connection = await open({ port: dropbear.port, user: dropbear.user, keys: [key.path] });
  const results = await Promise.all(Array.from({ length: 20 }, (_, index) => run(connection, `echo ${index}`)));
  expect(results.map(({ outcome, stdout }) => `${outcome} ${stdout}`)).toEqual(
    results.map((_, index) => `exited ${index}\n`),
  );
});

test("twelve stopped commands leak no slot: the thirteenth runs", async () => {
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const connection = await open({ port: sshd.port, user: sshd.user, keys: [key.path] });
  for (let count = 0; count < 12; count++) {
    const result = await run(connection, `sleep ${nextMark()}`, { timeoutMs: 50 });
    expect(result).toMatchObject({ outcome: "timedOut", stopped: "confirmed" });
  }
  expect(await run(connection, "echo still here")).toMatchObject({ stdout: "still here\n", exitCode: 0 });
});

test("MaxSessions 1: stopped through the channel, and said as far as it is known", async () => {
  const user = await makeUser({ shell: "/bin/sh" });
  const sshd = await startSshd({ authorizedKeys: [key.line], options: ["MaxSessions 1", "AcceptEnv LC_*"] });
  const connection = await open({ port: sshd.port, user: user.name, keys: [key.path] });
  const mark = nextMark();
  const result = await run(connection, `sleep ${mark} & sleep ${mark}`, { timeoutMs: 300 });
  expect(result).toMatchObject({ outcome: "timedOut", stopped: "confirmed" });
  expect(leftOf(mark)).toEqual([]);
});

test("a cancel after stdin's end stops too", async () => {
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const connection = await open({ port: sshd.port, user: sshd.user, keys: [key.path] });
  const mark = nextMark();
  const cancel = new AbortController();
  const running = run(connection, `cat; sleep ${mark}`, { signal: cancel.signal, stdin: [Buffer.from("x")] });
  await waitFor(() => leftOf(mark).some((line) => line.startsWith("sleep")), { what: "the command" });
  cancel.abort();
  expect(await running).toMatchObject({ outcome: "canceled", stopped: "confirmed", stdout: "x" });
  expect(leftOf(mark)).toEqual([]);
});

test("input that is cut never looks complete: the command gets no end of input, and is stopped", async () => {
  const user = await makeUser({ shell: "/bin/sh" });
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const connection = await open({ port: sshd.port, user: user.name, keys: [key.path] });
  const upload = join(user.home, "upload");
  const stdin = (async function* () {
    yield Buffer.from("half");
    await waitFor(() => existsSync(upload) && readFileSync(upload, "utf8") === "half", { what: "the first half" });
    throw new Error("the other half is gone");
  })();
  const result = await run(connection, `cat >${upload} && echo complete >${upload}.done`, { stdin });
  expect(result).toMatchObject({ outcome: "canceled", stopped: "confirmed" });
  expect(existsSync(`${upload}.done`)).toBe(false);
});

test("all commands of a connection, stopped at once, leave nothing: as root, tagged or not", async () => {
  for (const options of [[], ["AcceptEnv LC_*"]]) {
    const sshd = await startSshd({ authorizedKeys: [key.line], options });
    const connection = await open({ port: sshd.port, user: sshd.user, keys: [key.path] });
    const marks = Array.from({ length: 6 }, nextMark);
    const cancel = new AbortController();
    const running = marks.map((mark) => run(connection, `sleep ${mark} & sleep ${mark}`, { signal: cancel.signal }));
    await waitFor(() => marks.every((mark) => leftOf(mark).length >= 2), { what: "the commands" });
    cancel.abort();
    for (const result of await Promise.all(running)) expect(result).toMatchObject({ stopped: "confirmed" });
    expect(marks.flatMap(leftOf)).toEqual([]);
  }
});

test("commands stopped at once are looked for together, whatever of the server's answers is still on its way", async () => {
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const proxy = await startProxy(sshd);
  const connection = await open({ port: proxy.port, user: sshd.user, keys: [key.path] });
  const marks = [nextMark(), nextMark()];
  const cancel = new AbortController();
  proxy.setDelay(200);
  const running = marks.map(async (mark, index) => {
    // The first one's requests are answered by the time of the stop, the second one's are not.
    await Bun.sleep(index * 300);
    return run(connection, `sleep ${mark}`, { signal: cancel.signal });
  });
  await waitFor(() => marks.every((mark) => leftOf(mark).length > 0), { what: "the commands" });
  cancel.abort();
  for (const result of await Promise.all(running)) expect(result).toMatchObject({ stopped: "confirmed" });
  expect(marks.flatMap(leftOf)).toEqual([]);
});

test("a command begun while an untagged one is stopped is not taken for it", async () => {
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const proxy = await startProxy(sshd);
  const connection = await open({ port: proxy.port, user: sshd.user, keys: [key.path] });
  proxy.setDelay(75);
  // The first ends by itself while the helper that is to stop it is on its way; the second begins meanwhile.
  const [first, second] = [
    run(connection, "sleep 0.4", { timeoutMs: 300 }),
    Bun.sleep(310).then(() => run(connection, "sleep 1; echo unharmed")),
  ];
  expect((await first).outcome).toBe("timedOut");
  expect(await second).toMatchObject({ outcome: "exited", exitCode: 0, stdout: "unharmed\n" });
});

test("a process whose name and environment hide it is found all the same", async () => {
  const sshd = await startSshd({ authorizedKeys: [key.line], options: ["AcceptEnv LC_*"] });
  const connection = await open({ port: sshd.port, user: sshd.user, keys: [key.path] });
  const mark = nextMark();
  const hidden = `exec env -i perl -e '$0 = "a\\nb) c ${mark}"; sleep 600'`;
  const running = run(connection, hidden, { timeoutMs: 1000 });
  await waitFor(() => leftOf(mark).length > 0, { what: "the command" });
  expect(await running).toMatchObject({ outcome: "timedOut", stopped: "confirmed" });
  expect(leftOf(mark)).toEqual([]);
});

test("a key with a forced command: it runs once, and a stop says that it is not confirmed", async () => {
  const home = tempDir("forced");
  chmodSync(home, 0o777);
  const ran = join(home, "ran");
  const mark = nextMark();
  const forced = await makeKey();
  const sshd = await startSshd({
    authorizedKeys: [`command="echo ran >>${ran}; sleep ${mark}" ${forced.line}`],
    options: ["AcceptEnv LC_*"],
  });
  const connection = await open({ port: sshd.port, user: sshd.user, keys: [forced.path] });
  const result = await run(connection, "whatever", { timeoutMs: 500 });
  expect(result).toMatchObject({ outcome: "timedOut", stopped: "unconfirmed" });
  expect(readFileSync(ran, "utf8")).toBe("ran\n");
});
