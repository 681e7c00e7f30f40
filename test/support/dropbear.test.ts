import { afterAll, expect, test } from "bun:test";
import { cleanup } from "./cleanup.ts";
import { runCommand } from "./command.ts";
import { startDropbear } from "./dropbear.ts";
import { makeKey } from "./keys.ts";
import { isAlive } from "./processes.ts";
import { sshArguments } from "./ssh.ts";
import { makeUser } from "./users.ts";
import { waitFor } from "./wait.ts";

afterAll(cleanup);

test.each([{ superuser: false }, { superuser: true }])("ssh logs in, %p", async ({ superuser }) => {
  const key = await makeKey();
  const user = await makeUser({ superuser });
  const dropbear = await startDropbear({ user, authorizedKeys: [key.line] });
  const outcome = await runCommand([...sshArguments(dropbear, key), "id -u; echo err >&2; exit 9"]);
  expect(outcome).toEqual({ status: 9, signal: null, stdout: `${user.uid}\n`, stderr: "err\n" });
});

test("stop ends the server and what its clients left running", async () => {
  const key = await makeKey();
  const dropbear = await startDropbear({ authorizedKeys: [key.line], hostKeys: ["ecdsa"] });
  const { stdout } = await runCommand([...sshArguments(dropbear, key), "setsid sleep 600 >/dev/null 2>&1 & echo $!"]);
  const sleeper = Number(stdout);
  expect(isAlive(sleeper)).toBe(true);
  await dropbear.stop();
  await waitFor(() => !isAlive(sleeper), { what: "the command left behind to end" });
  expect(isAlive(dropbear.pid)).toBe(false);
});
