/** What a failed login means for the next. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../src/broker/logins/clock.ts";
import { Dialer, type DialScope, scopeOf } from "../../../src/broker/logins/dial.ts";
import { planDial } from "../../../src/broker/logins/dial-plan.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeKey } from "../../support/keys.ts";
import { startSshAgent } from "../../support/ssh-agent.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeSecurityKey, startTestAgent } from "../../support/test-agent.ts";
import { makeUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";
import { callOf, cli, model, Person, requestFor } from "../sessions/sessions.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

test("a login beside a session's own is held back like any other, and holds back none", async () => {
  const [key, stranger] = [await makeKey(), await makeKey()];
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const call = callOf({ caller: model() });
  const scope: DialScope = { ...scopeOf(call), isForModels: () => true };
  const request = requestFor(`${sshd.user}@127.0.0.1:${sshd.port}`, { identityFiles: [stranger.path] });
  const plan = await planDial({ ...request, options: [...request.options, "IdentitiesOnly=yes"] }, call);
  const dialer = new Dialer(systemClock);
  const refused = async (dialed: Promise<unknown>): Promise<string> => {
    const error = await dialed.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "AUTH_FAILED" });
    return (error as Error).message;
  };
  const heldBack = "an agent may try again in";
  expect(await refused(dialer.dialBeside(plan, scope))).not.toContain(heldBack);
  expect(await refused(dialer.dial(plan, scope))).not.toContain(heldBack);
  expect(await refused(dialer.dial(plan, scope))).toContain(heldBack);
  expect(await refused(dialer.dialBeside(plan, scope))).toContain(heldBack);
});

test("with another source of its password a refused login is another one", async () => {
  const user = await makeUser({ shell: "/bin/sh", password: "correct horse" });
  const sshd = await startSshd({ options: ["PasswordAuthentication yes"] });
  const call = callOf({ caller: model() });
  const scope: DialScope = { ...scopeOf(call), isForModels: () => true };
  const plan = await planDial(requestFor(`${user.name}@127.0.0.1:${sshd.port}`), call);
  const printing = (password: string) => ({
    ...{ ...plan, settings: { ...plan.settings, passwordCommand: `echo '${password}'` } },
  });
  const dialer = new Dialer(systemClock);
  const denied = { code: "AUTH_FAILED", message: expect.stringContaining("did not take the password") };
  await expect(dialer.dial(printing("wrong"), scope)).rejects.toMatchObject(denied);
  await expect(dialer.dial(printing("wrong"), scope)).rejects.toMatchObject({
    message: expect.stringContaining("an agent may try again in"),
  });
  // config.toml was corrected.
  await (await dialer.dial(printing("correct horse"), scope)).close();
});

test("nobody waits in line for a key to be touched", async () => {
  const [key, sealed] = [await makeKey(), makeSecurityKey("ed25519")];
  const sshd = await startSshd({ authorizedKeys: [key.line, sealed.line] });
  const hand = Promise.withResolvers<void>();
  const agent = await startTestAgent({ keys: [sealed], touch: hand.promise });
  const dialer = new Dialer(systemClock);
  const dial = async (agentSocket: string | null, identityFiles: readonly string[]) => {
    const call = callOf({ caller: { ...cli, agentSocket } });
    const plan = await planDial(requestFor(`${sshd.user}@127.0.0.1:${sshd.port}`, { identityFiles }), call);
    return await dialer.dial(plan, scopeOf(call));
  };
  const waiting = Array.from({ length: 8 }, () => dial(agent.socket, []));
  await waitFor(() => agent.asked.filter((message) => message === 13).length === 8, { what: "eight to wait" });
  await (await dial(null, [key.path])).close();
  hand.resolve();
  for (const connection of await Promise.all(waiting)) await connection.close();
});

test("leave to give a key to the agent is no secret that would be asked for again", async () => {
  const [key, agent] = await Promise.all([makeKey(), startSshAgent()]);
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const person = new Person();
  const call = person.call({ ...cli, agentSocket: agent.socket });
  const request = requestFor(`${sshd.user}@127.0.0.1:${sshd.port}`, { identityFiles: [key.path] });
  const plan = await planDial({ ...request, options: [...request.options, "AddKeysToAgent=ask"] }, call);
  const dialed = new Dialer(systemClock).dial(plan, scopeOf(call));
  await person.answer("no");
  const connection = await dialed;
  expect(person.shown).toEqual([expect.stringContaining(" to agent? (yes/no) ")]);
  expect(connection.login.askedForSecret).toBe(false);
  await connection.close();
});

test.each(["$(id)", "-oproxycommand=id", "two words", "a;b"])(
  "a host that ssh_config leads to by the name %s is refused by that name, and no resolver is asked",
  async (name) => {
    const file = join(tempDir("config"), "config");
    writeFileSync(file, `Host web\n HostName "${name}"\n`);
    await expect(planDial(requestFor("web", { configFile: file }), callOf())).rejects.toMatchObject({
      code: "INVALID_INPUT",
      message: `ssh_config leads to "${name}": that is no host name`,
      hint: "ssh-mcp hosts show web",
    });
  },
);
