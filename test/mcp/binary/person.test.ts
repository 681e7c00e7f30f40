/**
 * What takes a person: the compiled binary never asks a model for a secret or for trust. It fails and says what to type, and that
 * line, typed at a terminal as it stands, does it.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { type Agent, startAgent } from "../../faces/agent.ts";
import { type Home, makeHome } from "../../faces/home.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startSshd } from "../../support/sshd.ts";
import { makeUser } from "../../support/users.ts";

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

  test("is AUTH_REQUIRED at once, and once the hint was typed the same calls go through on one session", async () => {
    const { home, user, sshd, agent } = await start();
    const at = `${user.name}@127.0.0.1:${sshd.port}`;
    const calls = [
      ["ssh_connect", { destination: at, name: "web" }],
      ["ssh_exec", { target: at, command: "id -un" }],
      ["ssh_connect", { destination: "127.0.0.1", user: user.name, port: sshd.port }],
      ["ssh_connect", { destination: `ssh://${user.name}@127.0.0.1:${sshd.port}/` }],
      ["ssh_connect", { destination: "box", user: user.name }],
    ] as const;
    // One after the other: those that share a login share its hint.
    const ask = async () => {
      const answers: Awaited<ReturnType<typeof agent.call>>[] = [];
      for (const [tool, input] of calls) answers.push(await agent.call(tool, input));
      return answers;
    };
    // `box` itself is the alias with its own user, and no name for another one.
    const before = await ask();
    expect(before.map(({ error }) => error)).toMatchObject(
      [`web ${at}`, `127.0.0.1-2 ${at}`, `127.0.0.1-2 ${at}`, `127.0.0.1-2 ${at}`, `box-2 -l ${user.name} box`].map(
        (words) => ({
          code: "AUTH_REQUIRED",
          message: expect.stringMatching(
            /^logging in to .* takes a password, and nobody gave it; the same call with wait: 50 /,
          ),
          hint: `SSH_MCP_DIR=${home.path}/.ssh-mcp ssh-mcp connect --name ${words}`,
          retryable: true,
        }),
      ),
    );

    const terminal = home.type(before[0]?.error?.hint ?? "");
    await terminal.waitFor(`${user.name}@127.0.0.1's password: `);
    terminal.type(`${user.password}\r`);
    await terminal.waitFor("authenticated by password");
    expect(await terminal.exit()).toBe(0);
    expect(terminal.text()).not.toContain(user.password);

    const connected = { name: "web", reused: true, authMethod: "password" };
    expect((await ask()).map(({ result }) => result)).toMatchObject([
      connected,
      { target: "web", stdout: `${user.name}\n` },
      ...[connected, connected, connected],
    ]);
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
  const refused = async (home: Home, agent: Agent, at: string) => {
    const { error } = await agent.call("ssh_exec", { target: at, command: "id" });
    expect(error).toEqual({
      code: "HOST_KEY_UNKNOWN",
      message: expect.stringContaining(
        `the host key of ${at} is not known, and nobody confirmed it: ssh-ed25519 SHA256:`,
      ),
      // This HOME is not the one that the system knows: a terminal elsewhere would look for another broker.
      hint: `SSH_MCP_DIR=${home.path}/.ssh-mcp ssh-mcp connect --name 127.0.0.1-2 ${at}`,
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

    expect(await typed(home, await refused(home, agent, at), fingerprint, "no")).toBe(4);
    expect(await typed(home, await refused(home, agent, at), fingerprint, "yes")).toBe(0);
    const { result } = await agent.call("ssh_exec", { target: at, command: "echo in" });
    expect(result).toMatchObject({ stdout: "in\n", exitCode: 0 });
  });
});
