/** Stops of commands that run as other users, where channels or helpers are short. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { cleanup, onCleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { startSshd } from "../../../support/sshd.ts";
import { allowSudo } from "../../../support/sudoers.ts";
import { makeUser } from "../../../support/users.ts";
import { waitFor } from "../../../support/wait.ts";
import { open, run } from "../../open.ts";
import { leftOf, nextMark } from "../places.ts";

afterAll(cleanup);
setDefaultTimeout(40_000);
const key = await makeKey();

test("eight users at once and the login itself: all are looked for, though channels are too few for a helper each", async () => {
  const login = await makeUser({ shell: "/bin/sh" });
  const users = await Promise.all(Array.from({ length: 7 }, () => makeUser({ shell: "/bin/sh" })));
  await allowSudo([`${login.name} ALL=(ALL:ALL) NOPASSWD: ALL`]);
  const sshd = await startSshd({ authorizedKeys: [key.line], options: ["AcceptEnv LC_*"] });
  const connection = await open({ port: sshd.port, user: login.name, keys: [key.path] });
  const cancel = new AbortController();
  const commands = [...users.map(({ name }) => name), null].map((user) => ({ user, mark: nextMark() }));
  const running = commands.map(({ user, mark }) => {
    const form = user === null ? {} : { become: { by: "sudo" as const, user } };
    return run(connection, `sleep ${mark} & sleep ${mark}`, { form, signal: cancel.signal });
  });
  await waitFor(() => commands.every(({ mark }) => leftOf(mark).length >= 2), { what: "the commands" });
  cancel.abort();
  const results = await Promise.all(running);
  expect(results.map(({ stopped }) => stopped)).toEqual(commands.map(() => "confirmed"));
  expect(commands.flatMap(({ mark }) => leftOf(mark))).toEqual([]);
});

test("a helper that sudo refuses counts for its user: others are looked for as before", async () => {
  const user = await makeUser({ shell: "/bin/sh", password: "pw" });
  const path = `/etc/sudoers.d/ssh-mcp-test-${process.pid}-900`;
  const remove = (): void => rmSync(path, { force: true });
  onCleanup(async () => remove(), remove);
  const allow = (how: string): void => {
    writeFileSync(path, `${user.name} ALL=(ALL:ALL) ${how}\n`, { mode: 0o440 });
    chmodSync(path, 0o440);
  };
  allow("NOPASSWD: ALL");
  const sshd = await startSshd({ authorizedKeys: [key.line], options: ["AcceptEnv LC_*"] });
  const connection = await open({ port: sshd.port, user: user.name, keys: [key.path] });
  const cancel = new AbortController();
  const [rooted, mark] = [nextMark(), nextMark()];
  const form = { become: { by: "sudo" as const, user: "root" } };
  const refused = run(connection, `sleep ${rooted}`, { form, signal: cancel.signal });
  await waitFor(() => leftOf(rooted).some((line) => line.startsWith("sleep")), { what: "the command as root" });
  allow("ALL");
  cancel.abort();
  expect((await refused).stopped).not.toBe("confirmed");
  // Nothing but a helper reaches these: the channel's own signals go to one group.
  const deaf = `trap '' TERM INT; setsid sleep ${mark} & sleep ${mark}; sleep ${mark}`;
  const result = await run(connection, deaf, { timeoutMs: 300 });
  expect(result).toMatchObject({ outcome: "timedOut", stopped: "confirmed" });
  expect(leftOf(mark)).toEqual([]);
});

test("MaxSessions 1: once the command's own channel is free, a helper stops what runs as root", async () => {
  const user = await makeUser({ shell: "/bin/sh" });
  await allowSudo([`${user.name} ALL=(ALL:ALL) NOPASSWD: ALL`]);
  const sshd = await startSshd({ authorizedKeys: [key.line], options: ["MaxSessions 1"] });
  const connection = await open({ port: sshd.port, user: user.name, keys: [key.path] });
  const mark = nextMark();
  const form = { become: { by: "sudo" as const, user: "root" } };
  const cancel = new AbortController();
  const running = run(connection, `sleep ${mark} & sleep ${mark}`, { form, signal: cancel.signal });
  await waitFor(() => leftOf(mark).filter((line) => line.startsWith("sleep")).length === 2, { what: "the command" });
  cancel.abort();
  expect(await running).toMatchObject({ outcome: "canceled", stopped: "confirmed" });
  expect(leftOf(mark)).toEqual([]);
});
