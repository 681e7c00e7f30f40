import { afterAll, expect, test } from "bun:test";
import { cleanup } from "./cleanup.ts";
import { runCommand } from "./command.ts";
import { makeKey } from "./keys.ts";
import { isAlive } from "./processes.ts";
import { sshArguments } from "./ssh.ts";
import { startSshAgent } from "./ssh-agent.ts";
import { startSshd } from "./sshd.ts";

afterAll(cleanup);

test("ssh logs in with a key that only the agent has", async () => {
  const key = await makeKey();
  const [sshd, agent] = await Promise.all([startSshd({ authorizedKeys: [key.line] }), startSshAgent()]);
  const command = [...sshArguments(sshd, null), "true"];
  const env = { SSH_AUTH_SOCK: agent.socket };
  expect((await runCommand(command, { env })).status).toBe(255);
  await agent.add(key.path);
  expect((await runCommand(command, { env })).status).toBe(0);
  expect((await runCommand(command)).status).toBe(255);
  await agent.clear();
  expect((await runCommand(command, { env })).status).toBe(255);
  await agent.stop();
  expect(isAlive(agent.pid)).toBe(false);
});
