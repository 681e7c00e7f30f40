/**
 * What takes a person: the compiled binary never asks a model for a secret or for trust. It fails and says what to type, and that
 * line, typed at a terminal as it stands, does it.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { type Agent, startAgent } from "../faces/agent.ts";
import { type Home, makeHome } from "../faces/home.ts";
import { cleanup } from "../support/cleanup.ts";
import { startSshd } from "../support/sshd.ts";
import { makeUser } from "../support/users.ts";

afterAll(cleanup);

describe("a server that takes passwords alone", () => {
  const start = async () => {
    const home = await makeHome();
    const user = await makeUser({ shell: "/bin/sh", password: "it's a $ecret" });
    const sshd = await startSshd({ options: ["PasswordAuthentication yes", "PubkeyAuthentication no"] });
    home.trust(sshd.knownHosts());
    home.configure(`Host box\n  HostName 127.0.0.1\n  Port ${sshd.port}\n`);
    return { home, user, sshd, agent: await startAgent(home.path) };
  };

  test("is AUTH_REQUIRED at once, and what the hint says logs in when it is typed", async () => {
    const { home, user, sshd, agent } = await start();
    const at = `${user.name}@127.0.0.1:${sshd.port}`;
    const answers = [
      await agent.call("ssh_exec", { target: at, command: "id" }),
      await agent.call("ssh_connect", { destination: at, name: "web" }),
      await agent.call("ssh_connect", { destination: "127.0.0.1", user: user.name, port: sshd.port }),
      await agent.call("ssh_connect", { destination: `ssh://${user.name}@127.0.0.1:${sshd.port}/` }),
    ];
    for (const { error } of answers) {
      expect(error).toEqual({
        code: "AUTH_REQUIRED",
        message: `logging in to ${at} takes a password, and nobody gave it`,
        hint: `ssh-mcp connect ${at}`,
        retryable: true,
      });
    }
    const alias = await agent.call("ssh_connect", { destination: "box", user: user.name });
    expect(alias.error).toMatchObject({ code: "AUTH_REQUIRED", hint: `ssh-mcp connect -l ${user.name} box` });

    for (const hint of [answers[0]?.error?.hint, alias.error?.hint]) {
      const terminal = home.type(hint ?? "");
      await terminal.waitFor(`${user.name}@`);
      await terminal.waitFor("password: ");
      terminal.type(`${user.password}\r`);
      await terminal.waitFor("authenticated by password");
      expect(await terminal.exit()).toBe(0);
      expect(terminal.text()).not.toContain(user.password);
    }
    expect((await agent.call("ssh_sessions")).result).toEqual({ sessions: [] });
  });
});

describe("a key with a passphrase", () => {
  test("is AUTH_REQUIRED, and the hint names it so that a shell reads it back", async () => {
    const home = await makeHome("open sesame");
    const user = await makeUser({ shell: "/bin/sh" });
    const sshd = await startSshd({ authorizedKeys: [home.key.line] });
    home.trust(sshd.knownHosts());
    const file = join(home.path, "it's my key");
    renameSync(home.key.path, file);
    const agent = await startAgent(home.path);
    const { error } = await agent.call("ssh_connect", {
      ...{ destination: `127.0.0.1:${sshd.port}`, user: user.name, identityFile: ["~/it's my key"] },
    });
    expect(error).toMatchObject({ code: "AUTH_REQUIRED", message: expect.stringContaining("passphrase") });
    const terminal = home.type(error?.hint ?? "");
    await terminal.waitFor(/passphrase.*: ?$/i);
    terminal.type("open sesame\r");
    await terminal.waitFor("authenticated by publickey");
    expect(await terminal.exit()).toBe(0);
  });
});

describe("a host key that nobody knows", () => {
  const refused = async (agent: Agent, at: string) => {
    const { error } = await agent.call("ssh_exec", { target: at, command: "id" });
    expect(error).toEqual({
      code: "HOST_KEY_UNKNOWN",
      message: expect.stringContaining(
        `the host key of ${at} is not known, and nobody confirmed it: ssh-ed25519 SHA256:`,
      ),
      hint: `ssh-mcp connect ${at}`,
      retryable: false,
    });
    return error?.hint ?? "";
  };

  const typed = async (home: Home, hint: string, fingerprint: string, answer: string) => {
    const terminal = home.type(hint);
    await terminal.waitFor(fingerprint);
    await terminal.waitFor("(yes/no/[fingerprint])? ");
    terminal.type(`${answer}\r`);
    return terminal.exit();
  };

  test("is trusted by a person alone: after that the same call goes through", async () => {
    const home = await makeHome();
    const user = await makeUser({ shell: "/bin/sh" });
    const sshd = await startSshd({ authorizedKeys: [home.key.line] });
    const fingerprint = sshd.hostKeys[0]?.fingerprint ?? "";
    const at = `${user.name}@127.0.0.1:${sshd.port}`;
    const agent = await startAgent(home.path);

    expect(await typed(home, await refused(agent, at), fingerprint, "no")).toBe(4);
    expect(await typed(home, await refused(agent, at), fingerprint, "yes")).toBe(0);
    const { result } = await agent.call("ssh_exec", { target: at, command: "echo in" });
    expect(result).toMatchObject({ stdout: "in\n", exitCode: 0 });
  });
});
