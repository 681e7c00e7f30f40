import { afterAll, beforeAll, expect, test } from "bun:test";
import { type CommandSetup, plainSetup } from "../../../src/ssh/commands/command-setup.ts";
import type { Connection } from "../../../src/ssh/connection.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { type SshAgent, startSshAgent } from "../../support/ssh-agent.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { open, run } from "../open.ts";

afterAll(cleanup);

let key: KeyPair;
let sshd: Sshd;
let agent: SshAgent;
beforeAll(async () => {
  key = await makeKey();
  sshd = await startSshd({ authorizedKeys: [key.line] });
  agent = await startSshAgent();
  await agent.add(key.path);
});

const connect = () => open({ port: sshd.port, user: sshd.user, keys: [key.path] });
const forwarding = (agentSocket: string | null): CommandSetup => ({ ...plainSetup, agentSocket });
const runWith = (connection: Connection, command: string, setup: CommandSetup) => run(connection, command, { setup });

test("a command that forwards an agent sees its keys, and signs with them", async () => {
  const connection = await connect();
  const listed = await runWith(connection, "ssh-add -L", forwarding(agent.socket));
  expect(listed.stdout.split(" ").slice(0, 2)).toEqual(key.line.split(" ").slice(0, 2));
  // Signs by the agent: the private key is not on the server.
  const signed = await runWith(
    connection,
    `d=$(mktemp -d) && ssh-add -L >$d/k.pub && echo x | ssh-keygen -Y sign -q -n test -f $d/k.pub 2>&1 | head -1; rm -r $d`,
    forwarding(agent.socket),
  );
  expect(signed.stdout).toContain("BEGIN SSH SIGNATURE");
});

test("the socket that OpenSSH keeps for the whole connection leads nowhere when no command that forwards is left", async () => {
  const connection = await connect();
  const { stdout: socket } = await runWith(connection, "printf %s $SSH_AUTH_SOCK", forwarding(agent.socket));
  expect(socket).not.toBe("");
  const left = await runWith(
    connection,
    "printf '%s ' $SSH_AUTH_SOCK; ssh-add -L 2>/dev/null || echo refused",
    forwarding(null),
  );
  expect(left.stdout).toBe(`${socket} refused\n`);
  expect(connection.isOpen).toBe(true);
});

test("nobody reaches it while a command runs on the connection that does not forward it", async () => {
  const connection = await connect();
  const other = new AbortController();
  const running = Promise.withResolvers<void>();
  const model = run(connection, "echo running; exec sleep 1000", {
    setup: forwarding(null),
    signal: other.signal,
    onStdout: () => running.resolve(),
  });
  await running.promise;
  const beside = await runWith(connection, "ssh-add -L 2>/dev/null || echo refused", forwarding(agent.socket));
  expect(beside.stdout).toBe("refused\n");
  other.abort();
  await model;
  const alone = await runWith(connection, "ssh-add -L", forwarding(agent.socket));
  expect(alone).toMatchObject({ exitCode: 0 });
});

test("an agent that is not there costs the command nothing but its keys", async () => {
  const connection = await connect();
  const listed = await runWith(connection, "ssh-add -L 2>&1; echo still here", forwarding("/nowhere/agent"));
  expect(listed.stdout).toEndWith("still here\n");
});

test("an agent that ends in the middle ends the channel, and nothing else", async () => {
  const mortal = await startSshAgent();
  const connection = await connect();
  let ended: Promise<void> | null = null;
  const result = await run(
    connection,
    `exec 3<>/dev/null; (echo ready; ssh-add -L >/dev/null 2>&1; read -r _; ssh-add -L 2>&1; echo status $?)`,
    {
      setup: forwarding(mortal.socket),
      stdin: (async function* () {
        while (ended === null) await new Promise(setImmediate);
        await ended;
        yield Buffer.from("go on\n");
      })(),
      onStdout: (text) => {
        if (text.includes("ready")) ended ??= mortal.stop();
      },
    },
  );
  expect(result.stdout).toContain("status 1");
  expect(await run(connection, "echo alive")).toMatchObject({ stdout: "alive\n" });
});

test("it works on dropbear", async () => {
  const dropbear = await startDropbear({ authorizedKeys: [key.line] });
  const connection = await open({ port: dropbear.port, user: dropbear.user, keys: [key.path] });
  const listed = await runWith(connection, "ssh-add -L", forwarding(agent.socket));
  expect(listed.stdout.split(" ")[1]).toBe((await mustRun(["ssh-keygen", "-y", "-f", key.path])).split(" ")[1] ?? "");
});
