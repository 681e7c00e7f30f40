/** A link that was lost comes back without a person, while the session's time lasts, and not a moment longer. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import type { OpenRequest } from "../../../../src/core/session.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { descendantsOf, signal } from "../../../support/processes.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";
import { waitFor } from "../../../support/wait.ts";
import { callOf, cli, hour, minute, model, named, Person, requestFor, run, testClock } from "../sessions.ts";

setDefaultTimeout(30_000);

const password = "correct horse";
let user: TemporaryUser;
let sshd: Sshd;
let registry: SessionRegistry;
let clock = testClock();

beforeAll(async () => {
  user = await makeUser({ shell: "/bin/sh", password });
  sshd = await startSshd({ options: ["PasswordAuthentication yes", "MaxAuthTries 2"] });
});
afterEach(() => registry.closeAll());
afterAll(cleanup);

const opened = async (extra: Partial<OpenRequest> = {}, answer = password): Promise<Person> => {
  clock = testClock();
  registry = new SessionRegistry({ clock });
  const person = new Person();
  const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
  const request = requestFor(`${user.name}@127.0.0.1:${sshd.port}`, { name: "web", options, ...extra });
  const opening = registry.open(request, person.call());
  await person.answer(answer);
  await opening;
  return person;
};
const info = () => registry.list(cli)[0];
const agent = () => callOf({ caller: model() });
const echo = async (text: string): Promise<string> =>
  (await run(registry, named("web"), `echo ${text}`, agent())).stdout;
const failing = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );
const failures = (): number => sshd.log().split("Failed password").length - 1;

/** As when the network goes: the server's processes for its connections are gone. */
const lose = async (): Promise<void> => {
  // Its processes are all there by then.
  await echo("up");
  const isLost = (): boolean => {
    // One that was just forked has the socket too.
    for (const pid of descendantsOf(sshd.pid)) signal(pid, "SIGKILL");
    return info()?.state === "lost";
  };
  await waitFor(isLost, { what: "the link to be lost" });
};

test("an agent's next command dials again, and `ls` says that it can", async () => {
  await opened();
  expect(info()).toMatchObject({ state: "live", needsPerson: true });
  await lose();
  expect(info()).toMatchObject({ state: "lost", needsPerson: false });
  expect(await echo("back")).toBe("back\n");
  expect(info()).toMatchObject({ state: "live", needsPerson: true });
  await lose();
  expect(await echo("again")).toBe("again\n");
});

test("the passphrase of a key as well", async () => {
  const key = await makeKey({ passphrase: "open sesame" });
  sshd.authorize(key.line);
  await opened({ identityFiles: [key.path] }, "open sesame");
  await lose();
  expect(await echo("back")).toBe("back\n");
});

test("what is held is gone when the idle time is over, whether the link is there or lost", async () => {
  await opened({ ttlMs: 10 * minute });
  clock.pass(11 * minute);
  expect(info()).toMatchObject({ needsPerson: true });
  expect(await failing(echo("late"))).toMatchObject({ code: "AUTH_REQUIRED" });
  await registry.closeAll();
  await opened({ ttlMs: 10 * minute });
  await lose();
  clock.pass(11 * minute);
  expect(info()).toMatchObject({ state: "lost", needsPerson: true });
  expect(await failing(echo("late"))).toMatchObject({ code: "AUTH_REQUIRED" });
});

test("12 hours after the person's login it is over, however often it was dialled again", async () => {
  await opened({ ttlMs: 0 });
  clock.pass(11 * hour);
  await lose();
  expect(await echo("eleven")).toBe("eleven\n");
  clock.pass(hour + minute);
  expect(await failing(echo("twelve"))).toMatchObject({ code: "AUTH_REQUIRED" });
});

test("a session that was closed holds nothing for the next of its name", async () => {
  await opened();
  await registry.close(["web"], cli);
  const request = requestFor(`${user.name}@127.0.0.1:${sshd.port}`, { name: "web" });
  expect(await failing(registry.open(request, callOf()))).toMatchObject({ code: "AUTH_REQUIRED" });
});

test("one that is wrong by now is one try, and forgotten", async () => {
  await opened();
  await lose();
  Bun.spawnSync(["chpasswd"], { stdin: Buffer.from(`${user.name}:changed\n`) });
  const before = failures();
  try {
    expect(await failing(echo("wrong"))).toMatchObject({ code: "AUTH_FAILED" });
    expect(failures() - before).toBe(1);
    expect(info()).toMatchObject({ state: "lost", needsPerson: true });
    // Nor is it sent again later.
    clock.pass(2 * minute);
    expect(await failing(echo("wrong"))).toMatchObject({ code: "AUTH_REQUIRED" });
    expect(failures() - before).toBe(1);
  } finally {
    Bun.spawnSync(["chpasswd"], { stdin: Buffer.from(`${user.name}:${password}\n`) });
  }
});

test("no other session profits from it", async () => {
  await opened();
  const request = requestFor(`${user.name}@127.0.0.1:${sshd.port}`, { name: "other", fresh: true });
  expect(await failing(registry.open(request, callOf()))).toMatchObject({ code: "AUTH_REQUIRED" });
});
