/** A command that runs as another user is ended with all it started, by a helper that becomes the same. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { plainSetup } from "../../../../src/ssh/commands/command-setup.ts";
import type { Connection } from "../../../../src/ssh/connection.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { withCommandLine } from "../../../support/processes.ts";
import { startSshd } from "../../../support/sshd.ts";
import { allowSudo } from "../../../support/sudoers.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";
import { open, run } from "../../open.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let free: TemporaryUser;
let asked: TemporaryUser;
const key = await makeKey();
const connections: Connection[] = [];

const servers = [
  ["the tag reaches sudo", "AcceptEnv LC_*"],
  ["the server takes no tag", "AcceptEnv NOTHING"],
] as const;

beforeAll(async () => {
  [free, asked] = [await makeUser(), await makeUser()];
  await allowSudo([`${free.name} ALL=(ALL:ALL) NOPASSWD: ALL`, `${asked.name} ALL=(ALL:ALL) ALL`]);
});

let made = 7300;
/** A time that nothing else sleeps for. */
const duration = (): string => `${++made}.${process.pid}`;
const sleeping = (time: string): number[] => withCommandLine((words) => words.includes(time));

describe.each(servers)("when %s", (_, accept) => {
  let port = 0;
  beforeAll(async () => {
    port = (await startSshd({ authorizedKeys: [key.line], options: [accept] })).port;
  });
  const connect = async (user: TemporaryUser): Promise<Connection> => {
    const connection = await open({ port, user: user.name, keys: [key.path] });
    connections.push(connection);
    return connection;
  };

  const cases = [
    ["nobody is asked", () => free, "root", "sudo"],
    ["there is a password", () => asked, "root", "sudo"],
    ["it is no superuser", () => asked, "other", "sudo"],
    ["it is su", () => asked, "other", "su"],
  ] as const;
  test.each(cases)("and %s", async (_, who, as, by) => {
    const user = who();
    const connection = await connect(user);
    const target = as === "root" ? "root" : free.name;
    const time = duration();
    const of = by === "su" ? free : user;
    const setup = { ...plainSetup, password: { of: of.name, password: of.password } };
    const stdin = (async function* () {
      await new Promise(() => {});
    })();
    const command = `sleep ${time} & (trap '' INT TERM; sleep ${time}; echo; sleep ${time}) & echo begun; sleep ${time}; sleep ${time}`;
    const controller = new AbortController();
    const onStdout = (): void => controller.abort();
    const form = { become: { by, user: target } };
    const result = await run(connection, command, { form, setup, stdin, onStdout, signal: controller.signal });
    expect(result).toMatchObject({ outcome: "canceled", stopped: "confirmed" });
    expect(sleeping(time)).toEqual([]);
    expect((await run(connection, "echo free")).stdout).toBe("free\n");
  });

  test("several at once, of two users and the login's own", async () => {
    const connection = await connect(asked);
    const time = duration();
    const controller = new AbortController();
    let begun = 0;
    const one = (as: string | null) => {
      let told = false;
      const onStdout = (): void => {
        if (!told && ++begun === 5) controller.abort();
        told = true;
      };
      const setup = { ...plainSetup, password: { of: asked.name, password: asked.password } };
      const form = { become: as === null ? null : { by: "sudo" as const, user: as } };
      return run(connection, `echo begun; sleep ${time} & sleep ${time}`, {
        form,
        setup,
        onStdout,
        signal: controller.signal,
      });
    };
    const results = await Promise.all([one("root"), one("root"), one(free.name), one(null), one(null)]);
    expect(results.slice(0, 3).map(({ stopped }) => stopped)).toEqual(Array(3).fill("confirmed"));
    // Of the login's own, a server that takes no tag lets nobody be sure while others are there.
    const own = accept === "AcceptEnv LC_*" ? ["confirmed"] : ["confirmed", "dispatched"];
    for (const { stopped } of results.slice(3)) expect(own).toContain(`${stopped}`);
    expect(sleeping(time)).toEqual([]);
  });
});

test("before sudo has begun the command, there is nothing to stop, and a wrong password was wrong", async () => {
  const { port } = await startSshd({ authorizedKeys: [key.line] });
  const connection = await open({ port, user: asked.name, keys: [key.path] });
  const form = { become: { by: "sudo" as const, user: "root" } };
  const controller = new AbortController();
  const events: string[] = [];
  const told = (event: string): void => {
    events.push(event);
    // PAM takes a second or two over it.
    controller.abort();
  };
  const setup = { ...plainSetup, password: { of: asked.name, password: "wrong", told } };
  const result = await run(connection, "echo never", { form, setup, signal: controller.signal }).catch(
    (error: unknown) => error,
  );
  expect(events).toEqual(["given"]);
  if (result instanceof Error) expect(result).toMatchObject({ code: "AUTH_FAILED" });
  else expect(result).toMatchObject({ outcome: "canceled", stopped: "confirmed", stdout: "" });
});
