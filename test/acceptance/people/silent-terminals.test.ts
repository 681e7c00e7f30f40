/** A question whose terminal is silent holds up nobody: others are asked as well, or need nobody to be asked. */
import { afterAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { startAgent } from "../../faces/agent.ts";
import { type Home, makeHome } from "../../faces/home.ts";
import { run } from "../../support/binary.ts";
import { cleanup } from "../../support/cleanup.ts";
import { signal, withCommandLine } from "../../support/processes.ts";
import { startSshAgent } from "../../support/ssh-agent.ts";
import { startSshd } from "../../support/sshd.ts";
import type { TerminalSession } from "../../support/terminal.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { crash } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

const prompt = /'s password: /;
/** What the broker waits until it asks the next one, and some time for a busy machine. */
const patienceMs = 20_000;

let home: Home;
let user: TemporaryUser;
let at: string;
beforeEach(async () => {
  home = await makeHome();
  user = await makeUser({ shell: "/bin/sh", password: "right" });
  const sshd = await startSshd({ options: ["PasswordAuthentication yes"], authorizedKeys: [home.key.line] });
  at = `${user.name}@127.0.0.1:${sshd.port}`;
  home.trust(sshd.knownHosts());
});

/** Those that the shell of a terminal runs. */
const clientsOf = (words: readonly string[]): number[] =>
  withCommandLine((line) => line.slice(1).join(" ") === words.join(" "));

describe("a password", () => {
  /** The key is in an agent, and nowhere else. */
  const agentWithKey = async () => {
    const agent = await startSshAgent();
    await agent.add(home.key.path);
    rmSync(home.key.path);
    rmSync(join(home.path, ".ssh/id_ed25519.pub"), { force: true });
    return agent;
  };

  const atPrompt = async (line: string): Promise<TerminalSession> => {
    const terminal = home.type(line);
    await terminal.waitFor(prompt);
    return terminal;
  };

  test("that a stopped terminal was asked for is asked for at the next one; the first goes on with it", async () => {
    rmSync(home.key.path);
    const first = await atPrompt(`ssh-mcp exec ${at} 'echo first'`);
    const [stopped] = clientsOf(["exec", at, "echo first"]);
    signal(stopped ?? 0, "SIGSTOP");
    const second = home.type(`ssh-mcp exec ${at} 'echo second'`);
    await second.waitFor("which is being asked for at another terminal");
    await second.waitFor(prompt, patienceMs);
    second.type("right\r");
    await second.waitFor("second\n");
    expect(await second.exit()).toBe(0);
    signal(stopped ?? 0, "SIGCONT");
    await first.waitFor("(no answer is needed here any more: it came from elsewhere)\nfirst\n");
    expect(await first.exit()).toBe(0);
  });

  test("of a job in the background is asked for by nobody, and says so at once", async () => {
    rmSync(home.key.path);
    const terminal = home.type(`set -m; ssh-mcp exec ${at} 'echo BG' & wait $!; echo status=$?`);
    await terminal.waitFor("[AUTH_REQUIRED]");
    await terminal.waitFor("status=255");
    await terminal.exit();
  });

  test("at a prompt holds up nobody whose agent has the key, and is not needed any more", async () => {
    const agent = await agentWithKey();
    const person = await atPrompt(`ssh-mcp connect --name web ${at}`);
    const env = { SSH_AUTH_SOCK: agent.socket };
    expect(await run(["--batch", "exec", at, "echo in"], { home: home.path, env })).toMatchObject({
      ...{ status: 0, stdout: "in\n", stderr: "" },
    });
    await person.waitFor("(no answer is needed here any more: it came from elsewhere)\n");
    await person.waitFor("opened web");
    expect(await person.exit()).toBe(0);
  });

  test.each([
    ["broker stop", "the broker was stopped"],
    ["broker restart", "the broker was stopped"],
    ["close web", "the session web was closed from another terminal"],
  ])("at a prompt that is ended by ssh-mcp %s says so", async (command, why) => {
    rmSync(home.key.path);
    const person = await atPrompt(`ssh-mcp connect --name web ${at}`);
    expect((await run(command.split(" "), { home: home.path })).status).toBe(0);
    await person.waitFor(`ssh-mcp: ${why}; no command was sent [CANCELED]`);
    expect(await person.exit()).toBe(1);
  });

  test("at a prompt of a broker that is killed: no command was sent", async () => {
    rmSync(home.key.path);
    const person = await atPrompt(`ssh-mcp exec ${at} 'echo in'`);
    await crash(home.path);
    await person.waitFor("the login was through; no command was sent [BROKER_UNAVAILABLE]");
    await person.waitFor("try: run the same command again");
    expect(await person.exit()).toBe(255);
  });
});

test("a command that a model's program ends with its session says who did it", async () => {
  const person = home.type(`ssh-mcp connect --name web ${at} && ssh-mcp exec web 'echo begun; sleep 60'`);
  await person.waitFor("begun");
  const agent = await startAgent(home.path);
  await agent.call("ssh_disconnect", { targets: ["web"] });
  await person.waitFor("ssh-mcp: the session web was closed by an agent (test 1.0.0); stopped: ");
  expect(await person.exit()).toBe(255);
});
