/** What a model pays for a warm command through the compiled binary: one round trip, as the wire shows it. */
import { afterAll, expect, test } from "bun:test";
import { cleanup } from "../support/cleanup.ts";
import { startProxy } from "../support/proxy.ts";
import { startSshd } from "../support/sshd.ts";
import { makeUser } from "../support/users.ts";
import { startAgent } from "./agent.ts";
import { makeHome } from "./home.ts";

afterAll(cleanup);

test("through a delay of 25 ms each way, the 2nd to the 20th ssh_exec take one round trip each", async () => {
  const home = await makeHome();
  // A shell that starts faster than the delay, as the count needs it.
  const user = await makeUser({ shell: "/bin/sh" });
  const sshd = await startSshd({ authorizedKeys: [home.key.line] });
  const proxy = await startProxy(sshd);
  home.trust(sshd.knownHosts().replaceAll(String(sshd.port), String(proxy.port)));
  const agent = await startAgent(home.path);
  const target = `${user.name}@127.0.0.1:${proxy.port}`;
  await agent.call("ssh_exec", { target, command: "true" });

  proxy.setDelay(25);
  const trips: number[] = [];
  for (let count = 2; count <= 20; count++) {
    proxy.resetCount();
    const { result } = await agent.call("ssh_exec", { target, command: "echo here" });
    expect(result).toMatchObject({ stdout: "here\n", exitCode: 0 });
    trips.push(proxy.roundTrips());
  }
  expect(trips).toEqual(trips.map(() => 1));
});
