import { afterAll, expect, test } from "bun:test";
import { cleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { startProxy } from "../../../support/proxy.ts";
import { startSshd } from "../../../support/sshd.ts";
import { makeUser } from "../../../support/users.ts";
import { open, run } from "../../open.ts";

afterAll(cleanup);

test("through a delay of 25 ms each way, a command with a directory, variables and input takes one round trip", async () => {
  const key = await makeKey();
  // A shell that starts faster than the delay, as the count needs it.
  const user = await makeUser({ shell: "/bin/sh" });
  const proxy = await startProxy(await startSshd({ authorizedKeys: [key.line] }));
  const connection = await open({ port: proxy.port, user: user.name, keys: [key.path] });
  await run(connection, "true");
  proxy.setDelay(25);
  const trips: number[] = [];
  for (let count = 0; count < 10; count++) {
    proxy.resetCount();
    const form = { cwd: "/tmp", env: { A: "value" } };
    expect(await run(connection, 'echo "$PWD $A"', { form })).toMatchObject({ stdout: "/tmp value\n", exitCode: 0 });
    trips.push(proxy.roundTrips());
  }
  expect(trips).toEqual(trips.map(() => 1));
  // Input waits for the window that the server opens, and follows without a gap.
  const stdin = [Buffer.alloc(3_000_000, "a"), Buffer.from("b")];
  expect(await run(connection, "wc -c", { form: { cwd: "/" }, stdin })).toMatchObject({ stdout: "3000001\n" });
});
