import { afterAll, expect, test } from "bun:test";
import { cleanup } from "./cleanup.ts";
import { runCommand } from "./command.ts";
import { accepts } from "./daemon.ts";
import { makeKey } from "./keys.ts";
import { isAlive } from "./processes.ts";
import { sshArguments } from "./ssh.ts";
import { startSshd } from "./sshd.ts";
import { waitFor } from "./wait.ts";

afterAll(cleanup);

test("ssh logs in with a key and runs a command", async () => {
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const outcome = await runCommand([...sshArguments(sshd, key), "echo out; echo err >&2; exit 7"]);
  expect(outcome).toEqual({ status: 7, signal: null, stdout: "out\n", stderr: "err\n" });
  expect(sshd.log()).toContain(`Accepted publickey for ${sshd.user}`);
});

test("a key that is not authorized is refused, and let in once it is", async () => {
  const key = await makeKey({ type: "ecdsa" });
  const sshd = await startSshd();
  expect((await runCommand([...sshArguments(sshd, key), "true"])).stderr).toContain("Permission denied");
  sshd.authorize(key.line);
  expect((await runCommand([...sshArguments(sshd, key), "true"])).status).toBe(0);
});

test("option lines win over the fixture's own", async () => {
  const key = await makeKey();
  const sshd = await startSshd({
    options: ["MaxSessions 0", "Banner none", "AcceptEnv LC_*"],
    authorizedKeys: [key.line],
    hostKeys: ["ed25519", "ecdsa"],
  });
  expect(sshd.hostKeys.map((each) => each.algorithm)).toEqual(["ssh-ed25519", "ecdsa-sha2-nistp256"]);
  expect((await runCommand([...sshArguments(sshd, key), "true"])).status).toBe(255);
});

test("stop ends the server, its connections and what they left running, and frees the port", async () => {
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const { stdout } = await runCommand([...sshArguments(sshd, key), "sleep 600 >/dev/null 2>&1 & echo $!"]);
  const sleeper = Number(stdout);
  expect(isAlive(sleeper)).toBe(true);
  await sshd.stop();
  await waitFor(() => !isAlive(sleeper), { what: "the command left behind to end" });
  expect(isAlive(sshd.pid)).toBe(false);
  expect(await accepts(sshd.port)).toBe(false);
  const again = await startSshd({ port: sshd.port, authorizedKeys: [key.line] });
  expect(again.knownHosts()).not.toBe(sshd.knownHosts());
  expect((await runCommand([...sshArguments(again, key), "true"])).status).toBe(0);
});

test("a configuration that sshd refuses is reported with sshd's words", async () => {
  await expect(startSshd({ options: ["Nonsense yes"] })).rejects.toThrow(/Bad configuration option: Nonsense/);
});
